"""What people keep saying yes to, each with the grant that would say it for them and what else that would let pass."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from interlock.broker.broker import Broker
from interlock.broker.clock import Clock
from interlock.daemon.desk import Method
from interlock.daemon.grants import GrantsDesk
from interlock.daemon.rules import RuleBook
from interlock.daemon.server import Peer
from interlock.ledger.store import Ledger
from interlock.model.errors import InterlockError
from interlock.model.grant import Pattern
from interlock.watch.seen import Seen, seen
from interlock.watch.suggestions import KINDS, Suggestion, suggestions

_SHOWN = 12
_WOULD = 5  # earlier questions that are shown of each
_SECONDS = 3_600.0  # after which yeses that became too old are left out, though nobody decided anything since


class SuggestionsDesk:
    """Reads, and gives nothing."""

    def __init__(self, broker: Broker, ledger: Ledger, rules: RuleBook, clock: Clock, grants: GrantsDesk) -> None:
        self._broker = broker
        self._ledger = ledger
        self._rules = rules
        self._clock = clock
        self._grants = grants
        self._found: list[Suggestion] = []
        self._of: tuple[Any, ...] = ()  # what they were found for,
        self._read = 0  # and from how many entries
        self._one = asyncio.Lock()

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"suggestions": self._list}

    async def _list(self, params: dict[str, Any], peer: Peer) -> Any:
        del params
        live = [grant for grant in self._broker.grants.all(self._rules.digest) if grant["standing"] == "live"]
        held = [tuple(msgspec.convert(one, Pattern) for one in grant["patterns"]) for grant in live]
        async with self._one:
            found = await asyncio.to_thread(self._suggested, held)
        return [{**msgspec.to_builtins(one._asdict()), **await self._replayed(one, peer)} for one in found]

    def _suggested(self, held: list[tuple[Pattern, ...]]) -> list[Suggestion]:
        """Found anew when somebody was asked, or decided, or gave or ended a grant: it takes every answer there is."""
        now, size = self._clock.now(), self._ledger.size
        of = (held, now // _SECONDS)
        if of != self._of or any(self._ledger.entries(self._read, size, KINDS)):
            self._found = suggestions(self._seen(), now=now, covered=held)[:_SHOWN]
        self._of, self._read = of, size
        return self._found

    async def _replayed(self, one: Suggestion, peer: Peer) -> dict[str, Any]:
        """What the grant would have let pass, where it can be drafted."""
        names = {pattern.name for pattern in one.patterns}
        params = {"request": one.requests[-1], **({"name": names.pop()} if len(names) == 1 else {})}
        shown: dict[str, Any] = {"draft": params, "would": [], "would_total": 0, "fingerprint": "", "problem": ""}
        try:
            draft = await self._grants.methods()["grant.draft"]({**params, "shown": _WOULD}, peer)
        except InterlockError as error:
            return {**shown, "problem": str(error)}
        return {**shown, **{name: draft[name] for name in ("would", "would_total", "fingerprint")}}

    def _seen(self) -> Iterator[Seen]:
        return seen({"index": one.index, **json.loads(one.raw)} for one in self._ledger.entries(kinds=list(KINDS)))
