"""Directories of a tree: the right one, whatever path came before, and never one that a link leads to."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.containment.descent import HANDLE, LISTED, Descent

PATHS = ["", "a", "ab", "a/b", "a/bc", "a/b/c", "deep" + "/d" * 150, "deep" + "/d" * 70, "deep/d/d"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    for path in PATHS:
        (root / path).mkdir(parents=True, exist_ok=True)
    return root


@given(st.lists(st.sampled_from(PATHS), max_size=12), st.sampled_from([HANDLE, LISTED]))
@settings(max_examples=60, deadline=None)
def test_each_path_gives_its_own_directory_in_any_order(tree, paths, flags):
    root = os.open(tree, HANDLE)
    with Descent(root, flags) as descent:
        for path in paths:
            assert os.fstat(descent.at(path)).st_ino == (tree / path).stat().st_ino
    os.close(root)


def test_a_link_is_refused_at_any_depth(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/link").symlink_to("/etc")
    (tmp_path / "top").symlink_to("a")
    root = os.open(tmp_path, HANDLE)
    with Descent(root) as descent:
        for path in ("a/link", "top", "a/link/ssl"):
            with pytest.raises(OSError) as met:  # noqa: PT011 - its number says which
                descent.at(path)
            assert met.value.errno in (errno.ELOOP, errno.ENOTDIR)
        assert os.fstat(descent.at("a")).st_ino == (tmp_path / "a").stat().st_ino
    os.close(root)


@pytest.mark.parametrize("path", ["..", "a/..", "a/../..", "/etc", "a//b", "."])
def test_a_name_that_is_no_name_is_refused(tmp_path, path):
    (tmp_path / "a").mkdir()
    root = os.open(tmp_path, HANDLE)
    with Descent(root) as descent, pytest.raises(OSError):  # noqa: PT011 - its number differs by the name
        descent.at(path)
    os.close(root)


def test_a_directory_that_was_moved_out_is_not_climbed_from(tmp_path):
    (tmp_path / "tree" / ("x/" * 80)).mkdir(parents=True)
    root = os.open(tmp_path / "tree", HANDLE)
    with Descent(root) as descent:
        descent.at("/".join(["x"] * 80))
        os.rename(tmp_path / "tree/x/x", tmp_path / "away")
        with pytest.raises(OSError) as met:  # noqa: PT011 - its number says which
            descent.at("x")
        assert met.value.errno == errno.ESTALE
    os.close(root)
