"""Removing a tree: of any depth, with rights or without, and nothing but the tree."""

from __future__ import annotations

import os

import pytest

from interlock.containment.removal import remove_tree


def test_nothing_there_is_nothing_to_do(tmp_path):
    remove_tree(tmp_path / "nothing")


def test_a_tree_goes_and_what_its_links_point_to_stays(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("x")
    tree = tmp_path / "tree"
    (tree / "a/b/c").mkdir(parents=True)
    (tree / "a/link").symlink_to(tmp_path / "kept")
    (tree / "a/b/file").write_text("x")
    os.mkfifo(tree / "pipe")
    (tree / "a/b").chmod(0)
    remove_tree(tree)
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(tmp_path / "kept") == ["file"]


def test_a_link_goes_and_not_its_target(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    remove_tree(tmp_path / "link")
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.parametrize("depth", [63, 64, 65, 66, 130, 2000])
def test_depth_is_no_limit(tmp_path, depth):
    (tmp_path / "tree").mkdir()
    fd = os.open(tmp_path / "tree", os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("deeper", dir_fd=fd)
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=fd))
        below = os.open("deeper", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    remove_tree(tmp_path / "tree")
    assert os.listdir(tmp_path) == []
