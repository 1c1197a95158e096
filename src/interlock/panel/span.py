"""The one time range of all screens: it stands in the address, so that a link shows what its sender saw. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SPANS = {
    "1h": ("Last hour", 3_600),
    "24h": ("Last day", 86_400),
    "7d": ("Last week", 604_800),
    "30d": ("Last 30 days", 2_592_000),
    "all": ("Everything", 0),
}
USUAL = "24h"


class Span(NamedTuple):
    """`name` as in the address, `since` in seconds since the epoch (0.0 for everything)."""

    name: str
    title: str
    since: float


def span(query: Mapping[str, str], now: float) -> Span:
    """The range that an address names; the usual one where it names none that exists."""
    name = query.get("range", USUAL)
    name = name if name in SPANS else USUAL
    title, length = SPANS[name]
    return Span(name, title, now - length if length else 0.0)
