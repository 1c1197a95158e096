"""The journal: whole records or none, a torn tail cut off, damage before it refused."""

from __future__ import annotations

import pytest

from interlock.containment.journal import Journal, read
from interlock.model.errors import StateError


def written(path, *records):
    with Journal(path, new=True) as journal:
        journal.append(*records)
        journal.sync()


def test_records_come_back_as_they_were_also_with_names_that_are_no_text(tmp_path):
    records = [["op", "a\nb\udcff", 1], ["end", {"x": None}]]
    written(tmp_path / "journal", *records)
    assert read(tmp_path / "journal") == records


def test_every_torn_tail_is_recognised_and_writing_goes_on_after_it(tmp_path):
    path = tmp_path / "journal"
    written(path, ["first", 1], ["second", "é"])
    raw = path.read_bytes()
    first = raw.index(b"\n") + 1
    for end in range(len(raw)):
        path.write_bytes(raw[:end])
        whole = [["first", 1]] if end >= first else []
        assert read(path) == whole
        with Journal(path) as journal:
            journal.append(["third"])
        assert read(path) == [*whole, ["third"]]


def test_damage_before_the_end_is_refused(tmp_path):
    path = tmp_path / "journal"
    written(path, ["first", 1], ["second", 2])
    raw = bytearray(path.read_bytes())
    raw[12] ^= 1
    path.write_bytes(raw)
    with pytest.raises(StateError):
        read(path)
    with pytest.raises(StateError):
        Journal(path)


def test_a_journal_is_made_once(tmp_path):
    written(tmp_path / "journal", ["first"])
    with pytest.raises(FileExistsError):
        Journal(tmp_path / "journal", new=True)
