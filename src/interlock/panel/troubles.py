"""Incidents as pages name them: in a list, and beside the change or the entry that they were traced to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.panel.carried import address

_TONES = {"open": "bad", "mended": "good", "mistaken": "calm"}
_THROUGH = {"commit": "names the commit", "action": "traced to the action", "session": "names the whole session"}
NONE: Mapping[str, Any] = {"incidents": [], "more": 0, "of": False}  # the answer about what was traced to nothing


class Trouble(msgspec.Struct, frozen=True):
    """One incident beside something else. `through` says how it was traced to that."""

    entry: int
    what: str
    severity: str
    state: str
    tone: str
    through: str


class Beside(msgspec.Struct, frozen=True):
    """The incidents of what a page is about; `record` is the query of the page that records one, "" where none can."""

    troubles: tuple[Trouble, ...]
    more: int
    record: str


def tone(state: str) -> str:
    """The tone of an incident that is open, or was closed as this."""
    return _TONES.get(state, "calm")


def beside(entry: int, found: Mapping[str, Any]) -> Beside:
    """What `incident.touching` answered about an entry."""
    shown = tuple(
        Trouble(one["entry"], one["what"], one["severity"], one["state"], tone(one["state"]), _THROUGH[one["through"]])
        for one in found["incidents"]
    )
    return Beside(shown, found["more"], address({"entries": entry}) if found["of"] else "")
