"""The order of the rooms: those with the longest files come first, so that at the end no core waits for one file."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest

from settled import settle

LONGEST = (
    "scenarios",
    "escapes",
    "corpus",
    "races",
    "changes",
    "approvals",
    "daemon",
    "native",
    "containment",
    "prover",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Within a room the order stays as it is; with `--no-loadscope-reorder` the files are handed out in this one."""
    place = {room: number for number, room in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.nodeid.split("/")[1], len(place)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: looking for garbage in it meanwhile took a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        settle()
