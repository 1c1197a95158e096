"""Git commands are taken back, in real repositories."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path

import pytest

from containment.acts import Acts, tree
from interlock.containment.point import Entry
from interlock.containment.preimage import Limits
from interlock.containment.undo import CONFLICT, World


class Work(Acts):
    """A repository with a history, staged, changed and untracked files, a stash, a branch and a tag."""

    def __init__(self, base: Path, like: Path | None = None) -> None:
        super().__init__(base)
        if like is None:
            self._make()
        else:
            shutil.copytree(like, self.top, symlinks=True, dirs_exist_ok=True)
            self.git("status")  # git takes note of the copies

    def _make(self) -> None:
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Dev")
        self.git("config", "user.email", "dev@example.org")
        (self.top / ".gitignore").write_text("ignored/\n")
        for number in range(3):
            (self.top / f"f{number}.txt").write_text(f"{number}\n" * 3)
            (self.top / "same.txt").write_text(f"version {number}\n")
            self.git("add", "-A")
            self.git("commit", "-q", "-m", f"commit {number}")
        self.git("tag", "-m", "a tag", "v1")
        self.git("checkout", "-q", "-b", "feature", "HEAD~1")
        (self.top / "feature.txt").write_text("feature\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "feature")
        self.git("checkout", "-q", "main")
        (self.top / "f0.txt").write_text("stashed\n")
        self.git("stash", "push", "-q", "-m", "first stash")
        (self.top / "f0.txt").write_text("stashed too\n")
        self.git("stash", "push", "-q", "-m", "second stash")
        (self.top / "f1.txt").write_text("staged\n")
        self.git("add", "f1.txt")
        (self.top / "f2.txt").write_text("changed\n")
        (self.top / "new").mkdir()
        (self.top / "new" / "untracked.txt").write_text("untracked\n")
        (self.top / "ignored").mkdir()
        (self.top / "ignored" / "x.o").write_text("ignored\n")

    def state(self) -> dict[str, object]:
        """Everything that undo promises about a repository."""
        return {
            "files": tree(self.top),
            "refs": self.git("for-each-ref"),
            "head": (self.top / ".git" / "HEAD").read_text(),
            "stash": self.git("stash", "list", "--format=%H %gd %gs"),
            "status": self.git("status", "--porcelain", "--ignored"),
            "staged": self.git("diff", "--cached"),
            "log": self.git("log", "--all", "--format=%H %s"),
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What each test has a copy of: git was started twenty times to make it."""
    return Work(tmp_path_factory.mktemp("made")).top


@pytest.fixture
def work(tmp_path: Path, made: Path) -> Work:
    return Work(tmp_path, like=made)


COMMANDS = [
    "git reset --hard",
    "git reset --hard HEAD~2",
    "git reset HEAD~1",
    "git checkout -- .",
    "git restore f2.txt",
    "git clean -fd",
    "git clean -fdx",
    "git branch -D feature",
    "git stash drop",
    "git stash drop stash@{1}",
    "git stash clear",
    "git stash",
    "git stash -u",
    "git tag -d v1",
    "git commit --amend -q -m other",
    "git commit -q -am more",
    "git add -A",
    "git rm -q --cached f0.txt",
    "git rm -qf f1.txt",
    "git mv f0.txt moved.txt",
    "git update-ref -d refs/heads/feature",
    "git checkout -q -f feature",
    "git checkout -q --detach -f HEAD~1",
    "git branch -m feature renamed",
    "git reset -q --hard && git rebase -q feature",
    "git reset -q --hard && git merge -q --no-edit feature",
    "git reset -q --hard && git cherry-pick feature",
    "git symbolic-ref HEAD refs/heads/feature",
    "git branch -D feature && git reflog expire --expire=now --all && git gc -q --prune=now",
    "git stash clear && git reset -q --hard HEAD~2 && git reflog expire --expire=now --all && git gc -q --prune=now",
    "rm -rf new && git reset -q --hard HEAD~1 && rm f0.txt",
]


@pytest.mark.parametrize(
    "command", [pytest.param(c, marks=pytest.mark.slow if n % 2 else ()) for n, c in enumerate(COMMANDS)]
)
def test_a_git_command_is_taken_back_and_that_is_too(work: Work, command: str) -> None:
    before = work.state()
    deed = work.runs(command)
    after = work.state()
    assert after != before
    undo, problems = work.undo(deed)
    assert problems == tuple(p for p in problems if p.what == f"entry {deed.entry}")  # what was said before it ran
    assert work.state() == before
    assert not work.git("for-each-ref", "refs/interlock")
    _, problems = work.undo(undo)
    assert not problems
    assert work.state() == after


