"""What agents did that nobody was asked about: a session's changes in a few lines, each with its way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from interlock.watch.seen import Seen

KINDS = ("session.open", "intent", "outcome", "changes", "undo")
ASKED_TIER = 2  # from here on a person was asked, and has seen it
_LISTED = 40  # changes of a session, one by one; the rest is counted


class Change(msgspec.Struct, frozen=True):
    """One action that changed something. `undo` is what taking it back can do: yes, no, in part."""

    entry: int
    tool: str
    text: str
    effects: tuple[str, ...]
    undo: str
    grants: tuple[int, ...] = ()


class SessionDigest(msgspec.Struct):
    """What one session did."""

    agent: str
    session: str
    workspace: str = ""
    actions: int = 0
    reads: int = 0
    failed: int = 0
    verbs: Counter[str] = msgspec.field(default_factory=Counter)
    changes: list[Change] = []
    more: int = 0
    undone: int = 0


def digest(entries: Iterable[Seen], *, since: float) -> list[SessionDigest]:
    """From entries of `KINDS`, oldest first: the sessions that did something from `since` (seconds) on."""
    found: dict[tuple[str, str], SessionDigest] = {}
    workspaces: dict[tuple[str, str], str] = {}
    runs: dict[int, dict[str, Any]] = {}
    taken_back: set[int] = set()
    listed = list(entries)
    for entry in listed:
        if entry.kind == "changes":
            runs[entry.body.get("intent", -1)] = entry.body
        elif entry.kind == "undo":
            taken_back.update(entry.body["of"])
        elif entry.kind == "session.open":
            workspaces[_key(entry)] = entry.body.get("workspace", "")
    for entry in listed:
        if entry.time < since or entry.kind not in {"intent", "outcome"}:
            continue
        key = _key(entry)
        session = found.get(key)
        if session is None:
            session = found[key] = SessionDigest(*key, workspace=workspaces.get(key, ""))
        if entry.kind == "outcome":
            session.failed += entry.body["result"].get("ok") is False
        else:
            _add(session, entry, runs.get(entry.index), entry.index in taken_back)
    return [session for session in found.values() if session.actions]


def _add(session: SessionDigest, entry: Seen, run: dict[str, Any] | None, undone: bool) -> None:
    body = entry.body
    session.actions += 1
    changes = [line for line in body["effects"] if not line.startswith("read ")]
    if not changes:
        session.reads += 1
        return
    session.verbs.update({line.split(" ", 1)[0] for line in changes})
    session.undone += undone
    if body["tier"] >= ASKED_TIER or undone or not (run or _writes(changes)):
        return
    if len(session.changes) >= _LISTED:
        session.more += 1
        return
    undo = "yes" if run is not None else str(body.get("undo", {}).get("undoable", "no"))
    session.changes.append(
        Change(entry.index, body["tool"], body["text"], tuple(changes), undo, tuple(body.get("grants", ())))
    )


def _writes(changes: list[str]) -> bool:
    """Running a program, and asking a known host, is no change by itself."""
    return any(not line.startswith(("execute ", "fetch ")) for line in changes)


def _key(entry: Seen) -> tuple[str, str]:
    principal = entry.body.get("principal", {})
    return principal.get("agent", "?"), principal.get("session", "")
