"""Nothing that undo does is led anywhere by a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from containment.acts import Acts
from interlock.containment import walk
from interlock.containment.undo import CONFLICT


@pytest.fixture(params=["one call", "step by step"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "step by step":
        monkeypatch.setattr(walk, "_OPENAT2", None)


@pytest.mark.usefixtures("way")
def test_a_link_on_the_way_is_no_way(tmp_path: Path) -> None:
    top = os.fsencode(os.path.realpath(tmp_path))
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("x")
    (tmp_path / "link").symlink_to("real")
    assert walk.facts(top + b"/real/file").kind == "file"
    assert walk.facts(top + b"/link").kind == "symlink"
    assert walk.facts(top + b"/link/file").kind == "absent"
    with pytest.raises(OSError, match="goes up"), walk.parent(top + b"/real/../real/file"):
        pass


@pytest.mark.usefixtures("way")
def test_a_directory_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    """Story: between the edit and the undo the directory is swapped for a link to something that is not the agent's."""
    acts = Acts(tmp_path / "base")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text("after")
    folder = acts.top / "d"
    folder.mkdir()
    (folder / "a").write_text("before")
    deed = acts.runs("echo after > d/a")
    (acts.top / "d" / "a").unlink()
    folder.rmdir()
    folder.symlink_to(outside)
    for force in (False, True):
        _, problems = acts.undo(deed, force=force)
        assert (outside / "a").read_text() == "after"
        assert problems
        assert problems[0].kind == CONFLICT


def test_what_a_link_in_the_workspace_leads_out_to_is_not_copied(tmp_path: Path) -> None:
    acts = Acts(tmp_path / "base")
    (tmp_path / "elsewhere").write_text("not the project's")
    (acts.top / "link").symlink_to(tmp_path / "elsewhere")
    acts.does("Write", {"file_path": str(acts.top / "own"), "content": ""}, lambda: None)
    acts.runs("rm -f link own")
    kept = [acts.vault.get(path.parent.name + path.name) for path in (acts.kept_in / "preimages").glob("*/*")]
    assert b"not the project's" not in kept


def test_pipes_and_deep_trees_do_not_hold_anything_up(tmp_path: Path) -> None:
    acts = Acts(tmp_path / "base")
    os.mkfifo(acts.top / "pipe")
    deep = acts.top / "x"
    for _ in range(250):
        deep = deep / "x"
    deep.mkdir(parents=True)
    (acts.top / "a").write_text("a")
    deed, kept = acts.does("Bash", {"command": "rm -rf pipe x a"}, lambda: acts.shell("rm -rf pipe x a"))
    assert kept.fact.undoable == "partly"
    acts.undo(deed)
    assert (acts.top / "a").read_text() == "a"
    assert not (acts.top / "pipe").exists()
