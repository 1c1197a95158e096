"""Incidents as pages name them: in a list, and beside the change or the entry that they were traced to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from interlock.panel.carried import address
from interlock.panel.screen import Visit

_TONES = {"open": "bad", "mended": "good", "mistaken": "calm"}
_THROUGH = {"commit": "names the commit", "action": "traced to the action", "session": "names the whole session"}
_ASKED = 200  # entries that are asked about at once
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


def beside(entries: Sequence[int], found: Mapping[str, Any]) -> Beside:
    """What `incident.touching` answered about these entries, which a new incident would be recorded on."""
    shown = tuple(
        Trouble(one["entry"], one["what"], one["severity"], one["state"], tone(one["state"]), _THROUGH[one["through"]])
        for one in found["incidents"]
    )
    record = address({"entries": ",".join(map(str, entries))}) if found["of"] else ""
    return Beside(shown, found["more"], record)


async def marks(visit: Visit, entries: Iterable[int]) -> dict[int, int]:
    """Entry of a list -> how many open incidents were traced to what it is of, for those that have any."""
    asked = list(entries)
    found = await asyncio.gather(
        *(visit.ask("incident.marks", entries=asked[at : at + _ASKED]) for at in range(0, len(asked), _ASKED))
    )
    return {int(entry): count for one in found for entry, count in one["marks"].items()}
