"""The index behind the panel's screens: built from the ledger when somebody first looks, and kept up from then on.

It is a projection and kept in memory alone. The same pass recomputes every leaf of the Merkle tree, so that a page can
say up to where the ledger was found to be what its checkpoint signs.
"""

from __future__ import annotations

import asyncio
import json
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.broker.clock import Clock, stamp
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.ledger.merkle import Frontier, leaf_hash
from interlock.ledger.note import open_checkpoint
from interlock.ledger.store import Ledger
from interlock.model.errors import InterlockError, NotFound
from interlock.watch.history import History, overview

_STEP = 200  # entries at a time, some milliseconds; between two steps the daemon's other work has its turn
_PATIENCE = 0.1  # seconds that a page waits for the index; beyond that it shows what is there, and says so
_PAGE = 100  # entries or sessions in one answer


class Verified(msgspec.Struct):
    """Up to where the entries are what a checkpoint signs; `problem` where they are not."""

    size: int = 0
    root: str = ""
    at: str = ""
    problem: str = ""


class HistoryDesk:
    """Reads, and changes nothing."""

    def __init__(self, ledger: Ledger, recorder: LedgerRecorder, clock: Clock, owner: str) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._clock = clock
        self._owner = owner
        self._history = History()
        self._frontier = Frontier()
        self._verified = Verified()
        self._building: asyncio.Task[None] | None = None

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {
            "history.sessions": self._sessions,
            "history.session": self._session,
            "history.entries": self._page,
            "history.insights": self._insights,
            "history.verified": self._state,
        }

    async def _sessions(self, params: dict[str, Any], peer: Peer) -> Any:
        """Sessions with an entry since a moment, the last ones first, a page at a time."""
        del peer
        read = await self._up_to_date()
        found = self._history.recent(float(integer(params, "since", 0)))
        start = max(0, integer(params, "start", 0))
        page = [line.facts() for line in found[start : start + _PAGE]]
        return {
            "sessions": page,
            "total": len(found),
            "next": start + _PAGE if start + _PAGE < len(found) else -1,
            **read,
        }

    async def _session(self, params: dict[str, Any], peer: Peer) -> Any:
        """One session, and a page of its entries before an entry, the last ones first."""
        del peer
        read = await self._up_to_date()
        line = self._history.sessions.get((text(params, "agent"), text(params, "session")))
        if line is None:
            raise NotFound("no entry of the ledger is about that session.")
        before, since = integer(params, "before", 1 << 32), integer(params, "since", 0)
        stop = bisect_left(line.entries, min(before, 0xFFFF_FFFF))
        numbers = list(reversed(line.entries[max(0, stop - _PAGE) : stop]))
        entries = await asyncio.to_thread(self._entries, numbers, float(since))
        more = numbers[-1] if stop > _PAGE and len(entries) == _PAGE else -1
        return {"line": line.facts(), "entries": entries, "before": more, **read}

    async def _page(self, params: dict[str, Any], peer: Peer) -> Any:
        """A page of the ledger before an entry, the last ones first: all of it, or one kind."""
        del peer
        read = await self._up_to_date()
        before, kind = integer(params, "before", 1 << 32), text(params, "kind", "")
        if kind:
            every = self._history.kinds.get(kind, array("I"))
            stop = bisect_left(every, min(before, 0xFFFF_FFFF))
            numbers = list(reversed(every[max(0, stop - _PAGE) : stop]))
        else:
            stop = min(before, self._ledger.size)
            numbers = list(range(stop - 1, max(-1, stop - 1 - _PAGE), -1))
        entries = await asyncio.to_thread(self._entries, numbers, float(integer(params, "since", 0)))
        more = numbers[-1] if len(entries) == _PAGE and numbers[-1] > 0 else -1
        kinds = {name: len(numbers) for name, numbers in sorted(self._history.kinds.items())}
        return {"entries": entries, "before": more, "kinds": kinds, "size": self._ledger.size, **read}

    async def _insights(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        read = await self._up_to_date()
        since, now = float(integer(params, "since", 0)), self._clock.now()
        return {**overview(self._history, since=since, now=now, owner=self._owner), **read}

    async def _state(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        read = await self._up_to_date()
        return {**msgspec.to_builtins(self._verified), **read, "checkpoint": self._ledger.checkpoint()}

    def _entries(self, numbers: list[int], since: float) -> list[dict[str, Any]]:
        found = [{"index": number, **json.loads(self._ledger.entry(number).raw)} for number in numbers]
        first = stamp(since) if since else ""
        return [entry for entry in found if entry["time"] >= first]

    async def _up_to_date(self) -> dict[str, int]:
        """How far the index is, after waiting a little for it to be as long as the ledger."""
        await self._recorder.settle()
        if self._building is None or self._building.done():
            self._building = asyncio.get_running_loop().create_task(self._build())
        await asyncio.wait({self._building}, timeout=_PATIENCE)
        return {"read": self._history.size, "of": self._ledger.size}

    async def _build(self) -> None:
        while self._history.size < self._ledger.size:
            start, began = self._history.size, asyncio.get_running_loop().time()
            await asyncio.to_thread(self._take, start, min(start + _STEP, self._ledger.size))
            # As long as the step took: while it reads a long ledger, an agent's call still finds the interpreter free.
            await asyncio.sleep(asyncio.get_running_loop().time() - began)
        self._check()

    def _take(self, start: int, stop: int) -> None:
        for stored in self._ledger.entries(start, stop):
            self._frontier.append(leaf_hash(stored.raw))
            self._history.take(stored.index, stored.kind, stored.raw)

    def _check(self) -> None:
        """Compare with the checkpoint, where it is of just this size."""
        try:
            signed = open_checkpoint(self._ledger.checkpoint(), self._ledger.keys.current)
        except InterlockError as error:
            self._verified.problem = str(error)
            return
        if signed.size != self._frontier.size:
            return  # it grew meanwhile: the next look compares
        root = self._frontier.root()
        if root != signed.root:
            self._verified.problem = f"the entries up to {signed.size} are not what the checkpoint signs."
            return
        self._verified = Verified(signed.size, root.hex(), self._clock.stamp())
