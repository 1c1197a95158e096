"""A session's entries as deeds: each action with its effects, its verdict, what held it and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.panel import words
from interlock.panel.activity import line

_TONES = {"allow": "good", "ask": "warn", "deny": "bad"}
# What stands beside an action and is told with it.
_FOLDED = frozenset(
    {"outcome", "changes", "trail", "approval.request", "approval.ticket", "approval.use", "session.facts"}
)


class Deed(msgspec.Struct, frozen=True):
    """One line of a timeline. `undo` is what taking it back can do, "" where there is nothing to take back."""

    index: int
    time: str
    mark: str
    tone: str
    tool: str
    text: str
    action: bool = False
    subagent: str = ""
    tier: int = 0
    effects: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    why: str = ""
    held: str = ""
    outcome: str = ""
    undo: str = ""
    undo_why: tuple[str, ...] = ()
    run: int = -1
    changed: tuple[str, ...] = ()
    waits: int = 0
    request: int = -1
    grants: tuple[int, ...] = ()
    drift: tuple[str, ...] = ()
    link: str = ""


def deeds(entries: Sequence[Mapping[str, Any]]) -> list[Deed]:
    """Entries, the last first, as deeds in the same order; what belongs to an action stands with it."""
    outcomes: dict[int, Mapping[str, Any]] = {}
    runs: dict[int, Mapping[str, Any]] = {}
    undone: set[int] = set()
    for entry in entries:
        kind, body = words.kind_of(entry), entry["body"]
        if kind == "outcome":
            outcomes[body.get("intent", -1)] = entry
        elif kind == "changes":
            runs[body.get("intent", -1)] = entry
        elif kind == "undo":
            undone.update(body.get("of", ()))
    return [
        _action(entry, outcomes, runs, undone) if words.kind_of(entry) in {"intent", "denial"} else _other(entry)
        for entry in entries
        if words.kind_of(entry) not in _FOLDED
    ]


def _action(
    entry: Mapping[str, Any],
    outcomes: Mapping[int, Mapping[str, Any]],
    runs: Mapping[int, Mapping[str, Any]],
    undone: set[int],
) -> Deed:
    index, body = entry["index"], entry["body"]
    run = runs.get(index)
    undo = body.get("undo", {}).get("undoable", "") if words.kind_of(entry) == "intent" else ""
    return Deed(
        index=index,
        time=entry["time"],
        mark=body["verdict"],
        tone=_TONES.get(body["verdict"], "calm"),
        tool=body["tool"],
        text=body["text"],
        action=True,
        subagent=body.get("principal", {}).get("subagent", ""),
        tier=body["tier"],
        effects=tuple(body["effects"]),
        rules=tuple(body["rules"]),
        why=words.for_people(body["why"]),
        held=_held(body),
        outcome=_outcome(outcomes.get(index)),
        undo="taken back" if index in undone else ("yes" if run and not undo else undo),
        undo_why=tuple(map(str, body.get("undo", {}).get("why", ()))),
        run=run["index"] if run else -1,
        changed=_changed(run["body"]) if run else (),
        waits=int(run["body"].get("held_total", 0)) if run else 0,
        request=body.get("approval", body.get("request", -1)),
        grants=tuple(body.get("grants", ())),
        drift=tuple(map(str, run["body"].get("drift", ()))) if run else (),
    )


def _held(body: Mapping[str, Any]) -> str:
    contained = body.get("contained")
    if isinstance(contained, Mapping):
        return f"contained ({contained.get('tier', '')}, {contained.get('profile', '')})"
    binding = body.get("binding")
    if isinstance(binding, Mapping):
        return f"started by {binding.get('launch', 'the agent')}"
    return ""


def _outcome(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return ""
    return "failed" if entry["body"]["result"].get("ok") is False else "done"


def _changed(body: Mapping[str, Any]) -> tuple[str, ...]:
    committed = body.get("committed", {})
    first = committed.get("first", ()) if isinstance(committed, Mapping) else ()
    return tuple(map(str, first))


def _other(entry: Mapping[str, Any]) -> Deed:
    said = line(entry)
    body = entry["body"]
    request = body.get("request", -1)
    return Deed(
        index=said.index, time=said.time, mark=said.mark, tone=said.tone, tool=said.kind, text=said.text,
        link=said.link, request=request if isinstance(request, int) else -1,
    )  # fmt: skip