def test_what_git_throws_away_later_is_still_brought_back(work: Work) -> None:
    """Story: a branch is deleted; days later git's own housekeeping removes its commits; then somebody misses it."""
    before = work.state()
    deed = work.runs("git branch -D feature")
    work.git("reflog", "expire", "--expire=now", "--all")
    work.git("gc", "-q", "--prune=now")
    assert "feature" not in work.git("log", "--all", "--format=%s").split()
    _, problems = work.undo(deed)
    assert [problem.what for problem in problems] == []
    assert "feature" in work.git("branch")
    assert work.git("rev-parse", "feature").strip() in str(before["log"])
    work.git("fsck", "--strict")


def test_a_commit_made_since_is_a_conflict(work: Work) -> None:
    deed = work.runs("git reset -q --hard HEAD~1")
    work.git("commit", "-q", "--allow-empty", "-m", "by hand")
    by_hand = work.git("rev-parse", "HEAD")
    problems = {problem.what: problem.kind for problem in work.plan(deed).all_problems()}
    assert problems["branch main"] == CONFLICT
    work.undo(deed)
    assert work.git("rev-parse", "HEAD") == by_hand


def test_a_rebase_that_stops_halfway_is_taken_back(work: Work) -> None:
    work.git("reset", "-q", "--hard")
    work.git("checkout", "-q", "feature")
    (work.top / "same.txt").write_text("conflict\n")
    work.git("commit", "-q", "-am", "conflicting")
    before = work.state()
    deed = work.runs("git rebase -q main || true")
    assert (work.top / ".git" / "rebase-merge").is_dir()
    work.undo(deed)
    assert not (work.top / ".git" / "rebase-merge").exists()
    assert work.state() == before


def test_several_commands_are_taken_back_newest_first(work: Work) -> None:
    before = work.state()
    deeds = [
        work.runs("git commit -q -am one"),
        work.runs("echo more >> f0.txt"),
        work.runs("git commit -q -am two"),
        work.runs("git branch -D feature"),
        work.runs("git reset -q --hard HEAD~3"),
        work.runs("rm -rf new"),
    ]
    _, problems = work.undo(*deeds)
    assert not problems
    assert work.state() == before


def test_a_linked_working_tree_has_a_head_of_its_own(work: Work) -> None:
    work.git("worktree", "add", "-q", "side", "feature")
    (work.top / "side" / "feature.txt").write_text("changed\n")
    head = work.git("rev-parse", "HEAD")
    deed = work.runs("git -C side reset -q --hard main")
    work.undo(deed)
    assert (work.top / "side" / "feature.txt").read_text() == "changed\n"
    assert "feature" in work.git("-C", "side", "branch", "--show-current")
    assert work.git("rev-parse", "HEAD") == head


def test_line_ends_that_git_converts_come_back_as_they_were(work: Work) -> None:
    work.git("config", "core.autocrlf", "true")
    (work.top / "dos.txt").write_bytes(b"a\r\nb\r\n")
    work.git("add", "dos.txt")
    work.git("commit", "-q", "-m", "dos")
    deed = work.runs("git checkout -q -f feature")
    assert not (work.top / "dos.txt").exists()
    work.undo(deed)
    assert (work.top / "dos.txt").read_bytes() == b"a\r\nb\r\n"


def test_what_a_filter_keeps_elsewhere_is_said_to_stay(work: Work) -> None:
    work.git("config", "filter.big.clean", "echo pointer")
    work.git("config", "filter.big.smudge", "cat")
    (work.top / ".gitattributes").write_text("*.bin filter=big\n")
    file = work.top / "a.bin"
    file.write_text("much larger than its pointer\n")
    os.utime(file, (1, 1))  # git trusts the size that it notes of a file only if the file is older than the note
    work.git("add", "-A")
    work.git("commit", "-q", "-m", "big")
    deed = work.runs("git checkout -q -f feature")
    _, problems = work.undo(deed)
    assert any(problem.what == "a.bin" and "filter" in problem.why for problem in problems)


