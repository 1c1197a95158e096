"""What the tests compile, compiled once a run of the tests: whichever worker asks first builds it for all of them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], bool]) -> Path | None:
    """The program of this name, made by `build`, which says whether it could; None where it could not."""
    own = factory.getbasetemp()
    place = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "built" / name
    place.mkdir(parents=True, exist_ok=True)
    tried = place / "tried"
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tried.exists():
            tried.write_text("well" if build(place / name) else "in vain")
    return place / name if tried.read_text() == "well" else None
