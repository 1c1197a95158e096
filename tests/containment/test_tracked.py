"""What git does not keep, asked without letting the repository run anything."""

from __future__ import annotations

import subprocess

import pytest

from interlock.containment.change import Change, ChangeSet, Facts
from interlock.containment.tracked import Keeping, keeping

FILE = Facts("file", 1)


def git(place, *words):
    subprocess.run(["git", *words], cwd=place, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "src").mkdir()
    for name in ("src/kept", "a\nb", "loose", "x.log"):
        (tmp_path / name).write_text("x")
    git(tmp_path, "add", "src/kept", "a\nb", ".gitignore")
    return tmp_path


def changed(*paths: str) -> ChangeSet:
    return ChangeSet(tuple(Change(path, "deleted", FILE) for path in paths))


def test_each_path_is_tracked_ignored_or_neither(repository):
    found = keeping(str(repository), changed("src/kept", "src", "a\nb", "loose", "x.log", ":(top)loose", "*"))
    assert found == {
        "src/kept": Keeping.TRACKED,
        "src": Keeping.TRACKED,
        "a\nb": Keeping.TRACKED,
        "loose": Keeping.UNTRACKED,
        "x.log": Keeping.IGNORED,
        ":(top)loose": Keeping.UNTRACKED,
        "*": Keeping.UNTRACKED,
    }


def test_what_is_new_is_not_asked_about_and_a_rename_by_its_old_name(repository):
    changes = ChangeSet(
        (Change("new", "created", after=FILE), Change("moved", "renamed", FILE, FILE, source="src/kept"))
    )
    assert keeping(str(repository), changes) == {"src/kept": Keeping.TRACKED}


def test_where_there_is_no_repository_nothing_is_said(tmp_path):
    assert keeping(str(tmp_path), changed("a")) == {}


def test_a_repository_cannot_run_anything(repository):
    trap = repository / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {repository}/sprung\n")
    trap.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(trap))
    (repository / ".git/hooks/post-index-change").symlink_to(trap)
    keeping(str(repository), changed("src/kept", "loose"))
    assert not (repository / "sprung").exists()
