"""What somebody says of a commit that they looked at or tested: recorded with who the daemon saw say it.

An agent speaks for the session of its own process alone, a person only from outside of every agent's process.
Sub-agents share their session's process and are the same hand as it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from interlock.broker.broker import Broker
from interlock.broker.clock import Clock
from interlock.broker.session import Session
from interlock.changes.provenance import attest, review
from interlock.changes.provenance.gitread import Repo
from interlock.changes.provenance.journal import named
from interlock.daemon.attesting import Attester
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import text
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.daemon.tracking import Tracker
from interlock.ledger.dsse import MEDIA_TYPE, sealed
from interlock.ledger.note import Signer
from interlock.ledger.store import Ledger
from interlock.model.errors import AgentError, Refused


class ReviewDesk:
    """Takes reviews, and hands out those of a commit."""

    def __init__(
        self, broker: Broker, tracker: Tracker, attester: Attester, *, ledger: Ledger, recorder: LedgerRecorder,
        callers: Callers, clock: Clock, signer: Signer,
    ) -> None:  # fmt: skip
        self._broker = broker
        self._tracker = tracker
        self._attester = attester
        self._ledger = ledger
        self._recorder = recorder
        self._callers = callers
        self._clock = clock
        self._signer = signer

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"review.say": self._say, "review.of": self._of}

    async def _say(self, params: dict[str, Any], peer: Peer) -> Any:
        role, says, because = text(params, "role"), text(params, "says"), text(params, "because", "")
        if role not in review.ROLES or says not in review.SAYS:
            raise AgentError("a review is of a critic or a tester, and says ok or no.")
        session = self._session(peer, text(params, "session", ""))
        by = _by(session) if session is not None else {"person": self._callers.known(peer).name}
        repo, commit = await self._commit(params)
        runs = await asyncio.to_thread(self._runs, repo, commit, session) if role == "tester" and session else []
        if role == "tester" and session is not None and says == "ok" and not (runs and runs[-1]["passed"]):
            raise Refused(
                "the ledger shows no run of tests of this session that passed since it saw this commit. "
                "Run them first, by a command that says so (pytest, npm test, cargo test …)."
            )
        said = review.predicate(role, says, because, by, runs=runs, made=self._clock.stamp())
        return await self.record(repo, commit, said)

    def _session(self, peer: Peer, wanted: str) -> Session | None:
        """The session whose process called; None for a person. Raises Refused where it cannot be told."""
        agent = self._callers.whoever(peer).agent
        if agent == "person":
            return None
        process = self._callers.process(peer)
        own = [one for one in self._broker.sessions.all() if process and one.process == process]
        mine = [one for one in own if wanted in ("", one.principal.session)]
        if len(mine) != 1:
            raise Refused(
                f"it cannot be told for which session of {agent} this is said: its process has {len(own)} that "
                "Interlock knows. Name one of them: --session."
            )
        return mine[0]

    def _runs(self, repo: Repo, commit: str, session: Session) -> list[dict[str, Any]]:
        made = self._tracker.observer.journals.of(repo.common).commits.get(commit)
        start = max(session.opened, made.entry if made is not None else 0)
        return self._attester.tested(start, self._ledger.size, {session.principal.session})

    async def record(
        self, repo: Repo, commit: str, predicate: dict[str, Any], proof: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Make a review durable; `proof` is what its entry holds beside, for who verifies the ledger alone."""
        fact, raw = (await asyncio.to_thread(repo.facts, [commit]))[0], await asyncio.to_thread(repo.raw, commit)
        envelope = sealed(self._signer, attest.subjects(fact, raw), review.PREDICATE, predicate)
        descriptor = await asyncio.to_thread(self._ledger.blobs.put, envelope, MEDIA_TYPE)
        body = {
            "repository": named(repo.common),
            "commit": fact.commit,
            "tree": fact.tree,
            "role": predicate["role"],
            "says": predicate["says"],
            "by": predicate["by"],
            "statement": descriptor,
            **({"proof": dict(proof)} if proof else {}),
        }
        entry = await self._recorder.record(review.KIND, body)
        return {"entry": entry, "commit": fact.commit, **predicate}

    async def _of(self, params: dict[str, Any], peer: Peer) -> Any:
        """The reviews of a commit, each as a bundle on one line."""
        del peer
        _, commit = await self._commit(params)
        await self._recorder.settle()
        return {"commit": commit, "reviews": await asyncio.to_thread(self._bundles, commit)}

    def _bundles(self, commit: str) -> list[str]:
        found = []
        for stored in self._ledger.entries(kinds=[review.KIND]):
            body = json.loads(stored.raw)["body"]
            if body["commit"] == commit:
                envelope = self._ledger.blobs.get(body["statement"]["digest"])
                whole = attest.bundle(envelope, stored.raw, self._ledger.proof(stored.index), review.KIND)
                found.append(json.dumps(json.loads(whole), sort_keys=True, separators=(",", ":")))
        return found

    async def _commit(self, params: dict[str, Any]) -> tuple[Repo, str]:
        repo = await self._tracker.here(text(params, "cwd"))
        await self._tracker.look(repo)
        return repo, await asyncio.to_thread(repo.commit, text(params, "revision"))


def _by(session: Session) -> dict[str, str]:
    who = session.principal
    said = {"agent": who.agent, "session": who.session, "name": session.identity.name, "person": who.person}
    return {name: value for name, value in said.items() if value}
