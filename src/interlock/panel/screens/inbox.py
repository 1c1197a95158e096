"""Inbox: the questions that wait for people, the gravest first; those of one shape stand together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.panel.card import GIVEN, OPEN, Card, by_urgency, card
from interlock.panel.screen import Screen, Visit
from interlock.panel.words import seconds

_PAST = 30  # decided ones, the newest


class View(msgspec.Struct, frozen=True):
    """The page. `alike` counts the open questions of each shape."""

    cards: tuple[Card, ...]
    given: tuple[Card, ...]
    past: tuple[Card, ...]
    alike: dict[str, int]


def view(requests: Sequence[Mapping[str, Any]], since: float) -> View:
    """What the daemon remembers of requests, as the page shows it; decided ones since a moment."""
    cards = [card(request) for request in requests]
    waiting = by_urgency(one for one in cards if one.state in OPEN)
    past = [one for one in cards if one.state not in OPEN | GIVEN and seconds(one.asked_at) >= since]
    alike: dict[str, int] = {}
    for one in waiting:
        alike[one.alike] = alike.get(one.alike, 0) + 1
    return View(
        cards=tuple(waiting),
        given=tuple(one for one in cards if one.state in GIVEN),
        past=tuple(reversed(past[-_PAST:])),
        alike=alike,
    )


async def load(visit: Visit) -> View:
    """All that is open, and of what is over no more than is shown."""
    return view(await visit.ask("inbox", past=_PAST), visit.span.since)


SCREENS = (Screen("inbox", "/inbox", "Inbox", "inbox.html", load, ("inbox",)),)
