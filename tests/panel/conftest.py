"""A real daemon with its panel, and a browser that is a plain HTTP client in this very process."""

from __future__ import annotations

import re
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.daemon.conftest import Guard

from interlock.daemon.client import call


class Browser:
    """A session of the panel, as a browser would hold it."""

    def __init__(self, guard: Guard, *, reader: bool = False) -> None:
        self.guard = guard
        found = call(guard.home, "panel.link", {"reader": reader})
        self.link: str = found["link"]
        self.base: str = found["address"].rstrip("/")
        self.http = httpx2.Client(base_url=self.base)
        weakref.finalize(self, self.http.close)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx2.Response:
        return self.http.post(path, data=fields, headers={"origin": self.base, **headers})

    def enter(self) -> httpx2.Response:
        return self.post("/login", {"link": self.link.rsplit("/", 1)[1]})

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.http.get(path, headers=headers)

    def token(self) -> str:
        """The scripts' token, as it stands in every page."""
        found = re.search(r'data-token="([0-9a-f]{64})"', self.get("/inbox").text)
        assert found
        return found[1]

    def form(self, number: int, which: str) -> dict[str, str]:
        """The hidden fields of one form of a question's page."""
        page = self.get(f"/requests/{number}").text
        form = page[page.index(f'id="{which}"') :].split("</form>")[0]
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))

    def script(self, path: str, fields: dict[str, str], token: str = "") -> httpx2.Response:
        headers = {"origin": self.base, "x-interlock-token": token or self.token()}
        return self.http.post(path, json=fields, headers=headers)


def ask(guard: Guard, command: str, **more: Any) -> dict[str, Any]:
    """An agent asks something; returns the request."""
    guard.hook("Bash", {"command": command}, **more)
    found: list[dict[str, Any]] = call(guard.home, "inbox")
    return next(request for request in found if request["text"] == command)


def armed() -> None:
    """As long as a card takes to arm."""
    time.sleep(0.75)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """One daemon for the tests of a file."""
    base: Path = tmp_path_factory.mktemp("panel")
    guard = Guard(base)
    guard.configure('[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n')
    guard.start()
    yield guard
    if guard.process is not None and guard.process.poll() is None:
        guard.process.kill()
        guard.process.wait(20)


@pytest.fixture(scope="module")
def browser(served: Guard) -> Browser:
    """Somebody who is signed in."""
    made = Browser(served)
    assert made.enter().status_code == 303
    return made
