"""The one time range of all screens: it stands in the address, so that a link shows what its sender saw. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from interlock.panel.carried import address, carried, meant

SPANS = {
    "1h": ("Last hour", 3_600),
    "24h": ("Last day", 86_400),
    "7d": ("Last week", 604_800),
    "30d": ("Last 30 days", 2_592_000),
    "all": ("Everything", 0),
}
USUAL = "24h"
_FIELDS = 40  # of an address


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


def kept(query: Mapping[str, str]) -> str:
    """What another range leaves of an address, for the one field that carries it."""
    return carried(address({name: value for name, value in query.items() if name not in {"range", "kept"}}))


def again(query: Mapping[str, str]) -> str:
    """The query of an address that was asked for through that field: as a link to the same page would have it."""
    rest = meant(query.get("kept", ""))
    named = {name: value for name, value in query.items() if name != "kept"}
    return urlencode({**dict(parse_qsl(rest, keep_blank_values=True, max_num_fields=_FIELDS)), **named})
