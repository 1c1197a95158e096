"""Insights: how much people are asked, by tier, agent, model and person, over time, and how long answers take."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from interlock.panel.screen import Screen, Visit


class Row(msgspec.Struct, frozen=True):
    """One row of a table of counts."""

    name: str
    actions: int
    prompts: int
    per_100: float
    stopped: int
    failed: int


class Times(msgspec.Struct, frozen=True):
    """How fast one person, or the people asked by one agent, answer."""

    name: str
    decisions: int
    yes: int
    half: float
    most: float


class Table(msgspec.Struct, frozen=True):
    """Counts by one thing."""

    by: str
    rows: tuple[Row, ...]
    times: tuple[Times, ...]


class Point(msgspec.Struct, frozen=True):
    """Counts of one stretch of time, which begins at `at` (seconds)."""

    at: int
    stamp: str
    actions: int
    prompts: int
    stopped: int
    failed: int


class View(msgspec.Struct, frozen=True):
    """The page."""

    total: Row
    tables: tuple[Table, ...]
    series: tuple[Point, ...]
    step: int
    read: int
    of: int


def view(found: Mapping[str, Any]) -> View:
    """What the daemon counted, as the page shows it."""
    tables = tuple(
        Table(by, tuple(map(_row, found[f"by_{by}"])), tuple(Times(**one) for one in found[f"times_by_{by}"]))
        for by in ("tier", "agent", "model", "person")
    )
    return View(
        _row(found["total"]), tables, tuple(map(_point, found["series"])), found["step"], found["read"], found["of"]
    )


def _row(one: Mapping[str, Any]) -> Row:
    return Row(one["name"], one["actions"], one["prompts"], one["per_100"], one["stopped"], one["failed"])


def _point(one: Mapping[str, Any]) -> Point:
    at = int(one["name"])
    stamp = datetime.fromtimestamp(at, UTC).isoformat()
    return Point(at, stamp, one["actions"], one["prompts"], one["stopped"], one["failed"])


async def load(visit: Visit) -> View:
    """One question to the index."""
    return view(await visit.ask("history.insights", since=int(visit.span.since)))


SCREENS = (Screen("insights", "/insights", "Insights", "insights.html", load),)
