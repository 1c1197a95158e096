"""Pre-images: what goes in comes out, once, bounded, and damage is never handed out."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.containment.store import Gone, Store


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@given(st.binary(max_size=3000))
def test_what_goes_in_comes_out(tmp_path_factory, raw):
    store = Store(tmp_path_factory.mktemp("store"))
    assert store.get(store.put(raw)) == raw


def test_the_same_content_is_kept_once_and_compressed(tmp_path):
    store = Store(tmp_path / "store")
    raw = b"a line of text\n" * 10_000
    assert store.put(raw) == store.put(raw)
    (only,) = files(tmp_path / "store")
    assert only.stat().st_size < len(raw) / 20
    assert only.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700


def test_what_is_no_digest_is_not_in_the_store(tmp_path):
    """An entry of a file that nobody could read has an empty digest: asking for it ended the plan of an undo."""
    store = Store(tmp_path / "store")
    assert store.put(b"x") in store
    assert not [odd for odd in ("", "x", "../" * 21 + "a", "A" * 64, "0" * 64, None, 7, b"0" * 64) if odd in store]


def test_a_large_file_goes_in_by_pieces_and_has_the_digest_of_its_bytes(tmp_path):
    raw = os.urandom(1 << 20) * 3 + b"x"
    (tmp_path / "large").write_bytes(raw)
    store = Store(tmp_path / "store")
    with (tmp_path / "large").open("rb") as file:
        digest = store.put_file(file.fileno())
    assert digest == store.put(raw)
    assert store.get(digest) == raw


@pytest.mark.parametrize("harm", [b"", b"not zlib", zlib.compress(b"another text")])
def test_damage_is_never_handed_out(tmp_path, harm):
    store = Store(tmp_path / "store")
    digest = store.put(b"the text")
    (only,) = files(tmp_path / "store")
    only.write_bytes(harm)
    with pytest.raises(Gone):
        store.get(digest)


def test_a_digest_that_is_none_opens_no_other_file(tmp_path):
    (tmp_path / "other").write_bytes(zlib.compress(b"x"))
    with pytest.raises(Gone):
        Store(tmp_path / "store").get("../other")


def test_the_oldest_goes_first_and_what_was_put_again_is_young(tmp_path):
    store = Store(tmp_path / "store")
    digests = [store.put(os.urandom(1000)) for _ in range(4)]
    for age, path in zip((40, 30, 20, 10), [tmp_path / "store" / d[:2] / d[2:] for d in digests], strict=True):
        os.utime(path, (1000 - age, 1000 - age))
    assert store.prune(1000, size=10_000, age=35).files == 1
    os.utime(tmp_path / "store" / digests[1][:2] / digests[1][2:], (1000, 1000))
    store.prune(1000, size=2100, age=35)
    assert [digest in store for digest in digests] == [False, True, False, True]


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    store = Store(tmp_path / "store")

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put(b"x")
    assert files(tmp_path / "store") == []
