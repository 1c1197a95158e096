"""Freeze and kill: what is in force, how far an order would reach, giving it, and lifting it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.model.errors import AgentError, InterlockError, Refused, UsageError
from interlock.model.selector import EVERYTHING
from interlock.panel.acts import by_hand, too_quick
from interlock.panel.carried import address, typed
from interlock.panel.screen import Act, Screen, Visit

_HOURS = {"1": 1, "4": 4, "24": 24, "168": 168}
_ORDERS = ("freeze", "pause", "kill")
READY = (
    ("Production", 'environment = "production"'),
    ("Databases", 'kind = "database" or kind = "table"'),
    ("Everything", EVERYTHING),
)


class Order(msgspec.Struct, frozen=True):
    """One order."""

    id: int
    what: str
    where: str
    allow: str
    reason: str
    by: str
    active: bool
    start: str
    end: str
    lifters: int
    votes: tuple[str, ...]
    code: str
    certified: bool


class Reach(msgspec.Struct, frozen=True):
    """How far an order would reach now."""

    what: str
    where: str
    everything: bool
    sessions: tuple[str, ...]
    unsure: int
    unknown: tuple[str, ...]


class View(msgspec.Struct, frozen=True):
    """The page."""

    orders: tuple[Order, ...]
    ready: tuple[tuple[str, str], ...]
    what: str
    where: str
    reach: Reach | None
    problem: str


def view(
    orders: Sequence[Mapping[str, Any]], what: str, where: str, reach: Mapping[str, Any] | None, problem: str
) -> View:
    """What the daemon answered, as the page shows it."""
    shown = tuple(map(_order, reversed(orders)))
    ready = tuple((name, here_of(what, meant)) for name, meant in READY)
    return View(shown, ready, what, where, None if reach is None else _reach(what, where, reach), problem)


def _order(one: Mapping[str, Any]) -> Order:
    return Order(
        id=one["id"],
        what=one["what"],
        where=one["where"],
        allow=one.get("allow") or "",
        reason=one.get("reason", ""),
        by=one["by"],
        active=one["active"],
        start=one["start"] or "",
        end=one["end"] or "",
        lifters=one["lifters"],
        votes=tuple(one["votes"]),
        code=one["code"],
        certified=one["certified"],
    )


def here_of(what: str, where: str) -> str:
    """The query of the page with an order filled in."""
    return address({"what": what, "where": where})


def _reach(what: str, where: str, found: Mapping[str, Any]) -> Reach:
    return Reach(
        what=what,
        where=where,
        everything=found["everything"],
        sessions=tuple(f"{agent} {session}" for agent, session in found["sessions"]),
        unsure=len(found["unsure"]),
        unknown=tuple(found["unknown"]),
    )


async def load(visit: Visit) -> View:
    """The orders, and how far the one in the address would reach. Looking gives none."""
    what, where = visit.query.get("what", "freeze"), typed(visit.query, "where")
    what = what if what in _ORDERS else "freeze"
    orders, (reach, problem) = await asyncio.gather(visit.ask("halt.list"), _reached(visit, what, where))
    return view(orders["orders"], what, where, reach, problem)


async def _reached(visit: Visit, what: str, where: str) -> tuple[Mapping[str, Any] | None, str]:
    if not where.strip():
        return None, ""
    try:
        return await visit.ask("halt.reach", what=what, where=where), ""
    except InterlockError as error:
        return None, str(error)


async def order(visit: Visit, sent: Mapping[str, str]) -> str:
    """Give the order that was shown. Raises Refused, AgentError."""
    what, _, where = sent.get("subject", "").partition(" ")
    if what not in _ORDERS:
        raise AgentError("an order is a freeze, a pause or a kill.")
    too_quick(sent, visit.now)
    if what == "kill":
        by_hand(sent, "kill")
    more: dict[str, Any] = {}
    hours = sent.get("hours", "")
    if what == "freeze" and hours in _HOURS:
        more["end"] = int(visit.now) + _HOURS[hours] * 3_600
    if sent.get("typed", "").strip().lower() == "everything":
        more["everything"] = True
    try:
        await visit.ask("halt.order", what=what, where=where, reason=sent.get("because", ""), **more)
    except Refused as error:
        if "about everything" in str(error):
            raise Refused("this is about everything here. If that is meant, type the word: everything.") from error
        raise
    return "/halt"


async def lift(visit: Visit, sent: Mapping[str, str]) -> str:
    """Lift an order; where it takes two people, this is one voice. Raises Refused."""
    number = sent.get("subject", "")
    if not number.isascii() or not number.isdigit():
        raise UsageError("an order is named by its number.")
    too_quick(sent, visit.now)
    orders = (await visit.ask("halt.list"))["orders"]
    if not any(one["id"] == int(number) and one["lifters"] > 1 for one in orders):  # there the code is typed: more
        by_hand(sent, "lift")
    said = {"code": sent.get("typed", "").strip().lower(), "because": sent.get("because", "")}
    await visit.ask("halt.lift", id=int(number), kill=sent.get("kill") == "1", **said)
    return "/halt"


SCREENS = (Screen("halt", "/halt", "Freeze and kill", "halt.html", load, ("halts",)),)
ACTS = (Act("/halt/order", order), Act("/halt/lift", lift))
