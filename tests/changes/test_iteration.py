"""The iterations of an agent: read without running anything, compared with the best one, and a person asked in time."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from changes.making import commit, git, repository
from interlock.changes.finding import Finding, Weight
from interlock.changes.iteration import ALONE, Iteration, judged, told
from interlock.changes.snapshot import snapshot
from interlock.model.errors import StateError, UsageError

PROGRAM = Path(sys.executable).parent / "interlock"
SAFE = """def pay(user, amount):
    if not user.active:
        raise PermissionError("not active")
    if amount <= 0:
        raise ValueError("amount")
    return user.account - amount
"""
LESS = SAFE.replace('    if amount <= 0:\n        raise ValueError("amount")\n', "")
LEAST = LESS.replace('    if not user.active:\n        raise PermissionError("not active")\n', "")


def found(anchor: str, weight: Weight = Weight.BLOCK) -> Finding:
    return Finding(rule="guards/exit", weight=weight, path="a.py", anchor=anchor, title=f"{anchor} is gone.")


def state(tree: str, *anchors: str, fork: str = "f", seen: bool = False, **branches: int) -> Iteration:
    return Iteration(fork=fork, tree=tree, findings=tuple(map(found, anchors)), seen=seen, branches=branches)


def test_the_first_is_compared_with_the_approved_code() -> None:
    assert told(judged([], state("a"))) == []
    (head, line) = told(judged([], state("a", "x")))
    assert head == "This is worse than the approved code:"
    assert "x is gone." in line
    assert "score" not in line


def test_what_was_lost_in_small_steps_is_still_lost() -> None:
    """Each step loses one guard more; the first iteration is the best one, and not the one before."""
    chain = [state("a"), state("b", "x"), state("c", "x", "y")]
    judgement = judged(chain, state("d", "x", "y", "z"))
    assert [f.anchor for f in judgement.worse] == ["x", "y", "z"]
    assert judgement.blocks


def test_the_best_is_never_worse_than_what_people_approved() -> None:
    """A chain that began badly is no excuse for staying so."""
    assert [f.anchor for f in judged([state("a", "x")], state("b", "x")).worse] == ["x"]


def test_a_second_copy_of_a_finding_is_worse() -> None:
    assert len(judged([], state("b", "x", "x")).worse) == 2


def test_notes_are_no_reason() -> None:
    now = Iteration(fork="f", tree="a", findings=(found("x", Weight.NOTE),))
    assert told(judged([], now)) == []


def test_after_some_iterations_a_person_is_asked_and_the_count_begins_anew() -> None:
    chain = [state(str(n)) for n in range(ALONE)]
    assert not judged(chain[:-1], state("now")).person
    asked = judged(chain, state("now"))
    assert asked.person
    assert f"{ALONE + 1} iterations" in told(asked)[-1]
    assert not judged([*chain, state("x", seen=True)], state("now")).person


def test_a_state_that_comes_back_is_a_circle_and_the_same_one_again_is_not() -> None:
    assert judged([state("a"), state("b")], state("a")).again
    assert not judged([state("a"), state("b")], state("b")).again
    assert judged([state("a"), state("b")], state("b")).number == 2


def test_another_approved_tree_begins_a_new_chain() -> None:
    assert judged([state("a", "x", fork="old")] * 5, state("b")).number == 1


def test_a_function_that_grew_much_is_told() -> None:
    assert judged([state("a", f=9)], state("b", f=13)).grown == ("f has 13 branches; it had 9",)
    assert judged([state("a", f=3)], state("b", f=9)).grown == ()
    assert judged([state("a", f=12)], state("b", f=14)).grown == ()


def test_the_working_tree_is_read_as_it_is_and_nothing_of_the_repository_runs(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a.py": "a\n", "gone.py": "x\n", "d/b.py": "b\n", ".gitignore": "*.log\n"})
    bait = tmp_path / "bait"
    bait.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\ncat\n")
    bait.chmod(bait.stat().st_mode | stat.S_IXUSR)
    commit(folder, {".gitattributes": "*.py filter=mine\n"})
    for key in ("filter.mine.clean", "filter.mine.smudge", "core.fsmonitor"):
        git(folder, "config", key, str(bait))
    (folder / "a.py").write_text("changed\n")
    (folder / "gone.py").unlink()
    (folder / "d" / "new \u00e9.py").write_text("new\n")
    (folder / "x.log").write_text("ignored\n")
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "run.sh").write_text("x\n")
    (folder / "run.sh").chmod(0o755)
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if "index" in p.name or p.parent.name == "objects"}
    with snapshot(str(folder / "d")) as shot:
        seen = {path: mode for path, (mode, _) in shot.repo.listing(shot.tree).items()}
        oid = shot.repo.listing(shot.tree)["a.py"][1]
        assert shot.repo.blobs([oid], 99)[oid][1] == b"changed\n"
        again = shot.tree
    assert seen == {
        ".gitattributes": "100644", ".gitignore": "100644", "a.py": "100644", "d/b.py": "100644",
        "d/new \u00e9.py": "100644", "link": "120000", "run.sh": "100755",
    }  # fmt: skip
    with snapshot(str(folder)) as shot:
        assert shot.tree == again
    assert not (tmp_path / "ran").exists()
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_other_ends_of_lines_are_no_change(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"a.py": "a\nb\n"})
    (folder / "a.py").write_bytes(b"a\r\nb\r\n")
    with snapshot(str(folder)) as shot:
        assert shot.tree == git(folder, "rev-parse", "HEAD^{tree}")


def test_more_files_than_are_read_are_no_iteration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Story: names beyond the bound were left out, and what an agent had put there was judged as if it were not."""
    folder = repository(tmp_path, {"a.py": "a\n", "b.py": "b\n"})
    monkeypatch.setattr("interlock.changes.snapshot._FILES", 2)
    with snapshot(str(folder)):
        pass
    (folder / "z.py").write_text("x\n")
    with pytest.raises(StateError, match="3 files; 2 are read"), snapshot(str(folder)):
        pass


