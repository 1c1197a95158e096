"""What a person says of incidents: records one, closes one; and what the ledger knows to stand behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from interlock.broker.clock import Clock, seconds, stamp
from interlock.changes.provenance.journal import named
from interlock.daemon.attesting import Attester
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text, texts
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.daemon.takenback import holding
from interlock.daemon.traced import Commit, Origin, attestations, entries, marks, origin, touching, traced
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
            "incident.origin": self._origin,
            "incident.touching": self._touching,
            "incident.marks": self._marks,
            "incident.commits": self._commits,
        }

    async def _record(self, params: dict[str, Any], peer: Peer) -> Any:
        by = self._callers.known(peer).name
        at = self._when(text(params, "at", ""))
        commits = await self._named(params)
        of = await self._of(params)
        for commit in of.commits:
            await self._attested(*commit)
        commits = list(dict.fromkeys((*commits, *of.commits)))
        said = _said(commits, of.actions, texts(params, "sessions"))
        behind = await self._behind(said)
        body = incidents.body(
            text(params, "what"), at=at, severity=text(params, "severity"), by=by, behind=behind, **said
        )
        return {"entry": await self._recorder.record(incidents.KIND, body), **body}

    async def _origin(self, params: dict[str, Any], peer: Peer) -> Any:
        """What an incident of these entries and sessions would be of, and what stands behind that; nothing is recorded.
        Of a commit that is not attested yet nothing is known before it is.
        """
        del peer
        of = await self._of(params)
        said = _said(of.commits, of.actions, texts(params, "sessions"))
        behind = await self._behind(said)
        known = await asyncio.to_thread(attestations, self._ledger, of.commits)
        return {**said, "behind": incidents.named(behind), "unattested": len(set(of.commits) - set(known))}

    async def _of(self, params: dict[str, Any]) -> Origin:
        """What the entries of `entries` and `actions` are of. Raises AgentError, NotFound."""
        acts, numbers = self._numbers(params, "actions"), self._numbers(params, "entries")
        await self._recorder.settle()
        for number in acts:
            if not (await asyncio.to_thread(origin, self._ledger, [number])).actions:
                raise NotFound(f"entry {number} is no action. `interlock log` lists them.")
        of = await asyncio.to_thread(origin, self._ledger, [*acts, *numbers])
        if of.others:
            raise NotFound(
                f"entry {of.others[0]} is no action, and of no commit: an incident comes from one of these, or from a "
                "session. `interlock log` lists entries, and so does the panel's Ledger."
            )
        return of

    async def _behind(self, said: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The actions behind what an incident names. Raises NotFound for a session that has none."""
        behind = await asyncio.to_thread(traced, self._ledger, said)
        missing = set(said["sessions"]) - {str(act.get("session")) for act in behind}
        if missing:
            raise NotFound(f"session {sorted(missing)[0]!r} has no action in the ledger. `interlock log` shows them.")
        return behind

    async def _attested(self, repository: str, commit: str) -> None:
        """See to it that a commit which an entry names is attested: only that leads to its actions. Raises NotFound."""
        if await asyncio.to_thread(attestations, self._ledger, [(repository, commit)]):
            return
        await self._tracker.hear()
        repo = await self._tracker.find(repository.removesuffix("/.git")) if repository else None
        if repo is None or named(repo.common) != repository:
            raise NotFound(
                f"commit {commit[:12]} is not attested, and its repository is not found on this machine. Where it is: "
                f"interlock incident record --commit {commit[:12]}"
            )
        await self._attester.attest(repo, commit)

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

    async def _named(self, params: dict[str, Any]) -> list[Commit]:
        """The commits that somebody names by revisions of their repository, each attested by now."""
        revisions = texts(params, "commits")
        if not revisions:
            return []
        repo = await self._tracker.here(text(params, "cwd"))
        await self._tracker.look(repo)
        found = [await asyncio.to_thread(repo.commit, revision) for revision in revisions]
        for name in found:
            await self._attester.attest(repo, name)
        return [(named(repo.common), name) for name in found]

    def _numbers(self, params: dict[str, Any], name: str) -> list[int]:
        numbers = params.get(name, [])
        if not isinstance(numbers, list) or len(numbers) > _SHOWN:
            raise AgentError(f"{name} is no list of at most {_SHOWN} entries.")
        return [integer({name: number}, name) for number in numbers]

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
        """One, the actions behind it as the ledger has them now, and the attestations of its commits in their order."""
        del peer
        await self._recorder.settle()
        one = incidents.get(incidents.listed(await asyncio.to_thread(self._entries)), integer(params, "id"))
        behind = await asyncio.to_thread(traced, self._ledger, one)
        names = [(str(row["repository"]), str(row["commit"])) for row in one["commits"]]
        known = await asyncio.to_thread(attestations, self._ledger, names)
        attested = [known.get(name, -1) for name in names]
        return {**one, "traced": behind[:_SHOWN], "more": max(0, len(behind) - _SHOWN), "attested": attested}

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
        return {"incidents": found[:_SHOWN], "more": max(0, len(found) - _SHOWN), "of": bool(of.commits or of.actions)}

    async def _marks(self, params: dict[str, Any], peer: Peer) -> Any:
        """Of each of these entries that has any, how many open incidents were traced to what it is of."""
        del peer
        numbers = self._numbers(params, "entries")
        await self._recorder.settle()
        found = await asyncio.to_thread(marks, self._ledger, numbers)
        return {"marks": {str(number): len(those) for number, those in found.items()}}

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


def _said(commits: Iterable[Commit], actions: Iterable[int], sessions: Iterable[str]) -> dict[str, list[Any]]:
    """What an incident names, as its entry has it."""
    rows = [{"repository": repository, "commit": name} for repository, name in commits]
    return {"commits": rows, "actions": list(actions), "sessions": list(sessions)}
