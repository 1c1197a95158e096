"""The risk score against what became of commits: labels, fitting, reliability, and the command that shows them."""

from __future__ import annotations

import json
import random
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from changes import making
from changes.making import commit, git, repository
from interlock.changes.config import read
from interlock.changes.repo import Repo
from interlock.changes.risk import fit, outcomes
from interlock.changes.risk.calibration import calibrate
from interlock.changes.risk.diagram import diagram, wilson
from interlock.changes.risk.score import probability
from interlock.cli.risk import command
from interlock.daemon import client
from interlock.model.errors import UsageError

_DAY = outcomes.DAY


def at(monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    """Commits from now on are of this day."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setitem(making._WHO, f"GIT_{who}_DATE", f"{1_700_000_000 + day * _DAY} +0000")


def test_a_fix_blames_who_put_in_the_lines_that_it_takes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 0)
    folder = repository(tmp_path / "r", {"a.py": "one = 1\ntwo = 2\n"})
    bad = commit(folder, {"a.py": "one = 1\ntwo = 2\nthree = 4\n"}, "three")
    good = commit(folder, {"b.py": "four = 4\n", "tests/test_a.py": "assert three\n"}, "four")
    at(monkeypatch, 30)
    fix = commit(
        folder, {"a.py": "one = 1\ntwo = 2\nthree = 3\n", "tests/test_a.py": "assert not three\n"}, "fix three"
    )
    repo = Repo(str(folder))
    assert outcomes.blamed(repo, fix) == {bad}
    history = outcomes.commits(repo)
    assert [one.name for one in history][1:] == [bad, good, fix]
    assert outcomes.mended(repo, history, 60) == {bad}
    assert outcomes.mended(repo, history, 20) == set()


def test_comments_blank_lines_and_rewrites_blame_nobody(tmp_path: Path) -> None:
    many = "".join(f"x{n} = {n}\n" for n in range(500))
    folder = repository(tmp_path / "r", {"a.py": "# why\n\nx = 1\n", "b.py": many})
    repo = Repo(str(folder))
    assert outcomes.blamed(repo, commit(folder, {"a.py": "x = 1\n"}, "fix a word")) == set()
    assert outcomes.blamed(repo, commit(folder, {"b.py": "x = 1\n"}, "fix it all")) == set()


def test_a_moved_file_is_known_by_its_new_name(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"src/a/x.py": "one = 1\n" * 9, "y.py": "two = 2\n" * 9})
    git(folder, "mv", "src/a", "src/b")
    git(folder, "mv", "y.py", "z.py")
    commit(folder, {}, "move")
    assert set(outcomes.commits(Repo(str(folder)))[-1].lines) == {"src/b/x.py", "z.py"}


def test_incidents_name_commits_or_what_ended_them(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a.py": "one = 1\n"})
    bad = commit(folder, {"a.py": "one = 1\ntwo = 3\n"}, "two")
    other = commit(folder, {"b.py": "x = 1\n"}, "b")
    fix = commit(folder, {"a.py": "one = 1\ntwo = 2\n"}, "say it right")
    repo = Repo(str(folder))
    text = f"# ours\n{other[:12]}  the night of the third\nfix {fix}\n\n"
    assert outcomes.incidents(repo, text) == {other, bad}
    with pytest.raises(UsageError, match=r"line 1 of the incidents: .*nothing-such"):
        outcomes.incidents(repo, "nothing-such")


def test_a_commit_that_git_took_back_is_bad_unless_that_was_taken_back(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a.py": "one = 1\n"})
    first = commit(folder, {"a.py": "one = 1\ntwo = 3\n"}, "two")
    git(folder, "revert", "--no-edit", first)
    repo = Repo(str(folder))
    revert = git(folder, "rev-parse", "HEAD")
    assert outcomes.reverted(repo) == {first: revert}
    git(folder, "revert", "--no-edit", revert)
    assert outcomes.reverted(repo) == {revert: git(folder, "rev-parse", "HEAD")}
    commit(folder, {"b.py": "x = 1\n"}, f"talk\n\nof how This reverts commit {revert} was said")
    assert set(outcomes.reverted(repo)) == {revert}


def test_measures_of_past_commits_know_only_what_was_before_them(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a.py": "one = 1\n"})
    commit(folder, {"a.py": "one = 2\n"}, "fix one")
    commit(folder, {"a.py": "one = 3\n", "src/auth/login.py": "x = 1\n"}, "more")
    first, second, third = outcomes.measured(outcomes.commits(Repo(str(folder))))
    assert (first["fixes"], second["fixes"], third["fixes"]) == (0.0, 0.0, 1.0)
    assert (second["churn"], third["churn"]) == (1.0, 2.0)
    assert (second["sensitive"], third["sensitive"]) == (0.0, 1.0)


def test_fitting_finds_the_weights_that_made_the_data() -> None:
    chance = random.Random(7)
    rows = [[chance.uniform(0, 4), chance.choice((0.0, 1.0)), chance.uniform(0, 2)] for _ in range(3_000)]
    bad = [chance.random() < probability(0.8 * a + 1.2 * b - 0.5 * c, -2.5, 1.0) for a, b, c in rows]
    offset, weights = fit.fitted(rows, bad, [0.0, 0.0, 0.0])
    assert weights[:2] == pytest.approx([0.8, 1.2], abs=0.15)
    assert weights[2] == 0.0  # it lowers the risk: a measure may be silent, and speak for nobody
    assert offset == pytest.approx(-3.0, abs=0.3)


def test_a_weight_that_outcomes_say_nothing_of_stays_where_it_was() -> None:
    chance = random.Random(7)
    rows = [[chance.uniform(0, 4), 0.0] for _ in range(200)]
    bad = [chance.random() < probability(row[0], -2.0, 1.0) for row in rows]
    assert fit.fitted(rows, bad, [0.0, 0.37])[1][1] == pytest.approx(0.37)
    strong = fit.fitted(rows, bad, [0.1, 0.0], strength=1e6)[1][0]
    assert strong == pytest.approx(0.1, abs=0.01)
    with pytest.raises(ValueError, match="both outcomes"):
        fit.fitted(rows, [False] * 200, [0.0, 0.0])


def test_areas_shares_and_bins_by_hand() -> None:
    scores, bad = [0.1, 0.2, 0.2, 0.9], [False, True, False, True]
    assert fit.area(scores, bad) == pytest.approx(3.5 / 4)
    assert fit.caught(scores, bad, 0.25) == 0.5
    assert fit.brier([0.5, 1.0], [False, True]) == pytest.approx(0.125)
    assert fit.constant(bad) == 0.25
    low, high = fit.reliability(scores, bad, 2)
    assert (low.low, low.high, low.size, low.predicted, low.bad) == (0.1, 0.2, 2, pytest.approx(0.15), 0.0)
    assert (high.predicted, high.bad) == (pytest.approx(0.55), 1.0)


def test_the_diagram_is_svg_with_a_point_a_bin_and_its_spread() -> None:
    bins = [fit.Bin(0.0, 0.1, 100, 0.05, 0.04), fit.Bin(0.1, 0.5, 100, 0.3, 0.33)]
    root = ET.fromstring(diagram(bins, "a < b"))
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 2
    low, high = wilson(bins[0])
    assert (low, high) == (pytest.approx(0.0157, abs=1e-3), pytest.approx(0.0984, abs=1e-3))


def team(folder: Path) -> list[str]:
    """120 commits, a day apart, every third of them large; half of the large and no small one went wrong. Those."""
    git(folder.parent, "init", "-q", "-b", "main", str(folder))
    stream = "".join(_step(number, 200 if number % 3 == 0 else 2) for number in range(120))
    git(folder, "fast-import", "--quiet", feed=stream.encode())
    names = git(folder, "rev-list", "--reverse", "main").split()
    return names[::6]


def _step(number: int, lines: int) -> str:
    text = "".join(f"x{n} = {n}\n" for n in range(lines))
    return (
        f"commit refs/heads/main\ncommitter t <t@t> {1_700_000_000 + number * _DAY} +0000\ndata 4\nstep\n"
        f"M 100644 inline m{number}.py\ndata {len(text)}\n{text}\n"
    )


def test_a_team_calibrates_on_its_own_incidents(tmp_path: Path) -> None:
    wrong = team(tmp_path / "r")
    found = calibrate(Repo(str(tmp_path / "r")), "\n".join(wrong))
    assert (found.commits, found.bad, len(found.truth)) == (120, 20, 40)
    assert found.area > 0.75
    assert found.worth
    top = found.bins(3)[-1]
    assert top.predicted == pytest.approx(top.bad, abs=0.15)
    policy = read(found.table().encode()).risk
    assert policy.offset == pytest.approx(found.offset, abs=1e-3)
    assert [level.people for level in policy.level] == [1, 2]
    assert policy.frozen == pytest.approx(found.frozen, abs=1e-3)
    assert found.frozen <= found.levels[0] <= found.levels[1]


def test_the_command_shows_what_goes_into_the_gates_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "incidents.txt").write_text("".join(f"{name} pager\n" for name in team(tmp_path / "r")))
    monkeypatch.chdir(tmp_path / "r")
    words = ["--incidents", str(tmp_path / "incidents.txt"), "--diagram", str(tmp_path / "risk.svg")]
    said = CliRunner().invoke(command, words, catch_exceptions=False, standalone_mode=False)
    assert "120 commits whose outcome is known, 20 of them named as incidents." in said.output
    assert "[risk]\noffset = " in said.output
    assert ET.parse(tmp_path / "risk.svg").getroot().tag.endswith("svg")
    facts = json.loads(CliRunner().invoke(command, [*words, "--json"], standalone_mode=False).output)
    assert (facts["bad"], facts["newer"], facts["better"]) == (20, 40, True)


def test_what_the_ledger_knows_is_a_list_of_incidents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attested commit that is not of this history, such as one that was rebased away, is none of it."""
    undone = {**dict.fromkeys(team(tmp_path / "r"), 7), "f" * 40: 8}
    monkeypatch.setattr(client, "call", lambda *_, **__: {"commits": undone})
    monkeypatch.chdir(tmp_path / "r")
    found = CliRunner().invoke(command, ["--ledger", "--json"], catch_exceptions=False, standalone_mode=False)
    said = json.loads(found.output)
    assert (said["commits"], said["bad"], said["incidents"]) == (120, 20, True)


def test_too_few_bad_commits_fit_nothing_and_say_so(tmp_path: Path) -> None:
    """Story: two bad commits among 189 were enough for an offset of -11."""
    wrong = team(tmp_path / "r")
    with pytest.raises(UsageError, match="of 80 older commits whose outcome is known, 9 are bad"):
        calibrate(Repo(str(tmp_path / "r")), "\n".join(wrong[:9]))


def test_what_may_still_turn_out_bad_is_not_taken_for_good(tmp_path: Path) -> None:
    team(tmp_path / "r")
    with pytest.raises(UsageError, match="of 20 older commits whose outcome is known"):
        calibrate(Repo(str(tmp_path / "r")), days=90)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("src/{old => new}/a.py", "src/new/a.py"),
        ("src/{old => }/a.py", "src/a.py"),
        ("a.py => b.py", "b.py"),
        ("a.py", "a.py"),
        ("{ => src}/a.py", "src/a.py"),
        ("{" * 20_000 + " => ", ""),
    ],
)
def test_a_file_that_moved_is_known_by_its_new_name(said: str, name: str) -> None:
    """Story: a pattern that read this took seconds for a name of many braces."""
    assert outcomes._now(said) == name
