"""The order of the rooms: those with the longest files come first, so that at the end no core waits for one file."""

from __future__ import annotations

import gc

import pytest

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


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no collection of garbage need look through all of it again."""
    gc.freeze()
