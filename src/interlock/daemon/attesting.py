"""Commits as they are attested: when the daemon sees one, or when a person asks. Kept with the ledger, never in the
repository.

One commit at a time, beside everything else: no action waits for it. What a daemon that ended had not attested is
attested when somebody asks for it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any, NamedTuple

import structlog

from interlock.broker.clock import Clock
from interlock.broker.records import INTENT, OUTCOME
from interlock.changes.provenance import attest, story
from interlock.changes.provenance.attest import Behind
from interlock.changes.provenance.blame import Blame
from interlock.changes.provenance.gitread import Facts, Repo
from interlock.changes.provenance.journal import named
from interlock.changes.provenance.owners import actions, author
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.tracking import Tracker
from interlock.ledger.dsse import MEDIA_TYPE, sealed
from interlock.ledger.note import Signer
from interlock.ledger.store import Ledger
from interlock.model.errors import InterlockError

log = structlog.get_logger()

_FILES = 200  # of one commit whose lines are looked at
_ENTRIES = 20_000  # before a commit that are searched for tests
_WAITING = 500  # commits that wait; what is more is attested when somebody asks


class Attested(NamedTuple):
    """The entry of an attestation, and its envelope."""

    entry: int
    envelope: bytes


class Attester:
    """Makes attestations, and finds those that were made."""

    def __init__(
        self, *, tracker: Tracker, ledger: Ledger, recorder: LedgerRecorder, signer: Signer, clock: Clock, person: str
    ) -> None:
        self._tracker = tracker
        self._ledger = ledger
        self._recorder = recorder
        self._signer = signer
        self._clock = clock
        self._person = person
        self._known: dict[tuple[str, str], int] = {}
        self._read = 0  # entries that were searched for attestations
        self._one = asyncio.Lock()
        self._waiting: dict[tuple[str, str], Repo] = {}
        self._worker: asyncio.Task[None] | None = None

    def committed(self, repo: Repo, commit: str) -> None:
        """A commit was seen to be made: attest it soon."""
        if len(self._waiting) < _WAITING:
            self._waiting[repo.common, commit] = repo
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while self._waiting:
            (_, commit), repo = next(iter(self._waiting.items()))
            try:
                await self.attest(repo, commit)
            except (InterlockError, OSError) as error:
                log.warning("provenance.unattested", problem=str(error), commit=commit)
            except Exception:  # a bug over one commit costs that one, not all that come after it
                log.exception("provenance.unattested", commit=commit)
            self._waiting.pop((repo.common, commit), None)

    async def attest(self, repo: Repo, commit: str) -> Attested:
        """The attestation of a commit, made now where there is none. Raises InterlockError, OSError."""
        async with self._one:
            await self._recorder.settle()
            await asyncio.to_thread(self._search)
            known = self._known.get((named(repo.common), commit))
            if known is None:
                fact, raw, predicate = await asyncio.to_thread(self._statement, repo, commit)
                envelope = sealed(self._signer, attest.subjects(fact, raw), attest.PREDICATE, predicate)
                descriptor = await asyncio.to_thread(self._ledger.blobs.put, envelope, MEDIA_TYPE)
                inside = predicate["buildDefinition"]["internalParameters"]
                body = {
                    "repository": named(repo.common),
                    "commit": fact.commit,
                    "tree": fact.tree,
                    "statement": descriptor,
                    "lines": inside["lines"],
                    "actions": len(inside["actions"]),
                }
                known = await self._recorder.record(attest.KIND, body)
                self._known[named(repo.common), commit] = known
        entry = json.loads(await asyncio.to_thread(lambda: self._ledger.entry(known).raw))
        envelope = await asyncio.to_thread(self._ledger.blobs.get, entry["body"]["statement"]["digest"])
        return Attested(known, envelope)

    def _search(self) -> None:
        size = self._ledger.size
        for stored in self._ledger.entries(self._read, size, kinds=[attest.KIND]):
            body = json.loads(stored.raw)["body"]
            self._known.setdefault((str(body["repository"]), str(body["commit"])), stored.index)
        self._read = size

    def _statement(self, repo: Repo, commit: str) -> tuple[Facts, bytes, dict[str, Any]]:
        fact = repo.facts([commit])[0]
        behind = self._behind(repo, fact)
        return fact, repo.raw(commit), attest.predicate(fact, behind, self._signer.name, self._clock.stamp())

    def _behind(self, repo: Repo, fact: Facts) -> Behind:
        journal = self._tracker.observer.journals.of(repo.common)
        made = journal.commits.get(fact.commit)
        paths = repo.touched(fact.commit)
        lines: Counter[str] = Counter()
        entries: set[int] = set() if made is None or made.intent < 0 else {made.intent}
        left_out = max(0, len(paths) - _FILES)
        blame = Blame(repo, self._tracker.observer)
        for path in paths[:_FILES]:
            told = blame.at(fact.commit, path)
            if told is None:
                left_out += 1
                continue
            for line in told.lines:
                if line.commit == fact.commit:
                    lines[author(line.owner).value] += 1
                    entries.update(actions(line.owner))
        acts = [self._act(index) for index in sorted(entries) if 0 <= index < self._ledger.size]
        sessions = {str(act["session"]) for act in acts if act.get("session")}
        stop = made.entry if made is not None else max(entries, default=-1) + 1
        before = [journal.commits[one].entry for one in fact.parents if one in journal.commits]
        start = max(*before, journal.first, stop - _ENTRIES, 0) if before else max(journal.first, stop - _ENTRIES, 0)
        tests = self.tested(start, stop, sessions) if sessions else []
        return Behind(
            dict(sorted(lines.items())),
            acts,
            tests,
            how=made.how if made is not None else "",
            by=made.by if made is not None else "unknown",
            left_out=left_out,
            person=self._person,
        )

    def tested(self, start: int, stop: int, sessions: set[str]) -> list[dict[str, Any]]:
        """The runs of tests of these sessions among the entries from `start` to before `stop`."""
        return attest.tested(self._between(start, stop), sessions)

    def _act(self, index: int) -> dict[str, Any]:
        return story.action(index, json.loads(self._ledger.entry(index).raw))

    def _between(self, start: int, stop: int) -> list[tuple[int, str, dict[str, Any]]]:
        found = self._ledger.entries(start, stop, kinds=[INTENT, OUTCOME])
        return [(stored.index, stored.kind, json.loads(stored.raw)) for stored in found]
