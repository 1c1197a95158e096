"""The ledger as the broker sees it: awaitable, stamped with the daemon's clock."""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.broker.clock import Clock
from interlock.ledger.store import Ledger, settled

_SETTLE_SECONDS = 5.0


class LedgerRecorder:
    """Implements `broker.Recorder` on a `Ledger`."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._acknowledged = 0  # entries that somebody was told of

    async def record(self, kind: str, body: dict[str, Any], *, durable: bool = True) -> int:
        """One entry; returns its index once acknowledged. Raises LedgerUnavailable."""
        index = await settled(self._ledger.submit(kind, body, time=self._clock.stamp(), durable=durable))
        self._acknowledged = max(self._acknowledged, index + 1)
        return index

    async def settle(self) -> None:
        """Wait until what was acknowledged early (the relaxed class) can be read: a person reads their own writes."""
        deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
        while self._ledger.size < self._acknowledged and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.001)
