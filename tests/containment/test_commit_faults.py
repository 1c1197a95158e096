"""Commit and undo are whole or not at all: at every file-system call a kill, a full disk, a failing one, a dead one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from containment.faults import FAULTS, KILLED, Fault, each, once
from containment.overlay import needs_overlay, run
from containment.trees import Tree, do, snapshot
from interlock.containment import stage
from interlock.containment.commit import NotCommitted, commit
from interlock.containment.recovery import recover
from interlock.containment.rewind import NotRewound, rewind
from interlock.containment.transaction import load
from interlock.model.errors import StateError

pytestmark = needs_overlay
BEFORE = [
    ["makedirs", "src/deep"],
    ["write", "src/a", "a"],
    ["write", "src/deep/b", "b"],
    ["mkdir", "gone"],
    ["write", "gone/1", "1"],
    ["write", "plain", "plain"],
    ["write", "other", "other"],
    ["symlink", "link", "plain"],
]
COMMANDS = [
    ["append", "src/a", "!"],
    ["write", "src/new", "new"],
    ["rename", "src/deep/b", "src/deep/c"],
    ["rmtree", "gone"],
    ["symlink", "gone", "src"],
    ["remove", "plain"],
    ["mkdir", "plain"],
    ["write", "plain/x", "x"],
    ["mkdir", "part"],
    ["write", "part/go", "go"],
    ["write", "part/stay", "stay"],
    ["chmod", "src", 0o700],
    ["setxattr", "src/deep", "user.x", "y"],
    ["remove", "other"],
    ["chmod", "src/a", 0o4755],
]
HELD = "part/stay"


class Site:
    """A workspace and a run on it; and the way back to both when a commit went through."""

    def __init__(self, place: Path, far: Path | None = None) -> None:
        self.workspace = (far or place) / "workspace"
        self.workspace.mkdir()
        here = os.getcwd()
        do(BEFORE, str(self.workspace))
        os.chdir(here)
        ran = run(self.workspace, place / "run", COMMANDS)
        self.ran = ran._replace(began=1 << 62)  # what was committed and taken back is younger than the run
        self.upper, self.folder = ran.upper, ran.folder / "t"
        self.changes = ran.listed()
        self.far = far is not None
        self.before = self.now()
        self.commit()
        self.after = roughly(self.now())
        self.reset()
        assert self.side() == "before"

    def now(self) -> Tree:
        """Across file systems, what comes back is a copy."""
        return snapshot(self.workspace, inodes=not self.far)

    def commit(self) -> int:
        chosen = [change.path for change in self.changes if change.path != HELD]
        return ended(lambda: commit(self.folder, str(self.workspace), str(self.upper), self.changes, chosen))

    def undo(self) -> int:
        return ended(lambda: rewind(self.folder))

    def side(self) -> str:
        """On which side the workspace is, to the bit. Anything between is an error."""
        now = self.now()
        if now == self.before:
            return "before"
        assert roughly(now) == self.after
        return "after"

    def reset(self) -> None:
        """As it was before the commit, the changes in the upper layer again."""
        transaction = load(self.folder)
        if transaction is not None:
            if transaction.committed:
                rewind(self.folder)
            stage.clear(load(self.folder))
        assert not self.folder.exists()
        self.changes = self.ran.listed()
        assert all(change.may_commit for change in self.changes)


def roughly(tree: Tree) -> Tree:
    """Without what differs from commit to commit of the same run: times of directories, and one that is made for it."""
    rows = {path: (*row[:2], *row[3:]) if stat.S_ISDIR(row[0]) else row for path, row in tree.items()}
    return rows | ({"part": rows["part"][:2]} if "part" in rows else {})


def ended(act) -> int:
    """0 done, 1 known to be taken back, 2 unknown: it has to be recovered."""
    try:
        act()
    except (NotCommitted, NotRewound):
        return 1
    except (StateError, OSError):
        return 2
    return 0


def recovered(site: Site, ending: int, fault: Fault, *, was: str) -> None:
    """What must hold after a fault, and after the recovery that follows it."""
    assert ending in (KILLED, 1, 2) or fault.done, fault  # a call that failed by itself meets no fault
    if ending == 1:
        assert site.side() == was
    found = recover(site.folder)
    assert not found.stuck
    assert site.side() == ("after" if found.committed else "before")
    assert not recover(site.folder).taken_back


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture
def far_site(tmp_path, elsewhere):
    """A workspace on another file system than the run."""
    return Site(tmp_path, elsewhere)


# Each takes seconds, at every call: the default ring has the hardest of a commit, the slower ring all.
KILL_FIRST = [pytest.param(fault, id=fault.name, marks=[pytest.mark.slow] if fault.number else []) for fault in FAULTS]


@pytest.mark.parametrize("fault", KILL_FIRST)
def test_a_commit_is_whole_or_not_at_all(site, fault):
    met = 0
    for ending in each(fault, site.commit):
        met += 1
        recovered(site, ending, fault, was="before")
        site.reset()
    assert met > 100
    assert site.side() == "after"


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_an_undo_is_whole_or_not_at_all(site, fault):
    met = 0
    site.commit()
    for ending in each(fault, site.undo):
        met += 1
        recovered(site, ending, fault, was="after")
        if site.side() == "before":
            rewind(site.folder, redo=True)
    assert met > 50
    assert site.side() == "before"


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_recovery_may_itself_be_interrupted(site, fault):
    """Killed in the middle of a commit, then each call of the recovery meets a fault, then it is tried once more."""

    def interrupted() -> None:
        assert once(FAULTS[0], site.commit, 85) == KILLED

    met = 0
    interrupted()
    for ending in each(fault, lambda: ended(lambda: recover(site.folder))):
        met += 1
        assert ending in (KILLED, 0, 2)  # 0: it failed to note that all is done, which can be found out again
        recover(site.folder)
        assert site.side() == "before"
        site.reset()
        interrupted()
    assert met > 10
    assert site.side() == "before"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.slow
def test_a_commit_and_an_undo_across_file_systems_are_whole_or_not_at_all(far_site, fault):
    for ending in each(fault, far_site.commit):
        recovered(far_site, ending, fault, was="before")
        far_site.reset()
    assert far_site.side() == "after"
    for ending in each(fault, far_site.undo):
        recovered(far_site, ending, fault, was="after")
        if far_site.side() == "before":
            rewind(far_site.folder, redo=True)
    assert far_site.side() == "before"
    assert os.listdir(far_site.workspace) == [name for name in os.listdir(far_site.workspace) if name[0] != "."]
