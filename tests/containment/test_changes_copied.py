"""A run on a copy of the workspace, where there is no overlay: the same changes, by a record of the copy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from containment.overlay import tick
from containment.test_commit import STORIES, without_links, workspace
from containment.trees import Tree, do, snapshot
from interlock.containment.change import CONFLICT, ChangeSet
from interlock.containment.changes import baseline, copied, start
from interlock.containment.clone import clone
from interlock.containment.commit import commit
from interlock.containment.rewind import rewind

__all__ = ["workspace"]  # the fixture


class Copy:
    """A copy, the commands that ran on it, and what they left."""

    def __init__(self, root: Path, folder: Path, commands: list[Any], meanwhile: list[Any] = []) -> None:  # noqa: B006
        (folder / "upper").mkdir(parents=True)
        self.root, self.upper = root, folder / "upper"
        source, target = (os.open(side, os.O_RDONLY | os.O_DIRECTORY) for side in (root, self.upper))
        clone(source, target)
        known = baseline(target)
        tick()
        began = start(folder)
        tick()
        here = os.getcwd()
        do(commands, str(self.upper))
        do(meanwhile, str(root))
        os.chdir(here)
        self.left: Tree = snapshot(self.upper)
        self.changes: ChangeSet = copied(target, source, known, began=began)
        os.close(source)
        os.close(target)


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_what_the_command_left_arrives_and_what_was_there_comes_back(workspace, tmp_path, story):
    before = snapshot(workspace, inodes=True)
    ran = Copy(workspace, tmp_path / "run", STORIES[story])
    assert snapshot(workspace, inodes=True) == before
    done = commit(tmp_path / "run/t", str(workspace), str(ran.upper), ran.changes)
    assert done.refused == ()
    assert done.paths == {change.path for change in ran.changes}
    if done.folder is None:
        assert without_links(snapshot(workspace)) == without_links(ran.left)
        return
    after = snapshot(workspace, inodes=True)
    assert without_links(snapshot(workspace)) == without_links(ran.left)
    rewind(done.folder)
    assert snapshot(workspace, inodes=True) == before
    rewind(done.folder, redo=True)
    assert snapshot(workspace, inodes=True) == after


def test_nothing_done_is_nothing_listed(workspace, tmp_path):
    assert Copy(workspace, tmp_path / "run", []).changes.changes == ()


def test_what_happened_outside_meanwhile_is_not_the_commands_doing(workspace, tmp_path):
    outside = [["write", "mine", "m"], ["append", "twin", "!"], ["remove", "src/old.c"], ["rmtree", "gone"]]
    ran = Copy(workspace, tmp_path / "run", [["append", "plain", "!"]], outside)
    assert [change.path for change in ran.changes] == ["plain"]
    commit(tmp_path / "run/t", str(workspace), str(ran.upper), ran.changes)
    assert (workspace / "mine").read_text() == "m"
    assert not (workspace / "gone").exists()


def test_what_both_changed_is_a_conflict(workspace, tmp_path):
    outside = [["append", "plain", "?"], ["remove", "src/old.c"], ["write", "gone/6", "6"]]
    inside = [["append", "plain", "!"], ["append", "src/old.c", "!"], ["rmtree", "gone"]]
    ran = Copy(workspace, tmp_path / "run", inside, outside)
    assert {change.path for change in ran.changes if CONFLICT in change.notes} == {"plain", "src/old.c", "gone"}
    before = snapshot(workspace)
    assert commit(tmp_path / "run/t", str(workspace), str(ran.upper), ran.changes).paths == frozenset()
    assert snapshot(workspace) == before
