"""An order to halt, as data: what is meant, how it is stopped, from when to when, and who may lift it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from interlock.halt.calendar import Window
from interlock.model.effect import Environment, Kind, Verb
from interlock.model.errors import SelectorError
from interlock.model.provenance import covers
from interlock.model.selector import And, Comparison, Match, Selector, glob, one_session, parse

_CLOSED = {
    "environment": {one.value for one in Environment},
    "verb": {one.value for one in Verb},
    "kind": {one.value for one in Kind},
}


class What(StrEnum):
    """How an order stops what it is about."""

    FREEZE = "freeze"  # nothing of it may be changed
    PAUSE = "pause"  # sessions do nothing at all until they are resumed
    KILL = "kill"  # sessions are ended, with what they started


class Order(msgspec.Struct, frozen=True):
    """One order. `id` is the index of its entry; -1 for a freeze that stands in a file. Times are seconds since 1970.

    `start` is in it, `end` is not; without them it has always been, and lasts until somebody lifts it.
    """

    id: int
    what: What
    where: Selector
    reason: str
    allow: Selector | None = None
    start: float | None = None
    end: float | None = None
    lifters: int = 1  # how many people it takes to lift it
    by: str = ""
    epoch: int = 0
    source: str = ""  # the file that it stands in; empty where a person gave it
    votes: tuple[str, ...] = ()  # who wants it lifted
    windows: tuple[Window, ...] = ()  # of a calendar: it is in force in these alone
    calendar: str = ""  # the calendar's file

    def active(self, now: float) -> bool:
        """Whether it is in force at `now`."""
        within = (self.start is None or self.start <= now) and (self.end is None or now < self.end)
        return within and (not self.windows or any(window.covers(now) for window in self.windows))

    def over(self, now: float) -> bool:
        """Whether its time has passed."""
        return self.end is not None and now >= self.end

    @property
    def session(self) -> str:
        """The one session that it can be about, where it names one; "" for every other."""
        return self._only("session")

    @property
    def agent(self) -> str:
        """The one agent that it can be about, in the same way."""
        return self._only("agent")

    def _only(self, field: str) -> str:
        node = self.where.node
        for part in node.parts if isinstance(node, And) else (node,):
            if isinstance(part, Comparison) and part.field == field and not part.like and len(part.values) == 1:
                return part.values[0]
        return ""

    @property
    def code(self) -> str:
        """What a person types to lift it where that takes more than a word: eight hex digits of what it says."""
        said = "\0".join(
            (str(self.id), self.what, str(self.where), str(self.allow or ""), self.reason, str(self.epoch))
        )
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:8]

    def body(self) -> dict[str, Any]:
        """As an entry holds it."""
        kept: dict[str, Any] = {
            "what": self.what.value,
            "where": str(self.where),
            "reason": self.reason,
            "lifters": self.lifters,
            "by": self.by,
            "epoch": self.epoch,
        }
        if self.allow is not None:
            kept["allow"] = str(self.allow)
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment is not None:
                kept[name] = int(moment)  # entries hold no fractions
        if self.source:
            kept["source"] = self.source
        return kept


def order_of(index: int, body: Mapping[str, Any]) -> Order:
    """The order in an entry. Raises SelectorError, KeyError, ValueError, TypeError for what is none."""
    start, end = body.get("start"), body.get("end")
    return Order(
        id=index,
        what=What(body["what"]),
        where=parse(body["where"]),
        reason=str(body.get("reason", "")),
        allow=parse(body["allow"]) if body.get("allow") else None,
        start=None if start is None else float(start),
        end=None if end is None else float(end),
        lifters=int(body.get("lifters", 1)),
        by=str(body.get("by", "")),
        epoch=int(body["epoch"]),
        source=str(body.get("source", "")),
    )


def statement(log: str, order: Order) -> bytes:
    """What another person signs who wants an order of this log lifted, as it stands now."""
    return f"interlock/halt-lift/v1\n{log}\n{order.id}\n{order.code}\n".encode()


def of_session(agent: str, session: str) -> Selector:
    """What an order about one session of one agent is about: another agent may have a session of the same name."""
    return Selector(one_session(agent, session))


def selector(text: str) -> Selector:
    """Read a selector that a person wrote, and check the words whose number is closed. Raises SelectorError."""
    found = parse(text)
    for test in found.tests():
        known = _CLOSED.get(test.field)
        if known is None:
            continue
        for value in test.values:
            if not any(glob(value, word) if test.like else value == word for word in known):
                raise SelectorError(
                    f"there is no {test.field} {value!r}, so nothing would ever match. It is one of: "
                    f"{', '.join(sorted(known))}."
                )
    return found


def names_production(where: Selector) -> bool:
    """Whether it speaks of environments, and production may be one of those meant."""
    if not any(test.field == "environment" for test in where.tests()):
        return False
    production = frozenset({Environment.PRODUCTION.value})
    return covers(where, None, lambda field: production if field == "environment" else None) is not Match.NO
