"""A full disk and a torn write are answered, not suffered: each write and each sync of the database fails in turn."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import apsw
import pytest

from interlock.ledger.note import Signer
from interlock.ledger.store import Ledger
from interlock.ledger.verify import verify
from interlock.ledger.writer import NewEntry, State, TreeStore
from interlock.model.errors import LedgerUnavailable

from .faulty import Disk, Fault, faulty_disk
from .logs import OTHER, ROOT, TIME, add, begin, bodies

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def disk() -> Iterator[Disk]:
    logging.getLogger("apsw").setLevel(logging.CRITICAL)
    with faulty_disk() as made:
        yield made


def submit(ledger: Ledger, count: int, start: int) -> list[Future[int]]:
    return [ledger.submit("intent", {"n": number}, time=TIME) for number in range(start, start + count)]


def settle(futures: list[Future[int]], start: int) -> dict[int, int]:
    """Which n was acknowledged at which index; the others were refused in the ledger's own words."""
    known = {}
    for number, future in enumerate(futures, start):
        error = future.exception(timeout=30)
        if error is None:
            known[future.result()] = number
        else:
            assert isinstance(error, LedgerUnavailable)
            assert "disk is full" in str(error) or "cannot be" in str(error)
    return known


def assert_kept(ledger: Ledger, acknowledged: dict[int, int]) -> None:
    """Every acknowledged entry stands where its future said."""
    for index, number in acknowledged.items():
        stored = ledger.entry(index).entry()
        assert (stored.kind, stored.body["n"]) == ("intent", number)


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.SHORT, Fault.ERROR, Fault.TORN])
def test_each_write_of_a_group_fails_once(tmp_path: Path, disk: Disk, fault: Fault) -> None:
    _strike_everywhere(tmp_path, disk, fault, sticky=False)


@pytest.mark.parametrize("fault", [Fault.SYNC_LOST, Fault.SYNC_DONE])
def test_each_sync_of_a_group_fails_once(tmp_path: Path, disk: Disk, fault: Fault) -> None:
    _strike_everywhere(tmp_path, disk, fault, sticky=False)


@pytest.mark.parametrize("fault", list(Fault))
def test_the_disk_goes_on_failing_until_it_is_healed(tmp_path: Path, disk: Disk, fault: Fault) -> None:
    _strike_everywhere(tmp_path, disk, fault, sticky=True)


def _strike_everywhere(tmp_path: Path, disk: Disk, fault: Fault, *, sticky: bool) -> None:
    directory = tmp_path / "ledger"
    acknowledged: dict[int, int] = {}
    number, after, struck = 0, 0, 0
    with begin(directory, vfs="faulty") as ledger:
        while after < 40:
            disk.arm(fault, after, sticky=sticky)
            futures = submit(ledger, 5, number)
            acknowledged |= settle(futures, number)
            number += 5
            fired = disk.fired
            disk.heal()
            struck += bool(fired)
            acknowledged[add(ledger, n=number)] = number
            number += 1
            assert_kept(ledger, acknowledged)
            if not fired:
                break
            after += 1
        assert struck >= 1, "the fault never struck: this test would prove nothing"
        size, note = ledger.size, ledger.checkpoint()
    report = verify(directory)
    assert report.size == size
    with begin(directory) as again:
        assert again.checkpoint() == note
        assert_kept(again, acknowledged)


def test_a_refused_entry_is_refused_with_a_sentence_and_the_ledger_recovers(tmp_path: Path, disk: Disk) -> None:
    with begin(tmp_path / "ledger", vfs="faulty") as ledger:
        disk.arm(Fault.FULL, 0, sticky=True)
        with pytest.raises(LedgerUnavailable, match="disk is full"):
            add(ledger, n=1)
        assert not ledger.healthy
        with pytest.raises(LedgerUnavailable, match="disk"):
            add(ledger, n=2)
        assert ledger.size == 1, "memory never runs ahead of the disk"
        assert ledger.checkpoint().split("\n")[1] == "1"
        disk.heal()
        assert add(ledger, n=3) == 1
        assert ledger.healthy
        assert ledger.faults.groups >= 1


def test_a_relaxed_entry_keeps_its_promised_index_through_an_error(tmp_path: Path, disk: Disk) -> None:
    directory = tmp_path / "ledger"
    with begin(directory, vfs="faulty") as ledger:
        disk.arm(Fault.FULL, 0, sticky=True)
        refused = ledger.submit("intent", {"n": "refused"}, time=TIME)
        promised = [ledger.submit("outcome", {"n": n}, time=TIME, durable=False) for n in range(3)]
        with pytest.raises(LedgerUnavailable):
            refused.result(timeout=30)
        kept = {future.result(): n for n, future in enumerate(promised) if future.exception() is None}
        disk.heal()
        last = add(ledger, n="last")
        for index, n in kept.items():
            assert ledger.entry(index).entry().body == {"n": n}
        assert ledger.entry(last).entry().body == {"n": "last"}
        assert {"n": "refused"} not in bodies(ledger)


