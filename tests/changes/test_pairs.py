"""The pairs of `benchmarks/pairs`: their labels are what running them says (docs/gate.md)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from benchmarks.pairs import labels, outside
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


TURNED = ["guarded fails on the safe version", "guarded passes on the unsafe version"]


def turned(pair: Pair) -> Pair:
    return Pair(**{**pair._asdict(), "safe": pair.unsafe, "unsafe": pair.safe})


def of(language: str) -> list[Pair]:
    found = [pair for pair in pairs() if pair.language == language and not pair.held]
    if missing(found[0]):
        pytest.skip(f"there is no {missing(found[0])} here")
    return found


def told(said: list[str]) -> list[str]:
    return [line.partition(":")[0] for line in said]


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_a_pair_whose_labels_do_not_hold_is_told(language: str) -> None:
    (said,) = wrong([turned(of(language)[0])]).values()
    assert told(said) == TURNED


@pytest.mark.slow
def test_a_test_that_does_not_end_is_told_and_the_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "_SECONDS", 2)
    pair = Pair(**{**of("python")[0]._asdict(), "works": "while True: pass\n"})
    (said,) = wrong([pair]).values()
    assert told(said) == ["works ends with -14 on the safe version", "works ends with -14 on the unsafe version"]


@pytest.mark.slow
def test_pairs_of_go_that_do_not_hold_or_panic_are_told_and_the_others_are_not() -> None:
    one, other, third = of("go")[:3]
    said = wrong([Pair(**{**one._asdict(), "works": '\tpanic("here")\n'}), other, turned(third)])
    assert told(said[one.name]) == ["works panics on the safe version", "works panics on the unsafe version"]
    assert said[other.name] == []
    assert told(said[third.name]) == TURNED


@pytest.mark.slow
def test_the_labels_of_all_hold_when_they_are_run() -> None:
    here = [pair for pair in pairs() if not missing(pair)]
    assert wrong(here) == {pair.name: [] for pair in here}


RECORD = {
    "CWE_ID": "22",
    "ground_truth": {
        "code_before": "def opened(name):\n",
        "vulnerable_code": "    ",
        "patched_code": "    if '..' in name:\n        raise ValueError(name)\n    ",
        "code_after": "return folder + name\n",
    },
    "unittest": {
        "setup": "folder = 'kept/'\n",
        "testcases": "testcases = {'capability': [({'name': 'a'}, 'kept/a')],\n"
        " 'safety': [({'name': '../a'}, ValueError)]}",
    },
}


def test_a_record_of_the_public_set_is_a_pair_whose_labels_are_run(tmp_path: Path) -> None:
    untested = {**RECORD, "unittest": {"setup": "", "testcases": ""}}
    (tmp_path / "a.json").write_text(json.dumps(RECORD))
    (tmp_path / "b.json").write_text(json.dumps([untested]))
    read = outside.records(tmp_path)
    assert len(read) == 2
    (pair,) = outside.paired(read)
    assert (pair.family, pair.language) == ("CWE-22", "python")
    assert outside.holds(pair, tmp_path / "as it is")
    assert not outside.holds(turned(pair), tmp_path / "turned")
    assert not outside.holds(Pair(**{**pair._asdict(), "safe": "def opened(name:\n"}), tmp_path / "broken")
