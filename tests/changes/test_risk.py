"""The risk score: what raises it, that its terms are shown, that it fits, and that it makes no verdict."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from changes.making import change, commit, git, repository
from interlock.changes.finding import Verdict
from interlock.changes.gate import judge
from interlock.changes.repo import Repo
from interlock.changes.report.facts import facts
from interlock.changes.report.html import html
from interlock.changes.report.markdown import markdown
from interlock.changes.risk import measures
from interlock.changes.risk.fit import calibrated
from interlock.changes.risk.score import BASIS, Level, Policy, logit, model, probability, risk


def test_every_measure_is_measured_and_raises_the_score(tmp_path: Path) -> None:
    numbers = measures.of(change(tmp_path, {"a.py": "x = 1\n"}, {"a.py": "x = 2\n"}), [], [], [])
    assert set(numbers) == {one.id for one in model().measure}
    for one in (one for one in model().measure if one.weight):  # a fitted one may be silent, and lowers nothing
        assert logit({**numbers, one.id: numbers[one.id] + 1}) > logit(numbers), one.id


def test_a_score_wants_the_review_that_the_policy_says() -> None:
    policy = Policy(level=(Level(above=0.0, people=1), Level(above=0.9, people=3, who="the owners")))
    assert risk({}, policy).people == 1
    high = risk({"lines": 1e6, "blocks": 50.0, "reviews": 50.0, "sensitive": 1.0}, policy)
    assert (high.people, high.who) == (3, "the owners")
    assert high.basis == ("public" if model().trained else "hand")
    assert risk({}, Policy(offset=-2.0, slope=1.1)).basis == "own"


def test_history_counts_what_was_mended_and_by_whom(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    commit(folder, {"a.py": "x = 2\n"}, "fix the sum")
    past = measures.past(Repo(str(folder)), "HEAD")
    assert [(one.fixes, one.files) for one in past] == [(True, ("a.py",)), (False, ("a.py", "b.py"))]
    now = past[0].when
    assert measures.history(past, {"a.py"}, now)["fixes"] == 1.0
    assert measures.history(past, {"b.py"}, now)["fixes"] == 0.0


def test_sizes_know_spread_and_missing_tests() -> None:
    even = measures.sizes(Counter({"a.py": 10, "b.py": 10}), ["a.py", "b.py"])
    one = measures.sizes(Counter({"a.py": 19, "tests/test_a.py": 1}), ["a.py", "tests/test_a.py"])
    assert even["entropy"] == 1.0
    assert one["entropy"] < 0.5
    assert (even["untested"], one["untested"]) == (1.0, 0.0)


def test_calibration_finds_what_made_the_data() -> None:
    chance = random.Random(3)
    raw = [chance.uniform(0, 6) for _ in range(4_000)]
    bad = [chance.random() < probability(x, -3.5, 0.9) for x in raw]
    offset, slope = calibrated(raw, bad)
    assert offset == pytest.approx(-3.5, abs=0.3)
    assert slope == pytest.approx(0.9, abs=0.1)
    with pytest.raises(ValueError, match="at least 20"):
        calibrated([1.0] * 30, [False] * 30)


def test_the_report_shows_the_score_with_its_reasons_and_no_verdict_follows(tmp_path: Path) -> None:
    base = {"a.py": "x = 1\n", ".interlock/gate.toml": "[[risk.level]]\nabove = 0.0\npeople = 2\nwho = 'owners <b>'\n"}
    folder = repository(tmp_path / "r", base)
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, {"a.py": "x = 2\n"}, "work\n\nCo-Authored-By: Claude <noreply@anthropic.com>")
    report = judge(Repo(str(folder)), "main", "work")
    assert report.verdict is Verdict.PASS
    assert report.risk is not None
    assert report.risk.files == ("a.py",)
    said = facts(report)["risk"]
    basis = "public" if model().trained else "hand"
    assert (said["people"], said["basis"]) == (2, basis)
    assert any("an agent says" in reason for reason in said["reasons"])
    assert "it wants 2 people to look" in markdown(report)
    assert "<b>" not in markdown(report).replace("\\<b", "")
    assert BASIS[basis].split(" (")[0] in html(report)
    assert BASIS[basis] in markdown(report)


def test_a_score_that_a_team_calibrated_is_shown_without_a_caveat(tmp_path: Path) -> None:
    folder = repository(
        tmp_path / "r", {"a.py": "x = 1\n", ".interlock/gate.toml": "[risk]\noffset = -2.0\nslope = 1.0\n"}
    )
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, {"a.py": "x = 2\n"})
    report = judge(Repo(str(folder)), "main", "work")
    assert facts(report)["risk"]["basis"] == "own"
    assert not any(BASIS[basis].split(" (")[0] in markdown(report) + html(report) for basis in ("public", "hand"))