def test_a_bare_repository_has_no_iterations(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare")
    with pytest.raises(UsageError), snapshot(str(tmp_path)):
        pass


def call(
    folder: Path, *words: str, stdin: int | None = None, said: str | None = None
) -> subprocess.CompletedProcess[str]:
    home = folder.parent / "home"
    return subprocess.run(
        [str(PROGRAM), "gate", *words], cwd=folder, env={**os.environ, "INTERLOCK_HOME": str(home)},
        capture_output=True, text=True, check=False, **({"input": said} if stdin is None else {"stdin": stdin}),
    )  # fmt: skip


@pytest.mark.slow
def test_an_agent_is_told_what_it_lost_and_stops_where_a_person_is_needed(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"pay.py": SAFE})
    assert call(folder, "--iteration").returncode == 0
    (folder / "pay.py").write_text(LESS)
    answer = json.loads(call(folder, "--stop-hook", said="{}").stdout)
    assert answer["decision"] == "block"
    assert "amount" in answer["reason"]
    assert "decision" not in json.loads(call(folder, "--stop-hook", said='{"stop_hook_active": true}').stdout)
    (folder / "pay.py").write_text(LEAST)
    done = call(folder, "--iteration")
    assert done.returncode in (10, 11)
    assert "amount" in done.stdout
    assert "active" in done.stdout
    (folder / "pay.py").write_text(SAFE)
    assert "in circles" in call(folder, "--iteration").stdout
    assert call(folder, "--seen").returncode == 2
    terminal, other = os.openpty()
    assert call(folder, "--seen", stdin=other).returncode == 0
    os.close(terminal)
    (folder / "pay.py").write_text(SAFE + "\n\nX = 1\n")
    assert call(folder, "--iteration").returncode == 0
