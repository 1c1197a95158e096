"""The pairs of `benchmarks/pairs`: their labels are what running them says (docs/gate.md)."""

from __future__ import annotations

from collections import Counter

import pytest
from benchmarks.pairs.labels import missing, wrong
from benchmarks.pairs.pair import Pair, pairs

_FEW = ("traversal/app/reports.py", "owner/app/notes.py", "sign-in/app/handlers.py")


def test_there_are_enough_pairs() -> None:
    every = pairs()
    languages = Counter(pair.language for pair in every)
    assert languages["python"] >= 80
    assert languages["javascript"] >= 25
    assert languages["go"] >= 15
    assert sum(not pair.held for pair in every) >= 490
    assert sum(pair.held for pair in every) >= 210
    assert len({pair.name for pair in every}) == len(every)


def test_the_labels_of_a_few_hold_when_they_are_run() -> None:
    few = [pair for pair in pairs() if pair.name in _FEW]
    assert wrong(few) == {name: [] for name in sorted(_FEW, key=[p.name for p in few].index)}


def test_a_pair_whose_labels_do_not_hold_is_told() -> None:
    pair = next(pair for pair in pairs() if pair.name == _FEW[0])
    turned = Pair(**{**pair._asdict(), "safe": pair.unsafe, "unsafe": pair.safe})
    (told,) = wrong([turned]).values()
    assert [line.partition(":")[0] for line in told] == [
        "guarded fails on the safe version",
        "guarded passes on the unsafe version",
    ]


@pytest.mark.slow
def test_the_labels_of_all_hold_when_they_are_run() -> None:
    here = [pair for pair in pairs() if not missing(pair)]
    assert wrong(here) == {pair.name: [] for pair in here}
