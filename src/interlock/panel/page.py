"""What stands around every screen: navigation, the state of the daemon, the time range, who is signed in. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.panel.carried import address
from interlock.panel.places import PLACES, Place
from interlock.panel.screen import Screen, Visit
from interlock.panel.seats import Seat, form_token, script_token
from interlock.panel.span import SPANS, USUAL, kept


class Notice(msgspec.Struct, frozen=True):
    """Something about the daemon that whoever looks at any page must know. `tone` is "bad", "warn" or "calm"."""

    tone: str
    text: str


class Page(msgspec.Struct, frozen=True):
    """The frame of one page."""

    path: str
    name: str
    title: str
    nonce: str
    token: str
    versions: str
    topics: tuple[str, ...]
    places: tuple[Place, ...]
    waiting: int
    notices: tuple[Notice, ...]
    spans: tuple[tuple[str, str], ...]
    span: str
    query: str  # what follows the path to fetch this very page anew
    keep: str  # what links carry along: the range, where it is not the usual one
    kept: str  # the rest of the query, which another range leaves as it is (`span.kept`)
    now: float
    seat: Seat
    refusal: str  # why this session cannot decide; "" where it can

    def form(self, act: str, subject: str) -> str:
        """The token of a form."""
        return form_token(self.seat, act, subject, self.now)


def page(
    path: str,
    nonce: str,
    screen: Screen,
    visit: Visit,
    status: Mapping[str, Any],
    versions: str,
    screens: Sequence[Screen],
) -> Page:
    """The frame around a screen."""
    there = {one.name for one in screens}
    return Page(
        path=path,
        name=screen.name,
        title=screen.title,
        nonce=nonce,
        token=script_token(visit.seat),
        versions=versions,
        topics=screen.topics,
        places=tuple(place for place in PLACES if place.name in there),
        waiting=int(status["undecided"]),
        notices=notices(status),
        spans=tuple((name, title) for name, (title, _) in SPANS.items()),
        span=visit.span.name,
        query=f"?{address(visit.query)}" if visit.query else "",
        keep=f"?range={visit.span.name}" if visit.span.name != USUAL else "",
        kept=kept(visit.query),
        now=visit.now,
        seat=visit.seat,
        refusal="" if visit.seat.decides else refusal(visit.seat),
    )


def notices(status: Mapping[str, Any]) -> tuple[Notice, ...]:
    """What is not as it should be."""
    found = []
    if not status["ledger_healthy"]:
        found.append(Notice("bad", f"The ledger takes no entries: agents are stopped. {status['ledger_problem']}"))
    for workspace, problem in status["rule_problems"].items():
        where = f" of {workspace}" if workspace else ""
        found.append(Notice("bad", f"The rules{where} are refused, and agents are stopped: {problem}"))
    if status["mode"] == "observe":
        found.append(Notice("warn", "Interlock observes: it records what it would stop, and stops nothing."))
    return tuple(found)


def refusal(seat: Seat) -> str:
    """Why a session cannot decide."""
    if seat.role == "reader":
        return "This session may look, and decides nothing: its link was made for a reader."
    return (
        "This session may look, and decides nothing: which program opened it cannot be seen (a tunnel, a container). "
        "Decide in a terminal on this machine, with a signature (interlock approve --sign), or over ssh where the "
        "panel has a socket ([panel] socket = true)."
    )
