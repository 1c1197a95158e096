"""Ledger: every entry, verified up to where, each with its proof, and how to take all of it along."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.panel import links, words
from interlock.panel.activity import Line, activity, line
from interlock.panel.screen import Screen, Visit
from interlock.panel.troubles import Beside, beside, marks

_KINDS = 40


class View(msgspec.Struct, frozen=True):
    """The list. `verified` is how many entries were found to be what the checkpoint signs; `incidents` how many open
    ones were traced to what an entry is of, for those that have any.
    """

    lines: tuple[Line, ...]
    incidents: dict[int, int]
    size: int
    verified: int
    root: str
    at: str
    problem: str
    checkpoint: str
    kind: str
    kinds: tuple[tuple[str, int], ...]
    older: str
    read: int
    of: int


class EntryView(msgspec.Struct, frozen=True):
    """One entry, with its inclusion proof and the incidents that were traced to it. `incident` is the one that it
    records or closes, -1 for none.
    """

    line: Line
    kind: str
    body: str
    proof: str
    size: int
    undoable: bool
    incident: int
    beside: Beside
    entry: dict[str, Any]


def view(visit: Visit, found: Mapping[str, Any], state: Mapping[str, Any], kind: str, marked: dict[int, int]) -> View:
    """What the daemon answered, as the page shows it."""
    kinds = sorted(found["kinds"].items(), key=lambda pair: -pair[1])[:_KINDS]
    older = links.query(visit, kind=kind, before=found["before"]) if found["before"] >= 0 else ""
    return View(
        lines=tuple(activity(found["entries"])),
        incidents=marked,
        size=found["size"],
        verified=state["size"],
        root=state["root"],
        at=state["at"],
        problem=state["problem"],
        checkpoint=state["checkpoint"],
        kind=kind,
        kinds=tuple(kinds),
        older=older,
        read=found["read"],
        of=found["of"],
    )


async def load(visit: Visit) -> View:
    """One page of it, the newest first."""
    kind = visit.query.get("kind", "")
    found, state = await asyncio.gather(
        visit.ask(
            "history.entries", kind=kind, before=links.number(visit, "before", 1 << 32), since=int(visit.span.since)
        ),
        visit.ask("history.verified"),
    )
    return view(visit, found, state, kind, await marks(visit, (one["index"] for one in found["entries"])))


async def load_entry(visit: Visit) -> EntryView:
    """One entry, whole, and the proof that the checkpoint covers it."""
    number = visit.path["id"]
    entry, troubles = await asyncio.gather(
        visit.ask("entry", id=number), visit.ask("incident.touching", entries=[number])
    )
    proof = entry.pop("proof")
    undo = entry["body"].get("undo", {})
    return EntryView(
        line=line(entry),
        kind=words.kind_of(entry),
        body=json.dumps(entry["body"], indent=2, sort_keys=True, ensure_ascii=False),
        proof=proof,
        size=_size(proof),
        undoable=isinstance(undo, Mapping) and undo.get("undoable") in {"yes", "partly"},
        incident=_incident(number, entry),
        beside=beside([number], troubles),
        entry=entry,
    )


def _incident(number: int, entry: Mapping[str, Any]) -> int:
    kind = words.kind_of(entry)
    return number if kind == "incident" else entry["body"]["incident"] if kind == "incident.close" else -1


def _size(proof: str) -> int:
    """The size of the checkpoint that a proof leads to: the second line of the note in it."""
    note = proof.partition("\n\n")[2].split("\n")
    return int(note[1]) if len(note) > 1 and note[1].isdigit() else 0


SCREENS = (
    Screen("ledger", "/ledger", "Ledger", "ledger.html", load, ("ledger",)),
    Screen("entry", "/ledger/{id:int}", "Entry", "entry.html", load_entry),
)
