"""The nouns of a change set: written and read back, counted, and shown without harm."""

from __future__ import annotations

import pytest

from interlock.containment.change import CONFLICT, Change, ChangeSet, Facts, Merged, from_bytes, load, shown

CHANGES = ChangeSet(
    (
        Change("a\udcff\nb", "created", after=Facts("file", 3, 0o644, 10**18, 5, 6, 7, 1)),
        Change("old", "deleted", before=Facts("directory", 100, 0o755, entries=7, digest="00"), notes=(CONFLICT,)),
        Change("link", "replaced", Facts("file", 9), Facts("symlink", target="x\udc80")),
    ),
    (Merged("", Facts("directory"), Facts("directory"), (), (("user.a", "00ff"),)),),
)


def test_a_change_set_is_read_back_as_it_was_written(tmp_path):
    CHANGES.save(tmp_path / "changes")
    assert load(tmp_path / "changes") == CHANGES


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"changes":[{"path":1}]}', b"\xff", b"[" * 100_000])
def test_what_is_no_change_set_is_refused(raw):
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kind
        from_bytes(raw, ChangeSet)


def test_totals_count_what_lay_inside():
    totals = CHANGES.totals
    assert (totals.created, totals.changed, totals.deleted, totals.refused) == (1, 1, 7, 1)
    assert (totals.bytes_written, totals.bytes_deleted) == (3, 109)


def test_what_was_committed_is_taken_out():
    assert [change.path for change in CHANGES.without(["old"])] == ["a\udcff\nb", "link"]


@pytest.mark.parametrize(
    ("path", "text"),
    [("a/b é", "a/b é"), ("a\nb", "a\\u{a}b"), ("\udcff", "\\xff"), ("a\\b", "a\\\\b"), ("\x1b[", "\\u{1b}[")],
)
def test_a_name_cannot_harm_what_shows_it(path, text):
    assert shown(path) == text
