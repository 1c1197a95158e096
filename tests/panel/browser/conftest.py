"""One browser and one played day for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.daemon.conftest import AGENT, Guard
from tests.panel.browser.eyes import Person, chromium
from tests.panel.browser.scene import CONFIGURATION, Day, play


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """A running daemon that has seen nothing yet."""
    base: Path = tmp_path_factory.mktemp("browser")
    made = Guard(base)
    made.configure(CONFIGURATION)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def day(guard: Guard) -> Day:
    if not Path(AGENT[3]).with_name("interlock-run").is_file():
        pytest.skip("no launcher: there was no C compiler at installation")
    return play(guard)


@pytest.fixture(scope="module")
def ada(browser: Browser, guard: Guard) -> Iterator[Person]:
    """The person at the panel."""
    person = Person(browser, guard).enter()
    yield person
    person.close()
