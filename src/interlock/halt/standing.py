"""Freezes that stand in files, as entries: what each says, and when it is in force, so that a verifier can check it.

A verifier reads no calendar and knows no time zones. So the entry of a freeze by calendar names the spans of time
themselves, as far ahead as `until`; before that moment comes they are said anew. The same spans are what the daemon
freezes by: `spans` and `Window.covers` are held together by a test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.halt.calendar import Window
from interlock.halt.order import Order

STANDING = "halt.standing"
AHEAD = 35 * 86_400.0  # seconds for which a calendar is written out
_SPANS = 64  # in one entry: some 1.5 KiB
_SPARE = 3_600.0  # seconds before the end of what was said at which it is said anew
_TEXT = 500  # characters of a reason

Span = tuple[float, float]


def spans(windows: Sequence[Window], now: float, until: float) -> list[Span]:
    """When one of these windows is under way, between two moments, overlapping ones as one, oldest first."""
    found: list[Span] = []
    for window in windows:
        for begun in _begins(window, now, until):
            start = begun.timestamp()
            end = start + window.length.total_seconds()
            if end > now and start < until:
                found.append((start, end))
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _begins(window: Window, now: float, until: float) -> list[datetime]:
    if not window.step:
        return [] if window.start in window.spared else [window.start]
    zone = window.start.tzinfo
    first = datetime.fromtimestamp(now, UTC).astimezone(zone).date() - timedelta(days=window.length.days + 1)
    last = datetime.fromtimestamp(until, UTC).astimezone(zone).date()
    return [begun for begun in window.begins(first, last) if begun not in window.spared]


def entries(workspace: str, freezes: Sequence[Order], now: float) -> tuple[list[dict[str, Any]], float]:
    """The bodies of the entries for a workspace's freezes, and the moment by which they must be said anew."""
    bodies, due = [], math.inf
    for number, order in enumerate(freezes):
        body: dict[str, Any] = {
            "workspace": workspace,
            "number": number,
            "of": len(freezes),
            "where": str(order.where),
            "reason": order.reason[:_TEXT],
            "source": order.source[:_TEXT],
        }
        if order.allow is not None:
            body["allow"] = str(order.allow)
        # Entries hold whole seconds. Rounded to the inside: what is said to be frozen was frozen.
        if order.start is not None:
            body["start"] = math.ceil(order.start)
        if order.end is not None:
            body["end"] = math.floor(order.end)
        if order.windows:
            said, until = _ahead(order, now)
            body |= {"calendar": order.calendar[:_TEXT], "spans": [[math.ceil(a), math.floor(b)] for a, b in said]}
            if order.end is None or until < order.end:
                body["until"] = math.floor(until)
                due = min(due, until - min(_SPARE, (until - now) / 2))
        bodies.append(body)
    return bodies, due


def _ahead(order: Order, now: float) -> tuple[list[Span], float]:
    until = now + AHEAD
    found = spans(order.windows, now, until)
    # Where there is no room for all of them, it is said more often.
    return (found[:_SPANS], found[_SPANS][0]) if len(found) > _SPANS else (found, until)
