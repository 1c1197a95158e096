"""Listing, commit and undo on a real overlay: what the command saw is what arrives, and what was there comes back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from containment.overlay import needs_overlay, run
from containment.trees import Tree, do, snapshot
from interlock.containment.commit import commit
from interlock.containment.rewind import look_ahead, rewind

pytestmark = needs_overlay


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    here = os.getcwd()
    do(
        [
            ["makedirs", "src/deep/er"],
            ["write", "src/main.c", "int main;"],
            ["write", "src/old.c", "old"],
            ["write", "src/deep/er/x", "x"],
            ["mkdir", "gone"],
            *(["write", f"gone/{n}", f"{n}"] for n in range(5)),
            ["write", "plain", "a file"],
            ["write", "twin", "linked"],
            ["link", "twin", "twin2"],
            ["symlink", "link", "plain"],
            ["mkdir", "empty"],
            ["setxattr", "plain", "user.note", "kept"],
            ["chmod", "src/old.c", 0o600],
        ],
        str(root),
    )
    os.chdir(here)
    return root


STORIES = {
    "nothing": [],
    "created": [["write", "new", "n"], ["mkdir", "dir"], ["write", "dir/a", "a"], ["symlink", "dir/s", "/etc"]],
    "changed": [["append", "src/main.c", " more"], ["write", "plain", "other"]],
    "deleted": [["remove", "plain"], ["rmtree", "gone"], ["remove", "link"], ["rmtree", "empty"]],
    "renamed": [["rename", "src/old.c", "src/new.c"], ["rename", "gone", "went"]],
    "opaque": [["rmtree", "src"], ["mkdir", "src"], ["write", "src/main.c", "new"], ["mkdir", "src/deep"]],
    "a file for a directory": [["rmtree", "src"], ["write", "src", "file"]],
    "a directory for a file": [["remove", "plain"], ["mkdir", "plain"], ["write", "plain/in", "in"]],
    "a link for a directory": [["rmtree", "gone"], ["symlink", "gone", "src"]],
    "modes alone": [["chmod", "src", 0o700], ["chmod", "plain", 0o755], ["chmod", "src/deep/er", 0o555]],
    "times alone": [["utime", "plain", 10**18], ["utime", "src", 10**18], ["utime", "link", 10**18]],
    "attributes": [
        ["setxattr", "plain", "user.x", "y"],
        ["setxattr", "src", "user.d", "e"],
        ["removexattr", "plain", "user.note"],
    ],
    "links": [["append", "twin", "!"], ["link", "plain", "plain2"], ["write", "n", "n"], ["link", "n", "src/n"]],
    "symlink swapped": [["remove", "link"], ["symlink", "link", "src"]],
    "names": [["write", "a\nb", "1"], ["write", "\udcff\udcfe", "2"], ["write", " ", "3"], ["write", "-rf", "4"]],
    "sparse": [["write", "hole", ""], ["truncate", "hole", 1 << 26]],
    "back and forth": [["remove", "plain"], ["write", "plain", "a file"], ["rmtree", "gone"], ["mkdir", "gone"]],
    "read-only inside": [["mkdir", "ro"], ["write", "ro/f", "f"], ["chmod", "ro", 0o555]],
}


def assert_arrived(merged: Tree, committed: Tree) -> None:
    """The same, except that an overlay shows two numbers for a file of the lower layer that got a second name."""
    assert {path: row[:-1] for path, row in committed.items()} == {path: row[:-1] for path, row in merged.items()}
    for path, row in merged.items():
        assert set(row[-1]) <= set(committed[path][-1])


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_what_the_command_saw_arrives_and_what_was_there_comes_back(workspace, tmp_path, story):
    before = snapshot(workspace, inodes=True)
    ran = run(workspace, tmp_path / "run", STORIES[story])
    changes = ran.listed()
    assert snapshot(workspace, inodes=True) == before
    done = commit(tmp_path / "run/t", str(workspace), str(ran.upper), changes)
    assert done.refused == ()
    assert done.paths == {change.path for change in changes}
    after = snapshot(workspace, inodes=True)
    if len(changes):
        assert_arrived(ran.merged, snapshot(workspace))
        for _ in range(2):
            assert look_ahead(tmp_path / "run/t").clean
            rewind(tmp_path / "run/t")
            assert snapshot(workspace, inodes=True) == before
            rewind(tmp_path / "run/t", redo=True)
            assert snapshot(workspace, inodes=True) == after
    else:
        assert done.folder is None


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_across_file_systems_it_is_copied_and_comes_back_all_the_same(tmp_path, elsewhere, workspace, story):
    far = elsewhere / "workspace"
    subprocess.run(["cp", "-a", workspace, far], check=True)
    before = snapshot(far)
    ran = run(far, tmp_path / "run", STORIES[story])
    changes = ran.listed()
    done = commit(tmp_path / "run/t", str(far), str(ran.upper), changes)
    assert done.refused == ()
    if not len(changes):
        return
    after = snapshot(far)
    assert {path: row[:-1] for path, row in after.items()} == {path: row[:-1] for path, row in ran.merged.items()}
    for _ in range(2):
        rewind(tmp_path / "run/t")
        assert without_links(snapshot(far)) == without_links(before)
        rewind(tmp_path / "run/t", redo=True)
        assert without_links(snapshot(far)) == without_links(after)
    assert sorted(os.listdir(far)) == sorted(path for path in ran.merged if path and "/" not in path)


def without_links(tree: Tree) -> Tree:
    """A copy of one name of a file is a file of its own."""
    return {path: row[:-1] for path, row in tree.items()}


def test_the_listing_says_what_happened(workspace, tmp_path):
    commands = [
        ["write", "new", "n"],
        ["append", "plain", "!"],
        ["rmtree", "gone"],
        ["rename", "src/old.c", "src/new.c"],
        ["chmod", "src/main.c", 0o755],
        ["chmod", "empty", 0o700],
        ["setxattr", "src", "user.d", "e"],
        ["remove", "link"],
        ["mkdir", "link"],
    ]
    changes = run(workspace, tmp_path / "run", commands).listed()
    assert [(change.path, change.what, change.source) for change in changes] == [
        ("empty", "mode", ""),
        ("gone", "deleted", ""),
        ("link", "replaced", ""),
        ("new", "created", ""),
        ("plain", "changed", ""),
        ("src", "xattr", ""),
        ("src/main.c", "mode", ""),
        ("src/new.c", "renamed", "src/old.c"),
    ]
    gone = changes.changes[1].before
    assert (gone.entries, gone.size) == (5, 5)
    assert changes.totals.deleted == 5
