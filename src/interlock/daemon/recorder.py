"""The ledger as the broker sees it: awaitable, stamped with the daemon's clock."""

from __future__ import annotations

from typing import Any

from interlock.broker.clock import Clock
from interlock.ledger.store import Ledger, settled


class LedgerRecorder:
    """Implements `broker.Recorder` on a `Ledger`."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def record(self, kind: str, body: dict[str, Any], *, durable: bool = True) -> int:
        """One entry; returns its index once acknowledged. Raises LedgerUnavailable."""
        future = self._ledger.submit(kind, body, time=self._clock.stamp(), durable=durable)
        return await settled(future)
