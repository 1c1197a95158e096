"""What an offline verifier says of people's yeses, from the entries alone."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from approvals.circle import Desk
from interlock.ledger.verify import verify
from interlock.model.errors import LedgerPolicyFailed
from ledger.logs import add, begin

Entries = list[tuple[str, dict[str, Any], str]]


def lived() -> Entries:
    """An honest life: asked, approved, ticketed, used, released, done; and a second one that was denied."""

    async def live() -> Entries:
        desk = Desk()
        one = await desk.queue.ask(desk.draft("d1"))
        await desk.approve(one)
        await desk.use("d1")
        await desk.book.record("intent", {"approval": one.id})
        await desk.queue.finish(one.id, ok=True)
        two = await desk.queue.ask(desk.draft("d2"))
        await desk.approve(two)
        await desk.queue.deny(two.id, "owner", because="no")
        return [(kind, body, "1970-01-12T13:46:40.000000Z") for kind, body in desk.book.entries]

    return asyncio.run(live())


def written(tmp_path: Path, entries: Entries) -> Path:
    """The entries in a real ledger, with their numbers as they come to be there."""
    with begin(tmp_path / "ledger") as ledger:
        shift = ledger.size
        for kind, body, time in entries:
            moved = copy.deepcopy(body)
            for name in ("request", "approval"):
                if name in moved:
                    moved[name] += shift
            ledger.submit(kind, moved, time=time).result(timeout=30)
    return tmp_path / "ledger"


def test_an_honest_life_is_sound(tmp_path: Path) -> None:
    assert verify(written(tmp_path, lived())).counts["approval.use"] == 1


def at(entries: Entries, kind: str) -> int:
    return next(i for i, (found, _, _) in enumerate(entries) if found == kind)


def twice(entries: Entries) -> Entries:
    return [*entries, entries[at(entries, "intent")]]


def without_its_use(entries: Entries) -> Entries:
    entries[at(entries, "approval.use")] = ("note", {"n": 1}, entries[0][2])
    return entries


def late(entries: Entries) -> Entries:
    place = at(entries, "approval.use")
    entries[place] = (*entries[place][:2], "1970-01-12T14:46:40.000000Z")
    return entries


def late_yes(entries: Entries) -> Entries:
    place = at(entries, "approval.decision")
    entries[place] = (*entries[place][:2], "1970-01-12T14:46:40.000000Z")
    return entries


def another_action(entries: Entries) -> Entries:
    entries[at(entries, "approval.use")][1]["digest"] = "d9"
    return entries


def another_ticket(entries: Entries) -> Entries:
    entries[at(entries, "approval.use")][1]["ticket"] = "0" * 32
    return entries


def after_a_no(entries: Entries) -> Entries:
    kind, body, time = copy.deepcopy(entries[at(entries, "approval.ticket")])
    body["request"] = max(body["request"] for _, body, _ in entries if "request" in body)
    body["digest"] = "d2"
    return [*entries, (kind, body, time)]


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        (twice, "both released"),
        (without_its_use, "no yes to that was used"),
        (late, "after its time"),
        (late_yes, "came after its time"),
        (another_action, "another action"),
        (another_ticket, "without its ticket"),
        (after_a_no, "after it was denied"),
    ],
)
def test_a_daemon_that_let_pass_what_no_yes_was_for_is_found(
    tmp_path: Path, forge: Callable[[Entries], Entries], words: str
) -> None:
    with pytest.raises(LedgerPolicyFailed, match=words):
        verify(written(tmp_path, forge(lived())))


def test_what_a_disk_refused_and_held_after_all_is_no_fault_of_the_daemons(tmp_path: Path) -> None:
    entries = lived()
    place = at(entries, "approval.ticket")
    entries.insert(place, entries[place])  # the entry that was refused stands before the one that was written again
    directory = written(tmp_path / "a", [(k, _later(b, place), t) for k, b, t in entries])
    with pytest.raises(LedgerPolicyFailed):
        verify(directory)
    directory = written(tmp_path / "b", [(k, _later(b, place), t) for k, b, t in entries])
    with begin(directory) as ledger:
        add(ledger, "log.late", first=1 + place, count=1, why="refused, and found on the disk after all")
    verify(directory)


def _later(body: dict[str, Any], place: int) -> dict[str, Any]:
    """The body with the numbers of entries after `place` moved by one."""
    moved = copy.deepcopy(body)
    for name in ("request", "approval"):
        if moved.get(name, -1) >= place:
            moved[name] += 1
    return moved
