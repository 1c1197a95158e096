"""How times, numbers and entries are said on the pages. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from interlock.model import visible
from interlock.model.counts import many

_WHOSE_YES = re.compile(r" It needs a yes from [a-z ',]+\.$")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


_WOULD = {
    "read": "read", "write": "write to", "create": "create", "delete": "delete", "overwrite": "overwrite",
    "execute": "run", "send": "send to", "fetch": "fetch from", "install": "install", "publish": "publish",
    "deploy": "deploy", "grant": "grant rights on", "spend": "spend on", "configure": "configure",
    "opaque": "run, unread,",
}  # fmt: skip


def would(verb: str) -> str:
    """An effect's verb as a sentence has it: `send to`."""
    return _WOULD.get(verb, verb)


def seconds(stamp: str) -> float:
    """Seconds since the epoch of an RFC 3339 moment; 0.0 for none."""
    return datetime.fromisoformat(stamp).timestamp() if stamp else 0.0


def age(stamp: str, now: float) -> str:
    """How long ago a moment was, or how far ahead: `3 min ago`, `in 2 h`."""
    delta = now - seconds(stamp)
    amount = length(abs(delta))
    if abs(delta) < 1:
        return "now"
    return f"{amount} ago" if delta > 0 else f"in {amount}"


def length(delta: float) -> str:
    """A length of time in its largest unit."""
    for size, unit in _UNITS:
        if delta >= size:
            return f"{int(delta // size)} {unit}"
    return f"{int(delta)} s"


def moment(stamp: str) -> str:
    """A moment in full, to the second: `2026-11-28 14:03:07 UTC`."""
    if not stamp:
        return ""
    return datetime.fromisoformat(stamp).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def size(count: int) -> str:
    """A number of bytes as people say it: `1 byte`, `23.9 kB`."""
    for step, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return many(count, "byte")


def capital(text: str) -> str:
    """A text as it begins a line: `Freeze now`."""
    return text[:1].upper() + text[1:]


def for_people(why: str) -> str:
    """Why somebody is asked, without the words that are meant for the agent alone."""
    said = why.removeprefix("Held: ").removesuffix(" Do not retry or rephrase it before there is an answer.")
    said = _WHOSE_YES.sub("", said)  # the quorum says it, with who has answered already
    return capital(said)


def beware(text: str) -> tuple[str, ...]:
    """What a reader should know of a text that is not as it looks."""
    return visible.beware(text)


def kind_of(entry: Mapping[str, Any]) -> str:
    """`intent` from the schema `interlock/intent/v1`."""
    return str(entry["schema"]).removeprefix("interlock/").rsplit("/", 1)[0]
