"""Now: what waits, who is at work, what just happened."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.panel.activity import Line, activity
from interlock.panel.card import OPEN, Card, by_urgency, card
from interlock.panel.screen import Screen, Visit

_FIRST = 3  # questions shown in full size; the inbox has all
_LAST = 14  # entries
_LOOKED = 60  # entries that are asked for: those about the daemon itself are left out
# What a person who looks at agents need not see: the inbox and the receipts show where a request stands.
_QUIET = frozenset({"daemon.start", "daemon.stop", "policy.loaded", "halt.standing", "session.facts", "approval.ticket",
                    "approval.use", "trail", "prompt", "log.genesis", "outcome"})  # fmt: skip


class AtWork(msgspec.Struct, frozen=True):
    """One session, with the counts of its whole life as the ledger has them."""

    agent: str
    session: str
    workspace: str
    actions: int
    asked: int
    stopped: int
    children: int
    waits: int


class Halt(msgspec.Struct, frozen=True):
    """An order to stop. `where` says what it is about, `reason` is its giver's word."""

    id: int
    what: str
    where: str
    reason: str
    active: bool


class View(msgspec.Struct, frozen=True):
    """The page."""

    waiting: int
    first: tuple[Card, ...]
    sessions: tuple[AtWork, ...]
    halts: tuple[Halt, ...]
    lately: tuple[Line, ...]
    mode: str
    entries: int
    policy: str
    contained: str


def view(
    status: Mapping[str, Any],
    inbox: Sequence[Mapping[str, Any]],
    sessions: Sequence[Mapping[str, Any]],
    orders: Sequence[Mapping[str, Any]],
    entries: Sequence[Mapping[str, Any]],
    known: Sequence[Mapping[str, Any]],
) -> View:
    """What the daemon answered, as the page shows it."""
    cards = by_urgency(card(request) for request in inbox if request["state"] in OPEN)
    counts = {(one["agent"], one["session"]): one for one in known}
    lines = [one for one in activity(entries) if one.kind not in _QUIET]
    return View(
        waiting=len(cards),
        first=tuple(cards[:_FIRST]),
        sessions=tuple(_at_work(session, cards, counts) for session in reversed(sessions)),
        halts=tuple(map(_halt, orders)),
        lately=tuple(reversed(lines[-_LAST:])),
        mode=status["mode"],
        entries=status["entries"],
        policy=status["policy"],
        contained=str(status["contained"]["tier"]),
    )


def _at_work(
    session: Mapping[str, Any], cards: Sequence[Card], known: Mapping[tuple[str, str], Mapping[str, Any]]
) -> AtWork:
    counts = known.get((session["agent"], session["session"]), {})
    return AtWork(
        agent=session["agent"],
        session=session["session"],
        workspace=session["workspace"],
        actions=counts.get("actions", 0),
        asked=counts.get("asks", 0),
        stopped=counts.get("stopped", 0),
        children=sum(bool(child["live"]) for child in session["children"]),
        waits=sum((one.agent, one.session) == (session["agent"], session["session"]) for one in cards),
    )


def _halt(order: Mapping[str, Any]) -> Halt:
    return Halt(order["id"], order["what"], order["where"], order.get("reason", ""), bool(order["active"]))


async def load(visit: Visit) -> View:
    """Ask for all of it at once."""
    status, inbox, sessions, halts, log, known = await asyncio.gather(
        visit.ask("status"),
        visit.ask("inbox"),
        visit.ask("sessions.list"),
        visit.ask("halt.list"),
        visit.ask("log", tail=_LOOKED),
        visit.ask("history.sessions", since=0),
    )
    return view(status, inbox, sessions, halts["orders"], entries_of(log), known["sessions"])


def entries_of(log: Any) -> list[dict[str, Any]]:
    """The entries of a `log` answer, which comes as the very bytes of the ledger."""
    found: list[dict[str, Any]] = (json.loads(log) if isinstance(log, bytes) else log)["entries"]
    return found


SCREENS = (Screen("now", "/", "Now", "now.html", load, ("inbox", "sessions", "halts")),)
