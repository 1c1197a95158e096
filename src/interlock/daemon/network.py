"""The network of contained runs: which hosts each may reach, and what each tried, as entries of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from interlock.broker import records
from interlock.containment.egress.allow import Allow
from interlock.containment.egress.attempts import Attempt
from interlock.containment.egress.service import Egress
from interlock.containment.plan import Plan
from interlock.containment.sight import Place

log = structlog.get_logger()

OBSERVED = "observed"
_NAMED = 50  # refused hosts of one run that are named
# A run without a network still has somebody who hears which names it asks for; nothing is ever answered.
_HEARD = ("53/udp", "53/tcp")


class Tried(msgspec.Struct, frozen=True):
    """What a run tried: how often, and the hosts that it was refused."""

    attempts: int = 0
    refused: tuple[str, ...] = ()
    sent: int = 0
    received: int = 0

    def body(self) -> dict[str, Any]:
        """As an entry holds it."""
        facts: dict[str, Any] = {"attempts": self.attempts, "sent": self.sent, "received": self.received}
        return facts | ({"refused": [records.short(host) for host in self.refused]} if self.refused else {})


class Network:
    """The egress of all runs of one daemon. `note` writes an entry without waiting."""

    def __init__(self, path: Path, note: Callable[[str, dict[str, Any]], None], *, possible: bool) -> None:
        """`possible` says whether what contains here can hand listeners out; if not, no run has a network."""
        self._note = note
        self._possible = possible
        self._refused: dict[str, list[str]] = {}
        self._egress = Egress(path, self._seen, lambda text: log.warning("egress", problem=text))

    async def start(self) -> None:
        """Begin to take the listeners of runs. Raises StateError."""
        await self._egress.start()

    async def stop(self) -> None:
        """End every run's network."""
        await self._egress.stop()

    def of(self, plan: Plan, hosts: tuple[str, ...]) -> Plan:
        """The plan with its network: these hosts where its profile has one, else nobody. Raises ConfigError."""
        if not self._possible:
            return msgspec.structs.replace(plan, listeners=(), egress="")
        allow = Allow(hosts if plan.listeners else ())
        self._egress.expect(plan.id, allow)
        self._refused[plan.id] = []
        return msgspec.structs.replace(plan, listeners=allow.listeners() or _HEARD, egress=str(self._egress.path))

    async def finish(self, run: str, places: tuple[Place, ...] = ()) -> Tried:
        """The run is over. `places` are addresses that it called by number: no listener heard of them."""
        if not self._possible:
            return Tried()
        found = await self._egress.finish(run)
        called = [place for place in places if not place.asked]
        for place in called:
            self._seen(_bare(run, place))
        refused = tuple(dict.fromkeys(self._refused.pop(run, [])))
        attempts = found.allowed + found.refused + sum(place.times for place in called)
        return Tried(attempts, refused, found.sent, found.received)

    def _seen(self, attempt: Attempt) -> None:
        if not attempt.allowed and len(self._refused.get(attempt.run, ())) < _NAMED:
            self._refused.setdefault(attempt.run, []).append(attempt.name or attempt.address)
        body = {name: value for name, value in msgspec.to_builtins(attempt).items() if value not in ("", 0)}
        self._note(OBSERVED, body | {"name": records.short(attempt.name), "allowed": attempt.allowed})


def _bare(run: str, place: Place) -> Attempt:
    """A call that no route led anywhere, as an attempt like the others."""
    address, _, port = place.name.rpartition(":")
    number = int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 0
    why = "there is no route: inside, hosts are reached by name alone"
    return Attempt(run=run, name="", address=records.short(address or place.name), port=number, allowed=False, why=why)
