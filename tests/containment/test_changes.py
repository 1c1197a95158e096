"""The book-keeping of an overlay, written by hand: opaque directories, whiteouts of both kinds, and forgeries."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from interlock.containment.change import SPECIAL, ChangeSet
from interlock.containment.changes import overlay
from interlock.containment.commit import commit

LATER = 1 << 62


def marked(place: Path) -> bool:
    try:
        os.setxattr(place, "user.overlay.test", b"y")
        os.removexattr(place, "user.overlay.test")
    except OSError:
        return False
    return True


@pytest.fixture
def sides(tmp_path):
    for side in ("upper", "live"):
        (tmp_path / side).mkdir()
    if not marked(tmp_path / "upper"):
        pytest.skip("no user attributes on this file system")
    return tmp_path / "upper", tmp_path / "live"


def listed(sides) -> ChangeSet:
    fds = [os.open(side, os.O_RDONLY) for side in sides]
    try:
        return overlay(*fds, began=LATER)
    finally:
        for fd in fds:
            os.close(fd)


def whats(sides) -> list[tuple[str, str]]:
    return [(change.path, change.what) for change in listed(sides)]


def test_an_opaque_directory_is_compared_name_by_name(sides):
    upper, live = sides
    for side, names in ((upper, ("both", "new")), (live, ("both", "old"))):
        (side / "d/in").mkdir(parents=True)
        for name in names:
            (side / "d" / name).write_text(name)
    os.utime(upper / "d/both", (1, 1))
    (live / "d/in/deep").write_text("x")
    os.setxattr(upper / "d", "user.overlay.opaque", b"y")
    assert whats(sides) == [("d/both", "changed"), ("d/in/deep", "deleted"), ("d/new", "created"), ("d/old", "deleted")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make the node by hand")
def test_a_whiteout_is_a_deletion_and_over_nothing_it_is_nothing(sides):
    upper, live = sides
    (live / "gone").write_text("x")
    for name in ("gone", "never"):
        os.mknod(upper / name, stat.S_IFCHR, os.makedev(0, 0))
    assert whats(sides) == [("gone", "deleted")]


def test_a_whiteout_by_attribute_counts_only_where_its_directory_says_so(sides):
    upper, live = sides
    for directory in ("told", "untold"):
        for side in sides:
            (side / directory).mkdir()
        (live / directory / "f").write_text("x")
        (upper / directory / "f").write_text("")
        os.setxattr(upper / directory / "f", "user.overlay.whiteout", b"y")
    os.setxattr(upper / "told", "user.overlay.opaque", b"x")
    assert whats(sides) == [("told/f", "deleted"), ("untold/f", "changed")]


def test_the_overlays_own_attributes_do_not_arrive(sides, tmp_path):
    upper, live = sides
    (upper / "d").mkdir()
    (upper / "d/f").write_text("x")
    for place in (upper / "d", upper / "d/f"):
        os.setxattr(place, "user.overlay.whiteout", b"y")
        os.setxattr(place, "user.overlay.opaque", b"y")
        os.setxattr(place, "user.kept", b"k")
    commit(tmp_path / "t", str(live), str(upper), listed(sides))
    assert [os.listxattr(place) for place in (live / "d", live / "d/f")] == [["user.kept"], ["user.kept"]]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_noted_and_never_arrives(sides, tmp_path):
    upper, live = sides
    os.mknod(upper / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (change,) = listed(sides)
    assert change.notes == (SPECIAL,)
    assert commit(tmp_path / "t", str(live), str(upper), listed(sides)).folder is None
    assert os.listdir(live) == []


def test_a_content_that_was_changed_with_its_time_set_back_is_a_change(sides):
    for side, text in zip(sides, ("evil", "fine"), strict=True):
        (side / "f").write_text(text)
        os.utime(side / "f", ns=(10**18, 10**18))
    assert whats(sides) == [("f", "changed")]


def test_what_was_only_opened_for_writing_is_no_change(sides):
    for side in sides:
        (side / "f").write_text("same")
        os.utime(side / "f", ns=(10**18, 10**18))
    assert whats(sides) == []


def test_a_rename_is_not_guessed_where_two_files_could_have_been_it(sides):
    upper, live = sides
    for name in ("one", "two"):
        (live / "d").mkdir(exist_ok=True)
        (live / "d" / name).write_text("same")
        os.utime(live / "d" / name, ns=(10**18, 10**18))
    (upper / "d").mkdir()
    os.setxattr(upper / "d", "user.overlay.opaque", b"y")
    (upper / "new").write_text("same")
    os.utime(upper / "new", ns=(10**18, 10**18))
    assert whats(sides) == [("d/one", "deleted"), ("d/two", "deleted"), ("new", "created")]
