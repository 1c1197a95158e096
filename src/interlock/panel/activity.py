"""Entries of the ledger as lines that a person reads. Pure; `ledger`, `now` and the timelines share it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from interlock.panel import words
from interlock.panel.stories import told


class Line(msgspec.Struct, frozen=True):
    """One entry. `tone` is "good", "warn", "bad" or "calm"; `link` leads to more about it."""

    index: int
    time: str
    kind: str
    agent: str
    session: str
    mark: str
    tone: str
    text: str
    link: str = ""


def activity(entries: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Each entry in one line, in their order."""
    return [line(entry) for entry in entries]


def line(entry: Mapping[str, Any]) -> Line:
    """One entry."""
    kind, body = words.kind_of(entry), entry["body"]
    who = body.get("principal") or {}
    mark, tone, text, link = told(kind, body)
    return Line(
        index=entry["index"],
        time=entry["time"],
        kind=kind,
        agent=str(who.get("agent", "")),
        session=str(who.get("session", "")),
        mark=mark or kind,
        tone=tone,
        text=text,
        link=link or f"/ledger/{entry['index']}",
    )
