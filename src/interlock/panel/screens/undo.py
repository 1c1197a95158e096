"""Undo: what taking one action back would do, and doing it; what a contained run changed, and what is held of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.model.errors import AgentError, Refused
from interlock.panel import words
from interlock.panel.acts import by_hand, too_quick
from interlock.panel.screen import Act, Screen, Visit

_SETTLING = {"commit": "through", "discard": "drop"}  # what becomes of what is held, and the word for it


class Step(msgspec.Struct, frozen=True):
    """What becomes of one action's changes."""

    entry: int
    changes: tuple[str, ...]
    problems: tuple[str, ...]


class View(msgspec.Struct, frozen=True):
    """The plan. `plan` is its digest: what is carried out is what was shown."""

    entry: int
    plan: str
    changes: int
    steps: tuple[Step, ...]
    problems: tuple[str, ...]


class Held(msgspec.Struct, frozen=True):
    """One change that waits for a person."""

    path: str
    why: str
    diff: tuple[tuple[str, str], ...]  # (tone, line)


class Run(msgspec.Struct, frozen=True):
    """What a contained run changed."""

    entry: int
    run: str
    workspace: str
    status: int
    committed: tuple[str, ...]
    totals: tuple[str, ...]
    held: tuple[Held, ...]
    drift: tuple[str, ...]
    intent: int


def view(entry: int, found: Mapping[str, Any]) -> View:
    """A plan of the daemon's, in lines."""
    steps = [
        Step(step["entry"], tuple(map(_change, step["changes"])), tuple(map(_problem, step["problems"])))
        for step in found["steps"]
    ]
    return View(entry, found["plan"], found["changes"], tuple(steps), tuple(map(_problem, found["problems"])))


def _change(one: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in one.values() if value not in ("", None, False))


def _problem(one: Mapping[str, Any]) -> str:
    return f"{one.get('what', '')}: {one.get('why', '')}"


def run_view(entry: int, found: Mapping[str, Any]) -> Run:
    """What `changes` says of one run."""
    whys = {held["path"]: held["why"] for held in found["held"]}
    waiting = [
        Held(one["path"], whys.get(one["path"], ""), tuple((_tone(line), line) for line in one["diff"]))
        for one in found["waiting"]
    ]
    return Run(
        entry=entry,
        run=str(found["run"]),
        workspace=found["workspace"],
        status=found["status"],
        committed=tuple(found["committed"]["first"]),
        totals=tuple(_total(name, count) for name, count in found["totals"].items() if count),
        held=tuple(waiting),
        drift=tuple(map(str, (*found.get("drift", ()), *found.get("lessons", ())))),
        intent=found.get("intent", -1),
    )


def _total(name: str, count: int) -> str:
    """`27 deleted`, `23.4 kB deleted`, `3 refused`."""
    return f"{words.size(count)} {name.removeprefix('bytes_')}" if name.startswith("bytes_") else f"{count} {name}"


def _tone(line: str) -> str:
    return {"+": "plus", "-": "minus"}.get(line[:1], "same")


async def load(visit: Visit) -> View:
    """Plan it; nothing changes."""
    entry = visit.path["id"]
    return view(entry, await visit.ask("undo.plan", entry=entry))


async def load_run(visit: Visit) -> Run:
    """What the run left, and what of it waits."""
    entry = visit.path["id"]
    return run_view(entry, await visit.ask("changes", id=entry))


async def run(visit: Visit, sent: Mapping[str, str]) -> str:
    """Carry out the plan that was shown. Raises Refused when it would be another by now."""
    too_quick(sent, visit.now)
    by_hand(sent, "back")
    done = await visit.ask("undo", entry=visit.path["id"], plan=sent.get("subject", ""))
    return f"/ledger/{done['entry']}"


async def settle(visit: Visit, sent: Mapping[str, str]) -> str:
    """Let what is held of a run through, or drop it. Raises AgentError, Refused."""
    entry, word = visit.path["id"], sent.get("word", "")
    if word not in _SETTLING:
        raise AgentError("what is held is committed or discarded.")
    too_quick(sent, visit.now)
    by_hand(sent, _SETTLING[word])
    now = run_view(entry, await visit.ask("changes", id=entry))
    if sent.get("subject") != subject(now):
        raise Refused("what is held of this run has changed since it was shown. Load the page again.")
    await visit.ask("settle", id=entry, word=word)
    return f"/agents/run/{entry}"


def subject(shown: Run) -> str:
    """What a decision on held changes names."""
    return f"{shown.run}:{len(shown.held)}"


SCREENS = (
    Screen("undo", "/undo/{id:int}", "Undo", "undo.html", load, ("sessions",)),
    Screen("run", "/agents/run/{id:int}", "What a run changed", "run.html", load_run, ("sessions",)),
)
ACTS = (Act("/undo/{id:int}/run", run), Act("/agents/run/{id:int}/settle", settle))
