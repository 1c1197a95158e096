"""A disk that is really full: a small file system, mounted in a namespace of the test's own."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from containment.overlay import needs_overlay, tick
from containment.test_commit_user import NEW_MOUNTS, NEW_USER, as_nobody, place
from containment.trees import snapshot
from interlock.containment.changes import overlay, start
from interlock.containment.commit import NotCommitted, commit
from interlock.containment.recovery import recover
from interlock.containment.rewind import rewind

__all__ = ["place"]  # the fixture
pytestmark = needs_overlay


def small(where: Path, size: str) -> None:
    """Mount a small file system in a namespace of this process's own."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(4, 1, 0, 0, 0)  # dumpable again: else its own /proc files are root's
    assert libc.unshare(NEW_USER | NEW_MOUNTS) == 0
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    assert libc.mount(b"none", str(where).encode(), b"tmpfs", 0, f"size={size}".encode()) == 0


def layer(run: Path) -> Path:
    """An upper layer as an overlay would leave it."""
    (run / "upper").mkdir(parents=True)
    (run / "work").mkdir()
    return run / "upper"


@pytest.mark.parametrize("size", [10_000, 600_000])
def test_a_full_workspace_is_as_it_was_and_the_changes_wait(place, size):
    def act() -> None:
        workspace, run = place / "workspace", place / "run"
        workspace.mkdir()
        small(workspace, "512k")
        (workspace / "a").write_text("a")
        (workspace / "b").write_text("b")
        upper = layer(run)
        tick()
        began = start(run)
        tick()
        (upper / "a").write_text("changed")
        for number in range(size // 1000):
            (upper / f"new{number}").write_bytes(b"x" * 1000)
        sides = [os.open(side, os.O_RDONLY) for side in (upper, workspace)]
        changes = overlay(*sides, began=began)
        before = snapshot(workspace, inodes=True)
        held = sorted(os.listdir(upper))
        if size < 100_000:
            assert commit(run / "t", str(workspace), str(upper), changes).refused == ()
            rewind(run / "t")
        else:
            with pytest.raises(NotCommitted, match="No space"):
                commit(run / "t", str(workspace), str(upper), changes)
            assert sorted(os.listdir(upper)) == held
            assert not recover(run / "t").there
        assert snapshot(workspace) == {path: (*row[:5], 0, ()) for path, row in before.items()}

    as_nobody(act)
