"""What a person asks about the ledger: its entries, with their proofs, and its newest checkpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from interlock.daemon.desk import Method
from interlock.daemon.params import integer, texts
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.ledger.store import Ledger
from interlock.model.errors import NotFound

_PAGE = 1_000  # entries in one answer
_PAGE_BYTES = 1 << 20  # and their bytes: an entry may have 16 KiB


class RecordsDesk:
    """Reads, and changes nothing."""

    def __init__(self, ledger: Ledger, recorder: LedgerRecorder) -> None:
        self._ledger = ledger
        self._recorder = recorder

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"log": self._log, "entry": self._entry, "checkpoint": self._checkpoint}

    async def _log(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._recorder.settle()
        kinds = texts(params, "kinds")
        start = integer(params, "start", 0)
        if "tail" in params:
            start = max(0, self._ledger.size - max(0, integer(params, "tail")))
        # Beside the loop: a person who reads the whole ledger must not slow down an agent's call.
        return await asyncio.to_thread(_page, self._ledger, start, kinds)

    async def _entry(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._recorder.settle()
        index = integer(params, "id")
        if not 0 <= index < self._ledger.size:
            raise NotFound(f"the ledger has no entry {index}; it has {self._ledger.size}. `interlock log` lists them.")
        stored = self._ledger.entry(index)
        found = {"index": index, **json.loads(stored.raw), "proof": self._ledger.proof(index)}
        return found | {"raw": stored.raw.decode()} if params.get("raw") is True else found

    async def _checkpoint(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        return {"checkpoint": self._ledger.checkpoint()}


def _page(ledger: Ledger, start: int, kinds: list[str]) -> bytes:
    """Entries from `start` on, as many as fit one answer. Each goes out as the bytes that stand in the ledger."""
    size = ledger.size
    parts: list[bytes] = []
    following, room = size, _PAGE_BYTES
    for stored in ledger.entries(start=start, stop=size, kinds=kinds or None):
        if len(parts) >= _PAGE or room <= 0:
            following = stored.index
            break
        parts.append(b'{"index":%d,' % stored.index + stored.raw.removeprefix(b"{"))
        room -= len(stored.raw)
    return b'{"entries":[' + b",".join(parts) + b'],"next":%d}' % following
