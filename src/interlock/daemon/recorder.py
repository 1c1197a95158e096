"""The ledger as the broker sees it: awaitable, stamped with the daemon's clock."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from interlock.broker.clock import Clock
from interlock.ledger.store import Ledger, settled
from interlock.model.errors import LedgerUnavailable

_SETTLE_SECONDS = 5.0
_NOTED = 1_000  # while the disk refuses, the oldest notes beyond these are forgotten


class LedgerRecorder:
    """Implements `broker.Recorder` on a `Ledger`."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._acknowledged = 0  # entries that somebody was told of
        self.heard: Callable[[str], None] | None = None  # told of the kind of each entry that was made
        self._noted: deque[tuple[str, dict[str, Any]]] = deque(maxlen=_NOTED)

    def note(self, kind: str, body: dict[str, Any]) -> None:
        """An entry that goes in front of the next one: rules come into force before the decision under them."""
        self._noted.append((kind, body))

    async def flush(self) -> None:
        """Record what was noted, when nothing else comes."""
        if self._noted:
            kind, body = self._noted.pop()
            try:
                await self.record(kind, body)
            except LedgerUnavailable:
                self._noted.append((kind, body))
                raise

    async def record(self, kind: str, body: dict[str, Any], *, durable: bool = True) -> int:
        """One entry; returns its index once acknowledged. Raises LedgerUnavailable."""
        while self._noted:
            noted, facts = self._noted[0]
            early = self._ledger.submit(noted, facts, time=self._clock.stamp(), durable=False)
            if early.done() and early.exception() is not None:
                break  # the disk refuses: it stays noted until there is space
            self._noted.popleft()
        index = await settled(self._ledger.submit(kind, body, time=self._clock.stamp(), durable=durable))
        self._acknowledged = max(self._acknowledged, index + 1)
        if self.heard is not None:
            self.heard(kind)
        return index

    def last_stamp(self) -> str | None:
        """When the newest entry was written (RFC 3339); None in an empty ledger."""
        if not self._ledger.size:
            return None
        return str(json.loads(self._ledger.entry(self._ledger.size - 1).raw)["time"])

    async def settle(self) -> None:
        """Wait until what was acknowledged early (the relaxed class) can be read: a person reads their own writes."""
        deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
        while self._ledger.size < self._acknowledged and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.001)
