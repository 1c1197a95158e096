"""What is noted goes in front of the next entry, and is not lost when the disk refuses it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, cast

import pytest

from interlock.broker.clock import Clock
from interlock.daemon.recorder import LedgerRecorder
from interlock.ledger.store import Ledger
from interlock.model.errors import LedgerUnavailable


class Disk:
    """A ledger that can be told to refuse."""

    def __init__(self) -> None:
        self.full = False
        self.kinds: list[str] = []

    @property
    def size(self) -> int:
        return len(self.kinds)

    def submit(self, kind: str, body: Mapping[str, Any], *, time: str, durable: bool = True) -> Future[int]:
        del body, time, durable
        future: Future[int] = Future()
        if self.full:
            future.set_exception(LedgerUnavailable("the disk is full"))
        else:
            self.kinds.append(kind)
            future.set_result(len(self.kinds) - 1)
        return future


def test_a_note_goes_in_front_and_survives_a_full_disk() -> None:
    """Story: the rules changed while the disk was full, and the ledger never said so."""

    async def story() -> None:
        disk = Disk()
        recorder = LedgerRecorder(cast(Ledger, disk), Clock())
        recorder.note("policy.loaded", {})
        recorder.note("policy.refused", {})
        disk.full = True
        with pytest.raises(LedgerUnavailable):
            await recorder.record("intent", {})
        with pytest.raises(LedgerUnavailable):
            await recorder.flush()
        disk.full = False
        await recorder.record("intent", {})
        assert disk.kinds == ["policy.loaded", "policy.refused", "intent"]
        recorder.note("policy.loaded", {})
        await recorder.flush()
        await recorder.flush()
        assert disk.kinds[3:] == ["policy.loaded"]

    asyncio.run(story())
