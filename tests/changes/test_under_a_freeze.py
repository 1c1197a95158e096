"""A change that is judged while a freeze is in force: less of a risk is enough for a person to look."""

from __future__ import annotations

from pathlib import Path

import pytest

from changes.making import commit, git, repository
from interlock.changes.finding import Verdict
from interlock.changes.gate import Known, judge
from interlock.changes.repo import Repo
from interlock.changes.report.facts import facts
from interlock.changes.report.markdown import markdown
from interlock.changes.risk.score import Level, Policy, risk
from interlock.cli import gatefreeze
from interlock.cli.gatepeople import withdrawn
from interlock.home import Home
from interlock.model.errors import DaemonUnreachable

FREEZE = "[[freeze]]\nreason = 'release week'\nenvironment = 'production'\nuntil = {}T00:00:00Z\n"
FROZEN = Known(freezes=("release week",))
EVERYTHING = "[[freeze]]\nreason = 'of the change'\nwhere = 'everything'\n"


@pytest.mark.parametrize(
    ("policy", "freezes", "people"),
    [
        (Policy(), (), 0),
        (Policy(), ("release week",), 1),
        (Policy(frozen=0.5), ("release week",), 0),
        (Policy(level=(Level(above=0.0, people=3),)), ("release week",), 3),
    ],
    ids=["no freeze", "a freeze", "green all the same", "never fewer than without"],
)
def test_between_two_tenths_and_half_of_what_is_usual(policy: Policy, freezes: tuple[str, ...], people: int) -> None:
    found = risk({"lines": 400.0, "churn": 3.0, "fixes": 2.0}, policy, freezes=freezes)
    assert 0.07 < found.probability < 0.18
    assert (found.people, found.freezes) == (people, freezes)
    assert ("a freeze is in force: release week" in found.reasons) == bool(people and freezes)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (FREEZE.format("2999-01-01"), ["release week"]),
        (FREEZE.format("2020-01-01"), []),
        ("[[freeze]]\nreason = 'another house'\nwhere = 'repository = \"a/b\"'\n", []),
        ("[[freeze]]\nreason = 'ours'\nwhere = 'repository = \"acme/shop\"'\n", ["ours"]),
        ("[[freeze]]\nreason = 'all'\nwhere = 'everything'\nallow = 'repository = \"acme/shop\"'\n", []),
        ("[[freeze", ["it may freeze: interlock.toml of the base: not TOML"]),
        (b"\xff", ["interlock.toml of the base is not UTF-8"]),
        ("# no freeze\n", []),
    ],
    ids=["in force", "over", "elsewhere", "here", "spared", "unreadable", "not text", "none"],
)
def test_the_bases_own_file_freezes_and_the_changes_does_not(
    tmp_path: Path, base: str | bytes, said: list[str]
) -> None:
    folder = repository(tmp_path / "r", {"interlock.toml": base})
    git(folder, "remote", "add", "origin", "git@git.example:acme/shop.git")
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, {"interlock.toml": EVERYTHING})
    home = Home(tmp_path / "config", tmp_path / "state", tmp_path / "run")
    found = gatefreeze.freezes(Repo(str(folder)), "main", home)
    assert len(found) == len(said)
    assert all(one.startswith(word) for one, word in zip(found, said, strict=True)), found


def test_what_a_daemon_that_is_down_has_frozen_or_taken_out_of_use_counts(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a.py": "x = 1\n"})
    home = Home(tmp_path / "config", tmp_path / "state", tmp_path / "run")
    assert gatefreeze.freezes(Repo(str(folder)), "main", home) == ()
    assert withdrawn(home)() == frozenset()
    (home.state / "ledger").mkdir(parents=True)
    (said,) = gatefreeze.freezes(Repo(str(folder)), "main", home)
    assert said.startswith("the daemon could not say what is frozen: no daemon answers")
    with pytest.raises(DaemonUnreachable):
        withdrawn(home)()


def test_a_rule_of_review_may_ask_sooner_under_a_freeze(tmp_path: Path) -> None:
    """The score is the same: what was kept of the stage without a freeze is not taken for its answer under one."""
    rules = "[provenance]\nkeys = ['log.example+0+x']\n[[review]]\nabove = 0.9\nfrozen = 0.0\n"
    folder = repository(tmp_path / "r", {"a.py": "x = 1\n", ".interlock/gate.toml": rules})
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, {"a.py": "x = 2\n"})
    plain = judge(Repo(str(folder)), "main", "work", cache=tmp_path / "cache")
    frozen = judge(Repo(str(folder)), "main", "work", cache=tmp_path / "cache", known=FROZEN)
    assert plain.verdict is Verdict.PASS
    assert "review/absent" in [found.rule for found in frozen.findings]
    assert facts(frozen)["risk"]["freezes"] == ["release week"]


def test_the_page_says_that_a_freeze_is_why_somebody_looks(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a.py": "x = 1\n", ".interlock/gate.toml": "[risk]\nfrozen = 0.0\n"})
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, {"a.py": "x = 2\n"})
    page = markdown(judge(Repo(str(folder)), "main", "work", known=FROZEN))
    assert "it wants 1 person to look" in page
    assert "a freeze is in force: release week" in page