class Unsure:
    """A store whose write reaches the disk and reports an error all the same, and which may not open for a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, closed_for: int) -> None:
        self.armed, self.closed_for = True, closed_for
        write, reopen = TreeStore.write, TreeStore.open.__func__

        def failing_write(store: TreeStore, group: Sequence[NewEntry], signer: Signer) -> State:
            state = write(store, group, signer)
            if self.armed:
                self.armed = False
                raise apsw.IOError("said so after the commit")
            return state

        def failing_open(cls: type[TreeStore], *args: Any, **options: Any) -> TreeStore:
            if not self.armed and self.closed_for:
                self.closed_for -= 1
                raise LedgerUnavailable("the disk cannot be opened")
            return reopen(cls, *args, **options)

        monkeypatch.setattr(TreeStore, "write", failing_write)
        monkeypatch.setattr(TreeStore, "open", classmethod(failing_open))


def test_a_write_that_failed_and_is_there_all_the_same_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin(tmp_path / "ledger") as ledger:
        Unsure(monkeypatch, closed_for=0)
        assert add(ledger, n=1) == 1
        assert add(ledger, n=2) == 2
        assert bodies(ledger, ["intent"]) == [{"n": 1}, {"n": 2}]
        assert ledger.faults.groups == 1


def test_a_group_found_on_the_disk_after_it_was_refused_is_said_to_be_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "ledger"
    with begin(directory) as ledger:
        Unsure(monkeypatch, closed_for=2)
        with pytest.raises(LedgerUnavailable):
            add(ledger, n="refused, but there")
        with pytest.raises(LedgerUnavailable):
            add(ledger, n="refused")
        assert add(ledger, n="next") == 2
        add(ledger, n="flush")
        assert bodies(ledger, ["log.late"]) == [
            {"count": 1, "first": 1, "why": "refused, and found on the disk after all"}
        ]
        assert {"n": "refused"} not in bodies(ledger)
    assert 1 not in verify(directory).open_intents, "what was refused has released nothing"


def test_relaxed_entries_of_a_late_group_are_not_written_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with begin(tmp_path / "ledger") as ledger:
        Unsure(monkeypatch, closed_for=1)
        promised = ledger.submit("outcome", {"n": "relaxed"}, time=TIME, durable=False).result()
        refusals = 0
        while not refusals:  # until an entry falls into the time between the failed write and the next attempt
            future = ledger.submit("intent", {"n": "probe"}, time=TIME)
            refusals += future.exception(timeout=30) is not None
        add(ledger, n="after")
        assert ledger.entry(promised).entry().body == {"n": "relaxed"}
        assert bodies(ledger, ["outcome"]) == [{"n": "relaxed"}]


def test_a_change_of_key_that_fails_leaves_the_old_key_in_force(tmp_path: Path, disk: Disk) -> None:
    directory = tmp_path / "ledger"
    with begin(directory, vfs="faulty") as ledger:
        disk.arm(Fault.FULL, 0, sticky=True)
        with pytest.raises(LedgerUnavailable):
            ledger.rotate(OTHER, ROOT, time=TIME)
        disk.heal()
        add(ledger, n=1)
        assert str(ledger.keys.current).startswith("interlock.test/log")
        assert ledger.keys.current.public != OTHER.public
        ledger.rotate(OTHER, ROOT, time=TIME)
        add(ledger, n=2)
    assert len(verify(directory).signing_keys) == 2


def test_relaxed_entries_that_cannot_be_written_at_the_end_are_not_hidden(tmp_path: Path, disk: Disk) -> None:
    ledger = begin(tmp_path / "ledger", vfs="faulty")
    disk.arm(Fault.ERROR, 0, sticky=True)
    ledger.submit("outcome", {"n": 1}, time=TIME, durable=False).result()
    with pytest.raises(LedgerUnavailable, match="1 acknowledged"):
        ledger.close()
    disk.heal()


def test_a_signer_that_fails_stops_the_ledger_and_answers_everybody(tmp_path: Path) -> None:
    class Broken:
        name, public = OTHER.name, OTHER.public

        def sign(self, message: bytes) -> bytes:
            return b""

    ledger = begin(tmp_path / "ledger")
    with pytest.raises(LedgerUnavailable, match="writer has stopped"):
        ledger.rotate(Broken(), ROOT, time=TIME)
    with pytest.raises(LedgerUnavailable, match="writer has stopped"):
        add(ledger, n=1)
    with pytest.raises(LedgerUnavailable, match="writer has stopped"):
        ledger.close()
    with begin(tmp_path / "ledger") as again:
        assert add(again, n=1) == 1
