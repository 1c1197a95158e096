"""A world for each test; skips, with the reason, where this machine makes no namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from containment.egress.netspace import netspace
from containment.egress.world import World


@pytest.fixture(scope="session")
def namespaces() -> None:
    try:
        with netspace():
            pass
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture
def world(tmp_path: Path, namespaces: None) -> Iterator[World]:
    with netspace() as inside:
        made = World(tmp_path, inside)
        try:
            yield made
        finally:
            made.close()
