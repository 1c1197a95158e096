"""A diff for showing: bounded, and harmless to what shows it."""

from __future__ import annotations

import os

import pytest

from interlock.containment.change import NOTHING, Change, look
from interlock.containment.diff import MOST_BYTES, SHOWN_LINES, between, diff


@pytest.fixture
def sides(tmp_path):
    for side in ("upper", "live"):
        (tmp_path / side / "d").mkdir(parents=True)
    fds = [os.open(tmp_path / side, os.O_RDONLY) for side in ("upper", "live")]
    yield tmp_path / "upper", tmp_path / "live", *fds
    for fd in fds:
        os.close(fd)


def change(sides, path: str, what: str = "changed", **words) -> Change:
    upper, live = (os.open(side, os.O_RDONLY) for side in sides[:2])
    before, after = look(path, live), look(path, upper)
    os.close(upper)
    os.close(live)
    return Change(path, what, before, after, **words)


def test_a_changed_text_shows_its_lines(sides):
    (sides[0] / "d/f").write_text("one\ntwo\n")
    (sides[1] / "d/f").write_text("one\nthree\n")
    found = diff(change(sides, "d/f"), *sides[2:])
    assert found.lines == ("--- a/d/f", "+++ b/d/f", "@@ -1,2 +1,2 @@", " one", "-three", "+two")
    assert not found.cut


def test_what_is_new_and_what_is_gone_show_one_side(sides):
    (sides[0] / "new").write_text("x\n")
    (sides[1] / "old").write_text("y\n")
    assert diff(change(sides, "new"), *sides[2:]).lines[-1] == "+x"
    assert diff(change(sides, "old"), *sides[2:]).lines[-1] == "-y"


def test_a_link_shows_where_it_points_and_is_not_followed(sides):
    (sides[0] / "l").symlink_to("/etc/passwd")
    (sides[1] / "l").write_text("text\n")
    assert diff(change(sides, "l"), *sides[2:]).lines == ("-file", "+link to /etc/passwd")


def test_a_file_that_became_a_link_meanwhile_is_not_read(sides):
    (sides[0] / "f").write_text("x")
    (sides[1] / "f").write_text("y")
    seen = change(sides, "f")
    (sides[1] / "f").unlink()
    (sides[1] / "f").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="f"):
        diff(seen, *sides[2:])


def test_directories_have_no_diff():
    assert diff(Change("d", "created", NOTHING, look("tmp", os.open("/", os.O_RDONLY))), -1, -1).lines == ()


def test_what_is_shown_is_bounded_and_says_so():
    found = between(b"", b"line\n" * 3000, "f")
    assert len(found.lines) == SHOWN_LINES
    assert found.cut
    assert len(between(b"", b"x" * 10_000, "f").lines[-1]) < 500
    assert between(b"", b"\n" * 10_000, "f").lines == ("0 lines, now 10000",)


def test_large_and_binary_contents_are_said_in_a_line(sides):
    assert between(b"a", b"\0b", "f").lines == ("binary: 1 bytes, now 2",)
    (sides[0] / "f").write_bytes(b"x" * (MOST_BYTES + 1))
    (sides[1] / "f").write_bytes(b"x")
    assert diff(change(sides, "f"), *sides[2:]).lines == ("too large to compare here",)


def test_a_text_cannot_harm_the_terminal():
    text = "\n".join(between(b"", b"\x1b[2J\r\xff evil", "na\x1bme").lines)
    assert text.replace("\n", "").isprintable()