def test_no_program_of_the_repository_runs(work: Work, tmp_path: Path) -> None:
    """Story: hooks, filters and monitors that an agent configured would have run as part of undo."""
    trap = tmp_path / "trap"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    deed = work.runs("git reset --hard HEAD~1")
    for name in ("reference-transaction", "post-checkout", "post-index-change", "pre-commit", "post-rewrite"):
        hook = work.top / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
        hook.chmod(0o755)
    with (work.top / ".git" / "config").open("a") as config:
        config.write(f'[core]\n\tfsmonitor = {script}\n[filter "evil"]\n\tclean = {script}\n\tsmudge = {script}\n')
    (work.top / ".gitattributes").write_text("*.txt filter=evil\n")
    work.undo(deed)
    (work.top / "f2.txt").write_text("changed!\n")
    work.does("Bash", {"command": "git reset --hard HEAD~1"}, lambda: None)
    assert not trap.exists()


def test_what_is_pushed_stays_and_that_is_said_before(work: Work, tmp_path: Path) -> None:
    work.shell(f"git init -q --bare {tmp_path}/remote && git remote add origin {tmp_path}/remote")
    _, kept = work.does("Bash", {"command": "git push -q origin main"}, lambda: work.shell("git push -q origin main"))
    assert kept.fact.undoable == "no"
    assert kept.fact.why == ("what is pushed stays on the other side",)


def test_a_password_in_a_remote_is_not_copied(work: Work) -> None:
    work.git("remote", "add", "origin", "https://dev:ghp_0123456789abcdefghijABCDEFGHIJ012345@example.org/x.git")
    _, kept = work.does("Bash", {"command": "git branch -D feature"}, lambda: work.shell("git branch -D feature"))
    assert kept.fact.undoable == "partly"
    raws = [path.read_bytes() for path in (work.kept_in / "undo").rglob("*") if path.is_file()]
    raws += [work.vault.get(path.parent.name + path.name) for path in (work.kept_in / "preimages").glob("*/*")]
    assert not any(b"ghp_0123" in raw for raw in raws)


def test_refs_that_hold_objects_go_when_nobody_reports_the_outcome(work: Work) -> None:
    asyncio.run(work.undoing.before(work.reading("Bash", {"command": "git gc --prune=now"}), str(work.top)))
    assert work.git("for-each-ref", "refs/interlock")
    work.points.tidy(time.time())
    assert work.git("for-each-ref", "refs/interlock"), "the command may still run"
    work.points.tidy(time.time() + 2 * 86_400)
    assert not work.git("for-each-ref", "refs/interlock")


def test_what_was_too_much_to_keep_is_never_taken_for_something_new(work: Work) -> None:
    """Story: a file that there was no room for looked as if the command had made it, and undo removed it."""
    work.git("reset", "-q", "--hard")
    (work.top / "f0.txt").write_text("ours\n")
    work.git("commit", "-q", "-am", "ours")
    work.git("checkout", "-q", "feature")
    (work.top / "f0.txt").write_text("theirs\n")
    work.git("commit", "-q", "-am", "theirs")
    work.shell("git merge -q main || true")
    assert work.git("ls-files", "--unmerged")
    (work.top / "f1.txt").write_text("changed\n")
    work.undoing.limits = Limits(files=0)
    deed = work.runs("git stash -q -u || git status; echo more >> f0.txt; echo more >> f1.txt; touch made.txt")
    work.undoing.limits = Limits()
    _, problems = work.undo(deed, force=True)
    assert (work.top / "f0.txt").exists()
    assert (work.top / "f1.txt").read_text() == "changed\nmore\n"
    assert {problem.what for problem in problems} >= {"f0.txt", "f1.txt"}
    assert not (work.top / "made.txt").exists()


def test_what_a_contained_command_did_to_git_since_is_undone_first(work: Work) -> None:
    """Story: a commit in the open, then a contained reset: undo of both took the reset for somebody else's change."""
    before = work.state()
    deed = work.runs("git commit -q -am one")
    main = work.top / ".git" / "refs" / "heads" / "main"
    left = main.read_bytes()
    main.write_text(work.git("rev-parse", "HEAD~2"))  # as the commit of a contained command leaves it
    world = World()
    plain = work.restorers["git"].plan(deed, deed.points[-1].name, world, force=False)
    assert {problem.what for problem in plain.problems} == {"branch main"}
    world.put(os.fsencode(os.path.realpath(main)), Entry())
    step = work.restorers["git"].plan(deed, deed.points[-1].name, world, force=False)
    assert not step.problems
    assert work.restorers["git"].run(step.work)[0].what == "branch main"  # it was not put back after all
    main.write_bytes(left)
    assert work.restorers["git"].run(step.work) == ()
    assert work.git("rev-parse", "HEAD").strip() in str(before["refs"])
