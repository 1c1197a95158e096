"""Git commands of an agent are taken back, in real repositories."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from conftest import Guard
from test_undo import Agent, tree

from interlock.daemon.client import call


class Work:
    """A repository with a history, staged, changed and untracked files, a stash, a branch and a tag."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.agent = Agent(guard)
        self.top = guard.project
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

    def git(self, *words: str) -> str:
        environment = self.guard.environment | {"GIT_CONFIG_GLOBAL": "/dev/null"}
        done = subprocess.run(
            ["git", *words], cwd=self.top, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

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


@pytest.fixture
def work(cold: Guard) -> Work:
    cold.configure('mode = "observe"\n')
    cold.start()
    return Work(cold)


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


@pytest.mark.parametrize("command", COMMANDS)
def test_a_git_command_is_taken_back_and_that_is_too(work: Work, command: str) -> None:
    before = work.state()
    index = work.agent.runs(command)
    after = work.state()
    assert after != before
    undone = work.guard.cli("undo", str(index), "--yes", "--json")
    assert undone.returncode == 0, (undone.stdout, undone.stderr)
    done = json.loads(undone.stdout)
    assert done["left"] == []
    assert work.state() == before
    assert not work.git("for-each-ref", "refs/interlock")
    again = work.guard.cli("undo", str(done["entry"]), "--yes", "--json")
    assert again.returncode == 0, (again.stdout, again.stderr)
    assert work.state() == after


def test_what_git_throws_away_later_is_still_brought_back(work: Work) -> None:
    """Story: a branch is deleted; days later git's own housekeeping removes its commits; then somebody misses it."""
    before = work.state()
    index = work.agent.runs("git branch -D feature")
    work.git("reflog", "expire", "--expire=now", "--all")
    work.git("gc", "-q", "--prune=now")
    assert "feature" not in work.git("log", "--all", "--format=%s").split()
    assert work.guard.cli("undo", str(index), "--yes").returncode == 0
    assert work.git("for-each-ref") == before["refs"]
    work.git("fsck", "--strict")


def test_a_commit_made_since_is_a_conflict(work: Work) -> None:
    index = work.agent.runs("git reset -q --hard HEAD~1")
    work.git("commit", "-q", "--allow-empty", "-m", "by hand")
    by_hand = work.git("rev-parse", "HEAD")
    shown = call(work.guard.home, "undo.plan", {"entry": index})
    problems = [problem["what"] for step in shown["steps"] for problem in step["problems"]]
    assert "branch main" in problems
    work.guard.cli("undo", str(index), "--yes")
    assert work.git("rev-parse", "HEAD") == by_hand


def test_a_rebase_that_stops_halfway_is_taken_back(work: Work) -> None:
    work.git("reset", "-q", "--hard")
    work.git("checkout", "-q", "feature")
    (work.top / "same.txt").write_text("conflict\n")
    work.git("commit", "-q", "-am", "conflicting")
    before = work.state()
    index = work.agent.runs("git rebase -q main || true")
    assert (work.top / ".git" / "rebase-merge").is_dir()
    done = work.guard.cli("undo", str(index), "--yes")
    assert done.returncode == 0, done.stderr
    assert not (work.top / ".git" / "rebase-merge").exists(), done.stdout
    assert work.state() == before


def test_no_program_of_the_repository_runs(work: Work, tmp_path: Path) -> None:
    """Story: hooks, filters and monitors that an agent configured would have run as part of undo."""
    trap = tmp_path / "trap"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    for name in ("reference-transaction", "post-checkout", "post-index-change", "pre-commit", "post-rewrite"):
        hook = work.top / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
        hook.chmod(0o755)
    with (work.top / ".git" / "config").open("a") as config:
        config.write(f'[core]\n\tfsmonitor = {script}\n[filter "evil"]\n\tclean = {script}\n\tsmudge = {script}\n')
    (work.top / ".gitattributes").write_text("*.txt filter=evil\n")
    (work.top / "f2.txt").write_text("changed!\n")
    call_id = "trap-1"
    wish = {"command": "git reset --hard HEAD~1"}
    work.guard.hook("Bash", wish, tool_use_id=call_id)
    work.guard.hook("Bash", wish, event="PostToolUse", tool_response={}, tool_use_id=call_id)
    index = work.guard.entries("intent")[-1]["index"]
    work.guard.cli("undo", str(index), "--yes")
    assert not trap.exists()


def test_what_is_pushed_stays_and_that_is_said_before(work: Work, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote")], check=True)
    work.git("remote", "add", "origin", str(tmp_path / "remote"))
    work.agent.runs("git push -q origin main")
    (intent,) = work.guard.entries("intent")
    assert "stays on the other side" in json.dumps(intent["body"]["undo"])


def test_a_password_in_a_remote_is_not_copied(work: Work) -> None:
    work.git("remote", "add", "origin", "https://dev:ghp_0123456789abcdefghijABCDEFGHIJ012345@example.org/x.git")
    work.agent.runs("git branch -D feature")
    kept = [path.read_bytes() for path in work.guard.home.state.rglob("*") if path.is_file()]
    import zlib

    plain = []
    for path in (work.guard.home.state / "preimages").glob("*/*"):
        plain.append(zlib.decompress(path.read_bytes()))
    assert not any(b"ghp_0123" in raw for raw in (*kept, *plain))
