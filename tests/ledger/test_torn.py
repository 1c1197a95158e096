"""A torn write-ahead log: what a power cut leaves of the last group, cut or garbled at many places."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from interlock.ledger.verify import verify
from interlock.model.errors import LedgerForked

from .logs import HALF_WRITTEN, add, begin, bodies, fill, flip, head_path


def _running(tmp_path: Path) -> tuple[Path, int]:
    """A running ledger's copy from before its last append was acknowledged, and the WAL's size before that append."""
    ledger = begin(tmp_path / "ledger")
    fill(ledger, 5)
    before = _end(tmp_path / "ledger/ledger.db-wal")
    head = head_path(tmp_path / "ledger").read_bytes()
    add(ledger, n="last")
    shutil.copytree(tmp_path / "ledger", tmp_path / "torn", ignore=HALF_WRITTEN)
    head_path(tmp_path / "torn").write_bytes(head)
    head_path(tmp_path / "acknowledged").write_bytes(head_path(tmp_path / "ledger").read_bytes())
    ledger.close()
    (tmp_path / "torn/ledger.db-shm").unlink(missing_ok=True)
    return tmp_path / "torn", before


def _end(wal: Path) -> int:
    """Where the frames of the WAL's current run end (sqlite.org/fileformat2.html, section 4.1)."""
    data = wal.read_bytes()
    salt, at = data[16:24], 32
    while data[at + 8 : at + 16] == salt:
        at += 24 + 4096
    return at


def test_a_torn_group_is_dropped_whole_and_the_log_goes_on(tmp_path: Path) -> None:
    torn, before = _running(tmp_path)
    whole = _end(torn / "ledger.db-wal")
    assert whole > before
    chance = random.Random(3)
    for round_, cut in enumerate(sorted({before, before + 1, whole - 1, *chance.sample(range(before, whole), 20)})):
        case = tmp_path / f"case{round_}"
        shutil.copytree(torn, case)
        shutil.copy(head_path(torn), head_path(case))
        with (case / "ledger.db-wal").open("r+b") as file:
            file.truncate(cut)
        with begin(case) as ledger:
            assert ledger.size == 6
            assert add(ledger, n="next") == 6
            assert bodies(ledger, ["intent"])[-1] == {"n": "next"}
        assert verify(case).size == 7


def test_a_garbled_group_is_dropped_whole(tmp_path: Path) -> None:
    torn, before = _running(tmp_path)
    whole = _end(torn / "ledger.db-wal")
    chance = random.Random(5)
    for round_ in range(20):
        case = tmp_path / f"case{round_}"
        shutil.copytree(torn, case)
        shutil.copy(head_path(torn), head_path(case))
        flip(case / "ledger.db-wal", chance.randrange(before + 8, whole), chance.randrange(8))
        with begin(case) as ledger:
            assert ledger.size == 6
            add(ledger, n="next")
        assert verify(case).size == 7


def test_a_disk_that_lost_what_it_had_synced_is_not_believed(tmp_path: Path) -> None:
    """The group was acknowledged, so the head file knows it; a WAL without it is a ledger that was set back."""
    torn, before = _running(tmp_path)
    shutil.copy(head_path(tmp_path / "acknowledged"), head_path(torn))
    with (torn / "ledger.db-wal").open("r+b") as file:
        file.truncate(before)
    with pytest.raises(LedgerForked, match="it holds 6 entries, and 7 were signed"):
        begin(torn)
