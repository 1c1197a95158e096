"""What a commit brought is on the disk before the commit is noted as done."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from containment.overlay import needs_overlay, run
from containment.trees import snapshot
from interlock.containment import durable
from interlock.containment.commit import NotCommitted, commit
from interlock.containment.journal import Journal
from interlock.containment.rewind import rewind
from interlock.containment.transaction import load

pytestmark = needs_overlay
FEW = [["write", "a", "new"], ["write", "d/b", "new"], ["remove", "d/c"]]
MANY = [*(["write", f"n{number}", "x"] for number in range(20)), *FEW]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    top = tmp_path / "workspace"
    (top / "d").mkdir(parents=True)
    for name in ("a", "d/b", "d/c"):
        (top / name).write_text(name)
    return top


class Seen:
    """Waits for the disk, and records of the journal, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.order: list[str] = []
        fsync, append, syncfs = os.fsync, Journal.append, durable._SYNCFS
        assert syncfs is not None

        def waits(descriptor: int) -> None:
            self.order.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
            fsync(descriptor)

        def everything(descriptor: int) -> int:
            self.order.append("everything")
            return int(syncfs(descriptor))

        def records(journal: Journal, *words: Any) -> None:
            self.order += [f"<{word[0]}>" for word in words]
            append(journal, *words)

        monkeypatch.setattr(os, "fsync", waits)
        monkeypatch.setattr(durable, "_SYNCFS", everything)
        monkeypatch.setattr(Journal, "append", records)

    def between(self) -> set[str]:
        """What was waited for after the moves began, and before they were noted as done."""
        start, stop = self.order.index("<begin>"), self.order.index("<end>")
        return set(self.order[start + 1 : stop])


@pytest.mark.parametrize(
    ("commands", "waited"), [(FEW, {"a", "b", "d", "workspace"}), (MANY, {"everything"})], ids=["few", "many"]
)
def test_what_arrives_is_waited_for(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: list[list[Any]], waited: set[str]
) -> None:
    """Story: a commit was proof against a kill, but after a loss of power its new files could be empty."""
    ran = run(workspace, tmp_path / "run", commands)
    changes = ran.listed()
    seen = Seen(monkeypatch)
    commit(tmp_path / "t", str(workspace), str(ran.upper), changes)
    assert waited <= seen.between() <= waited | {"journal"}
    seen.order.clear()
    rewind(tmp_path / "t")
    assert seen.between() <= {"journal"}, "an undo brings what was there before"


@pytest.mark.parametrize("commands", [FEW, MANY], ids=["few", "many"])
def test_a_disk_that_cannot_keep_it_takes_the_commit_back(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: list[list[Any]]
) -> None:
    before = snapshot(workspace)
    ran = run(workspace, tmp_path / "run", commands)
    changes = ran.listed()

    def fails(*_: object) -> int:
        ctypes.set_errno(errno.EIO)
        if commands is FEW:
            raise OSError(errno.EIO, "the disk fails")
        return -1

    monkeypatch.setattr(durable, "_SYNCFS", fails)
    if commands is FEW:
        monkeypatch.setattr(durable, "_wait", fails)
    with pytest.raises(NotCommitted):
        commit(tmp_path / "t", str(workspace), str(ran.upper), changes)
    assert snapshot(workspace) == before
    assert load(tmp_path / "t") is None if (tmp_path / "t").exists() else True
    monkeypatch.undo()
    assert commit(tmp_path / "t", str(workspace), str(ran.upper), changes).refused == ()
    assert (workspace / "a").read_text() == "new"
