"""A look that would find nothing is not made; one that would find something always is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from changes.provenance.history import World
from interlock.daemon.tracking import Tracker
from interlock.model.errors import StateError


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, 1)


def look(world: World, *names: str) -> None:
    world.look(None, [str(world.top / name) for name in names])


def still(world: World, *names: str) -> bool:
    return world.observer.still(world.repo, [str(world.top / name) for name in names])


def test_what_was_looked_at_is_still(world: World) -> None:
    look(world, "a.py", "new.py")
    assert still(world, "a.py", "new.py")
    assert still(world)
    assert still(world, "../outside")


@pytest.mark.parametrize("name", ["a.py", "new.py"])
def test_a_write_is_seen(world: World, name: str) -> None:
    look(world, "a.py", "new.py")
    (world.top / name).write_text("other\n")
    assert not still(world, "a.py", "new.py")
    look(world, "a.py", "new.py")
    assert still(world, "a.py", "new.py")


def test_content_of_the_same_size_with_its_time_put_back_is_seen(world: World) -> None:
    look(world, "a.py")
    path = world.top / "a.py"
    before, text = path.stat(), path.read_bytes()
    path.write_bytes(text.swapcase())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not still(world, "a.py")


def test_a_file_that_is_gone_a_link_and_a_directory_are_seen(world: World) -> None:
    look(world, "a.py", "b.js", "new")
    (world.top / "a.py").unlink()
    assert not still(world, "a.py")
    (world.top / "b.js").unlink()
    (world.top / "b.js").symlink_to("lib/c.go")
    assert not still(world, "b.js")
    (world.top / "new").mkdir()
    assert not still(world, "new")


def test_a_move_of_head_and_a_missed_look_are_seen(world: World) -> None:
    look(world, "a.py", "new.py")
    world.git("commit", "-q", "--allow-empty", "-m", "another")
    assert not still(world, "a.py")
    look(world, "a.py", "new.py")
    assert still(world, "a.py", "new.py")
    world.observer.lost(world.repo)
    assert not still(world)


def test_where_nobody_looked_nothing_is_still(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other", 2)
    assert not world.observer.still(other.repo, [])
    assert not still(world, "never.py")


def test_what_git_would_not_tell_of_is_nobodys(world: World) -> None:
    """Story: git took too long once, the agent's edit went unseen, and the next look took its lines for a person's."""
    answers = [False, True]

    def call(directory: str, *words: str, **options: Any) -> bytes:
        if answers and not answers.pop(0):
            raise StateError("git took too long.")
        return world.repo.call(directory, *words, **options)

    nothing: Any = None  # neither ledger nor recorder is asked when a repository is looked for
    tracker = Tracker(world.observer, call, nothing, nothing)
    look(world, "a.py")
    assert asyncio.run(tracker.find(str(world.top))) is None
    (world.top / "a.py").write_text("the agent's = 1\n")
    assert asyncio.run(tracker.find(str(world.top))) == world.repo._replace(call=call)
    ((kind, body),) = world.observer.look(world.repo, (), None, [str(world.top / "a.py")])
    assert (kind, body["by"]) == ("edit", "unknown")
