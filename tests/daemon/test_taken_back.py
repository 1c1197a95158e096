"""Which entries count as taken back, where undos are undone themselves."""

from __future__ import annotations

import pytest

from interlock.daemon.takenback import undone


@pytest.mark.parametrize(
    ("undos", "left"),
    [
        ([], {}),
        ([(10, [3, 4])], {3: 10, 4: 10}),
        ([(10, [3]), (12, [10])], {10: 12}),
        ([(10, [3]), (12, [10]), (14, [12])], {12: 14, 3: 10}),
        ([(10, [3]), (12, [10]), (16, [3])], {10: 12, 3: 16}),
    ],
    ids=["none", "two", "undone", "undone and that again", "undone and done again"],
)
def test_an_undo_that_was_undone_took_nothing_back(undos: list[tuple[int, list[int]]], left: dict[int, int]) -> None:
    assert undone(undos) == left
    assert undone(reversed(undos)) == left
