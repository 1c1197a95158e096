"""The same as an ordinary user, whom read-only directories stop: in a child that gives up root where it has it."""

from __future__ import annotations

import ctypes
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from containment.overlay import needs_overlay, tick
from containment.trees import do, snapshot
from interlock.containment.changes import overlay, start
from interlock.containment.commit import commit
from interlock.containment.rewind import look_ahead, rewind

pytestmark = needs_overlay
NOBODY = 65534
NEW_USER, NEW_MOUNTS = 0x10000000, 0x00020000
BEFORE = [
    ["mkdir", "locked"],
    ["write", "locked/f", "f"],
    ["mkdir", "locked/in"],
    ["write", "locked/in/g", "g"],
    ["chmod", "locked/in", 0o555],
    ["chmod", "locked", 0o555],
    ["mkdir", "open"],
    ["write", "open/a", "a"],
    ["write", "plain", "p"],
    ["chmod", "plain", 0o400],
]
STORIES = {
    "a new read-only directory": [["mkdir", "new"], ["write", "new/f", "f"], ["chmod", "new", 0o555]],
    "into a read-only directory": [
        ["chmod", "locked", 0o755],
        ["write", "locked/new", "n"],
        ["chmod", "locked", 0o555],
    ],
    "a file in it replaced": [["append", "locked/in/g", "!"], ["append", "locked/f", "!"]],
    "a read-only directory removed": [["chmod", "locked", 0o755], ["chmod", "locked/in", 0o755], ["rmtree", "locked"]],
    "a directory locked": [["append", "open/a", "!"], ["chmod", "open", 0o555]],
    "a directory unlocked": [["chmod", "locked", 0o700], ["remove", "locked/f"]],
    "a file for a locked directory": [
        *(["chmod", "locked", 0o755], ["chmod", "locked/in", 0o755], ["rmtree", "locked"], ["write", "locked", "file"]),
    ],
    "a read-only file": [["remove", "plain"], ["write", "plain", "q"], ["chmod", "plain", 0o400]],
}


def as_nobody(act: Callable[[], None]) -> None:
    """Run `act` in a child that is an ordinary user; what it raises fails the test."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            act()
        except BaseException:
            said = traceback.format_exc()
        finally:
            os.write(writing, said.encode()[-60_000:])
            os._exit(1 if said else 0)
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read().decode()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, said


def on_overlay(workspace: Path, run: Path, commands: list[Any]) -> None:
    """Run commands on an overlay, in a child with namespaces of its own."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            user, group = os.getuid(), os.getgid()
            libc = ctypes.CDLL(None, use_errno=True)
            libc.prctl(4, 1, 0, 0, 0)  # dumpable again: else its own /proc files are root's
            assert libc.unshare(NEW_USER | NEW_MOUNTS) == 0
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
            options = f"lowerdir={workspace},upperdir={run}/upper,workdir={run}/work,userxattr,volatile".encode()
            assert libc.mount(b"overlay", str(workspace).encode(), b"overlay", 0, options) == 0
            do(commands, str(workspace))
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def place(tmp_path):
    for above in (tmp_path, *tmp_path.parents):  # pytest's own are private to root
        if above.stat().st_uid == os.getuid() and not above.stat().st_mode & 0o001:
            above.chmod(0o711)
    here = tmp_path / "place"
    here.mkdir()
    if os.geteuid() == 0:
        os.chown(here, NOBODY, NOBODY)
    return here


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_read_only_directories_stop_neither_a_commit_nor_an_undo(place, story):
    def act() -> None:
        workspace, run = place / "workspace", place / "run"
        workspace.mkdir()
        do(BEFORE, str(workspace))
        for name in ("upper", "work"):
            (run / name).mkdir(parents=True)
        tick()
        began = start(run)
        tick()
        on_overlay(workspace, run, STORIES[story])
        upper, live = (os.open(side, os.O_RDONLY) for side in (run / "upper", workspace))
        changes = overlay(upper, live, began=began)
        before = snapshot(workspace, inodes=True)
        done = commit(run / "t", str(workspace), str(run / "upper"), changes)
        assert done.refused == ()
        assert done.paths == {change.path for change in changes}
        assert len(done.paths) > 0
        after = snapshot(workspace, inodes=True)
        assert after != before
        for _ in range(2):
            assert look_ahead(run / "t").clean, look_ahead(run / "t")
            rewind(run / "t")
            assert snapshot(workspace, inodes=True) == before
            rewind(run / "t", redo=True)
            assert snapshot(workspace, inodes=True) == after

    as_nobody(act)


def test_a_directory_without_any_right_is_left_where_it_is(place):
    """Nobody but its owner can open it, and even the owner has to ask: it is noted, held, and harms nothing."""

    def act() -> None:
        workspace, run = place / "workspace", place / "run"
        workspace.mkdir()
        for name in ("upper", "work"):
            (run / name).mkdir(parents=True)
        began = start(run)
        commands = [["mkdir", "dark"], ["write", "dark/f", "f"], ["chmod", "dark", 0], ["write", "fine", "f"]]
        on_overlay(workspace, run, commands)
        upper, live = (os.open(side, os.O_RDONLY) for side in (run / "upper", workspace))
        changes = overlay(upper, live, began=began)
        done = commit(run / "t", str(workspace), str(run / "upper"), changes)
        assert "fine" in done.paths
        assert (workspace / "fine").read_text() == "f"

    as_nobody(act)
