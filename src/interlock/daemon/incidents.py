"""What a person says of incidents: records one, closes one; and what the ledger knows to stand behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from interlock.broker.clock import Clock, seconds, stamp
from interlock.changes.provenance.gitread import Repo
from interlock.changes.provenance.journal import named
from interlock.daemon.attesting import Attester
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text, texts
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.daemon.takenback import action, holding
from interlock.daemon.traced import INTENT, entries, origin, touching, traced
from interlock.daemon.tracking import Tracker
from interlock.ledger.store import Ledger
from interlock.model.errors import AgentError, NotFound, UsageError
from interlock.watch import incidents

_SHOWN = 200  # actions behind one incident that are told; their number is told whole
_CLOCKS = 60.0  # seconds that a clock may be wrong by


class IncidentDesk:
    """Takes a person's word alone: an incident decides how changes are scored, and whose work is looked at."""

    def __init__(
        self, tracker: Tracker, attester: Attester, *, ledger: Ledger, recorder: LedgerRecorder, callers: Callers,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._tracker = tracker
        self._attester = attester
        self._ledger = ledger
        self._recorder = recorder
        self._callers = callers
        self._clock = clock

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {
            "incident.record": self._record,
            "incident.close": self._close,
            "incident.list": self._list,
            "incident.show": self._show,
            "incident.touching": self._touching,
            "incident.commits": self._commits,
        }

    async def _record(self, params: dict[str, Any], peer: Peer) -> Any:
        by = self._callers.known(peer).name
        at = self._when(text(params, "at", ""))
        repo, commits = await self._named(params)
        await self._recorder.settle()
        actions = await asyncio.to_thread(self._actions, self._numbers(params, "actions"))
        sessions = texts(params, "sessions")
        rows = [{"repository": named(repo.common), "commit": name} for name in commits] if repo else []
        said: dict[str, Any] = {"commits": rows, "actions": actions, "sessions": sessions}
        behind = await asyncio.to_thread(traced, self._ledger, said)
        missing = set(sessions) - {str(act.get("session")) for act in behind}
        if missing:
            raise NotFound(f"session {sorted(missing)[0]!r} has no action in the ledger. `interlock log` shows them.")
        body = incidents.body(
            text(params, "what"), at=at, severity=text(params, "severity"), by=by, behind=behind, **said
        )
        return {"entry": await self._recorder.record(incidents.KIND, body), **body}

    def _when(self, given: str) -> str:
        if not given:
            return self._clock.stamp()
        try:
            moment = seconds(given)
        except ValueError as error:
            raise UsageError(f"{given[:40]!r} is no time. Write it like 2026-11-29T10:00:00+01:00.") from error
        if moment > self._clock.now() + _CLOCKS:
            raise UsageError(f"{given[:40]} is to come: an incident has happened.")
        return stamp(moment)

    async def _named(self, params: dict[str, Any]) -> tuple[Repo | None, list[str]]:
        """The repository and the full names of the commits, each attested by now."""
        revisions = texts(params, "commits")
        if not revisions:
            return None, []
        repo = await self._tracker.here(text(params, "cwd"))
        await self._tracker.look(repo)
        found = [await asyncio.to_thread(repo.commit, revision) for revision in revisions]
        for name in found:
            await self._attester.attest(repo, name)
        return repo, list(dict.fromkeys(found))

    def _numbers(self, params: dict[str, Any], name: str) -> list[int]:
        numbers = params.get(name, [])
        if not isinstance(numbers, list) or len(numbers) > _SHOWN:
            raise AgentError(f"{name} is no list of at most {_SHOWN} entries.")
        return [integer({name: number}, name) for number in numbers]

    def _actions(self, numbers: list[int]) -> list[int]:
        """The actions that these entries are of. Raises NotFound."""
        found = []
        for number in numbers:
            entry = action(self._ledger, number)
            if not 0 <= entry < self._ledger.size or self._ledger.entry(entry).kind != INTENT:
                raise NotFound(f"entry {number} is no action. `interlock log` lists them.")
            found.append(entry)
        return list(dict.fromkeys(found))

    async def _close(self, params: dict[str, Any], peer: Peer) -> Any:
        by = self._callers.known(peer).name
        number, how = integer(params, "id"), text(params, "as")
        await self._recorder.settle()
        entries = await asyncio.to_thread(self._entries)
        body = incidents.closing(entries, number, how, by, text(params, "because", ""))
        return {"entry": await self._recorder.record(incidents.CLOSE, body), **body}

    async def _list(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        await self._recorder.settle()
        return {"incidents": incidents.listed(await asyncio.to_thread(self._entries))}

    async def _show(self, params: dict[str, Any], peer: Peer) -> Any:
        """One, and the actions behind it as the ledger has them now."""
        del peer
        await self._recorder.settle()
        one = incidents.get(incidents.listed(await asyncio.to_thread(self._entries)), integer(params, "id"))
        behind = await asyncio.to_thread(traced, self._ledger, one)
        return {**one, "traced": behind[:_SHOWN], "more": max(0, len(behind) - _SHOWN)}

    async def _touching(self, params: dict[str, Any], peer: Peer) -> Any:
        """The incidents that were traced to what these entries are of; with `cwd`, also to commits of that repository,
        by their names."""
        del peer
        names = texts(params, "commits")
        common = named((await self._tracker.here(text(params, "cwd"))).common) if names else ""
        numbers = self._numbers(params, "entries")
        await self._recorder.settle()
        of = await asyncio.to_thread(origin, self._ledger, numbers)
        found = await asyncio.to_thread(touching, self._ledger, of, [(common, name) for name in names])
        return {"incidents": found[:_SHOWN], "more": max(0, len(found) - _SHOWN)}

    async def _commits(self, params: dict[str, Any], peer: Peer) -> Any:
        """Commit of this repository -> the incident that came from it. One that was no incident counts for nothing."""
        del peer
        name = named((await self._tracker.here(text(params, "cwd"))).common)
        await self._recorder.settle()
        return {"commits": await asyncio.to_thread(self._outcomes, name)}

    def _outcomes(self, repository: str) -> dict[str, int]:
        known = [one for one in incidents.listed(self._entries()) if one["state"] != "mistaken"]
        acts = {int(entry): int(one["entry"]) for one in known for entry in one["actions"]}
        found = holding(self._ledger, repository, acts)
        for one in known:
            found |= {row["commit"]: one["entry"] for row in one["commits"] if row["repository"] == repository}
        return found

    def _entries(self) -> list[tuple[int, dict[str, Any]]]:
        return entries(self._ledger)
