"""Undo, as the daemon does it: which entries are meant, the plan, and its execution as entries of the ledger.

An undo is written down whole before it begins. A daemon that finds one unfinished does what is left of it, by the same
steps, before it serves anybody.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import structlog

from interlock.broker.clock import Clock, seconds
from interlock.broker.records import clean, cut
from interlock.containment.carry import begin, carry_out, end, plan_of, unfinished, unfold
from interlock.containment.shelf import Shelf
from interlock.containment.undo import LOST, UNDO, Deed, Plan, Problem, Ref, Restorer, plan, shown
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.ledger.store import Ledger
from interlock.model.errors import AgentError, InterlockError, NotFound, Refused

log = structlog.get_logger()

UNDO_OUTCOME = "undo.outcome"
_SETTLED = ("changes", "changes.decision")  # what a contained run changed, at its end and by a person's word
_NAMED = 100  # entries that an undo's own entry names
_LEFT = 8  # problems that its outcome names


class UndoDesk:
    """One undo at a time."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        recorder: LedgerRecorder,
        clock: Clock,
        shelf: Shelf,
        restorers: Mapping[str, Restorer],
        callers: Callers,
    ) -> None:
        self._callers = callers
        self._ledger = ledger
        self._recorder = recorder
        self._clock = clock
        self._shelf = shelf
        self._restorers = restorers
        self._lock = asyncio.Lock()

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"undo.plan": self._planned, "undo": self._run}

    async def _planned(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        return await self.plan(params)

    async def _run(self, params: dict[str, Any], peer: Peer) -> Any:
        return await self.run(params, self._callers.person(peer).name)

    async def plan(self, params: dict[str, Any]) -> dict[str, Any]:
        """What an undo would do. Changes nothing."""
        await self._recorder.settle()
        async with self._lock:
            return shown(await asyncio.to_thread(self._plan, params))

    async def run(self, params: dict[str, Any], person: str) -> dict[str, Any]:
        """Do what the person saw. Raises Refused when it would be something else by now."""
        await self._recorder.settle()
        async with self._lock:
            found = await asyncio.to_thread(self._plan, params)
            if found.digest != params.get("plan"):
                raise Refused("what this undo would do has changed since it was shown. Look at the plan again.")
            if not found.changes:
                raise Refused("there is nothing to undo.")
            name = self._shelf.name(self._clock.now())
            await asyncio.to_thread(begin, found, self._restorers, self._shelf, name)
            try:
                index = await self._recorder.record(UNDO, _body(found, name, person))
            except BaseException:
                # Nothing was touched yet, and without an entry nothing may be.
                end(self._shelf, name, b"never begun")
                raise
            left = await asyncio.to_thread(carry_out, found, self._restorers, self._shelf, name)
            await self._ended(name, index, left, recovered=False)
        return {"entry": index, "changes": found.changes - len(left), "left": [msgspec.to_builtins(p) for p in left]}

    async def recover(self) -> int:
        """Finish what a crash interrupted. Returns how many undos that were."""
        names = unfinished(self._shelf)
        if not names:
            return 0
        begun = {ref.name: index for index, refs in self._undos() for ref in refs}
        for name in names:
            index = begun.get(name)
            if index is None:
                end(self._shelf, name, b"never begun")
                continue
            try:
                found = plan_of(self._shelf, name)
                left = await asyncio.to_thread(carry_out, found, self._restorers, self._shelf, name, again=True)
            except (InterlockError, OSError) as error:
                # The guard comes up nevertheless: what stays half done is said where a person looks.
                left = (Problem(LOST, f"undo {index}", f"it could not be finished: {error}"),)
            await self._ended(name, index, left, recovered=True)
            log.info("undo.recovered", entry=index, left=len(left))
        return len(names)

    def _plan(self, params: dict[str, Any]) -> Plan:
        deeds = [msgspec.structs.replace(deed, points=unfold(deed.points, self._shelf)) for deed in self._deeds(params)]
        return plan(deeds, self._restorers, force=params.get("force") is True)

    async def _ended(self, name: str, index: int, left: tuple[Problem, ...], *, recovered: bool) -> None:
        result: dict[str, Any] = {"ok": not left}
        if left:
            result["left"] = [cut(clean(f"{one.what}: {one.why}"), 300) for one in left[:_LEFT]]
            result["left_total"] = len(left)
        if recovered:
            result["recovered"] = True
        await self._recorder.record(UNDO_OUTCOME, {"undo": index, "result": result})
        end(self._shelf, name)

    def _undos(self) -> Iterator[tuple[int, tuple[Ref, ...]]]:
        for stored in self._ledger.entries(kinds=[UNDO]):
            yield stored.index, _points(json.loads(stored.raw)["body"])

    def _deeds(self, params: dict[str, Any]) -> Iterator[Deed]:
        """The entries that are meant by `entry`, `session` or `since`."""
        workspaces = _Workspaces()
        if isinstance(params.get("entry"), int):
            yield self._named(params["entry"], workspaces)
            return
        session, since = params.get("session"), params.get("since")
        if not (isinstance(session, str) and session) and not isinstance(since, int | float):
            raise AgentError("an undo names an entry, a session or a time.")
        found = False
        for stored in self._ledger.entries(kinds=["session.open"]):
            workspaces.saw(json.loads(stored.raw)["body"])
        start = self._first_since(since) if isinstance(since, int | float) else 0
        for stored in self._ledger.entries(start=start, kinds=["session.open", "intent", "run", *_SETTLED, UNDO]):
            entry = json.loads(stored.raw)
            body = entry["body"]
            if "principal" in body:
                workspaces.saw(body)
            if "undo" not in body or (isinstance(since, int | float) and seconds(entry["time"]) < since):
                continue
            if isinstance(session, str) and not body.get("principal", {}).get("session", "").startswith(session):
                continue
            found = True
            yield _deed(stored.index, body, workspaces)
        if not found:
            raise NotFound(
                "no action that changed anything is meant by that. `interlock log --kind intent` lists them."
            )

    def _first_since(self, moment: float) -> int:
        """The first entry at or after a moment, found by halving: a clock that was set back is an alarm of its own."""
        low, high = 0, self._ledger.size
        while low < high:
            middle = (low + high) // 2
            if seconds(json.loads(self._ledger.entry(middle).raw)["time"]) < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def _named(self, index: int, workspaces: _Workspaces) -> Deed:
        if not 0 <= index < self._ledger.size:
            raise NotFound(f"the ledger has no entry {index}; it has {self._ledger.size}. `interlock log` lists them.")
        for stored in self._ledger.entries(stop=index, kinds=["session.open"]):
            workspaces.saw(json.loads(stored.raw)["body"])
        body = json.loads(self._ledger.entry(index).raw)["body"]
        meant = body.get("intent", body.get("undo"))
        if isinstance(meant, int) and 0 <= meant < index:  # an outcome: its action is meant
            index, body = meant, json.loads(self._ledger.entry(meant).raw)["body"]
        if isinstance(body.get("contained"), dict):
            return self._contained(index, workspaces)
        if not isinstance(body.get("undo"), dict):
            raise NotFound(f"entry {index} changed nothing that could be undone. `interlock why {index}` shows it.")
        return _deed(index, body, workspaces)

    def _contained(self, index: int, workspaces: _Workspaces) -> Deed:
        """All that one contained action committed: at its end, and what a person let through later."""
        points: list[Ref] = []
        runs: set[str] = set()
        where = ""
        for stored in self._ledger.entries(start=index, kinds=_SETTLED):
            body = json.loads(stored.raw)["body"]
            if body.get("intent") == index or body.get("run") in runs:
                runs.add(str(body.get("run")))
                points += _points(body)
                where = str(body.get("workspace", where))
        if not runs:
            raise NotFound(f"the contained run of entry {index} has not ended yet, or never began.")
        return Deed(index, tuple(points), where or workspaces.of({}))


class _Workspaces:
    """Where each session works, for names that a person reads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def saw(self, body: dict[str, Any]) -> None:
        """A `session.open` entry, or any other."""
        if "workspace" in body:
            self._known[_session(body)] = str(body["workspace"])

    def of(self, body: dict[str, Any]) -> str:
        """The workspace of an entry's session."""
        return self._known.get(_session(body), "")


def _session(body: dict[str, Any]) -> tuple[str, str]:
    principal = body.get("principal", {})
    return principal.get("agent", ""), principal.get("session", "")


def _deed(index: int, body: dict[str, Any], workspaces: _Workspaces) -> Deed:
    why = body["undo"].get("why", ())
    stays = tuple(str(reason) for reason in why) if isinstance(why, list) else ()
    return Deed(index, _points(body), str(body.get("workspace") or workspaces.of(body)), stays)


def _points(body: dict[str, Any]) -> tuple[Ref, ...]:
    named = body.get("undo", {}).get("points", ())
    pairs = [text.partition(":") for text in named if isinstance(text, str)]
    return tuple(Ref(kind, name) for kind, _, name in pairs)


def _body(found: Plan, name: str, person: str) -> dict[str, Any]:
    of = list(dict.fromkeys(step.entry for step in found.steps if step.changes))
    body: dict[str, Any] = {
        "by": person,
        "of": of[:_NAMED],
        "plan": found.digest,
        "changes": found.changes,
        "left": len(found.all_problems()),
        "undo": {"undoable": "yes", "points": [str(Ref(UNDO, name))]},
    }
    if found.workspace:
        body["workspace"] = cut(clean(found.workspace), 1_000)
    return body | ({"of_total": len(of)} if len(of) > _NAMED else {})
