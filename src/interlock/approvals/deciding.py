"""How a person's word reaches the requests: from a terminal that the kernel vouches for, in the panel, or signed.

All are one `Decision`. At a terminal and in the panel the daemon writes the text itself; of a signed one it checks that
the text is about the requests as they are stored. Several requests in one decision share an entry (`approval.batch`),
and each has its own transition that names it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from interlock.approvals import decision as decisions
from interlock.approvals.decision import Decision, Verdict
from interlock.approvals.machine import OPEN, Event, step
from interlock.approvals.needs import admit
from interlock.approvals.queue import Queue
from interlock.approvals.request import Request, Vote
from interlock.identity.people import People, Person
from interlock.identity.proofs import Proof, Proven, prove
from interlock.identity.sshsig import DECISION
from interlock.model.action import Principal
from interlock.model.errors import InterlockError, NotFound, Refused
from interlock.model.fingerprint import code as code_of

BATCH = "approval.batch"

Pause = Callable[[Principal, str, str], Awaitable[object]]


class Said(msgspec.Struct, frozen=True):
    """What came of a decision for one request: as it stands now, and why it could not be decided, if so."""

    request: Request
    refused: str = ""


class Deciding:
    """Takes decisions. `execute_by` gives the end of a yes; `pause` stops a session; `counted` records a passkey's use;
    `record` makes an entry durable; `now` is in seconds, `stamp` the same as RFC 3339.
    """

    def __init__(
        self,
        queue: Queue,
        people: People,
        *,
        record: Callable[[str, dict[str, Any]], Awaitable[int]],
        execute_by: Callable[[Request], str],
        pause: Pause,
        counted: Callable[[str, int], Awaitable[None]],
        now: Callable[[], float],
        stamp: Callable[[], str],
    ) -> None:
        self._queue = queue
        self._people = people
        self._record = record
        self._execute_by = execute_by
        self._pause = pause
        self._counted = counted
        self._now = now
        self._stamp = stamp

    def draft(self, ids: Sequence[int], verdict: Verdict, approver: str, feedback: str, shown_ms: int) -> Decision:
        """The decision that this person would sign now. Raises NotFound, Refused."""
        return decisions.draft(
            self._people.origin,
            self._found(ids),
            verdict=verdict,
            approver=self._people.get(approver).name,
            epoch=self._queue.epoch(),
            decided_at=self._stamp(),
            feedback=feedback,
            shown_ms=shown_ms,
        )

    async def at_terminal(
        self,
        uid: int,
        ids: Sequence[int],
        verdict: Verdict,
        *,
        code: str,
        feedback: str = "",
        shown_ms: int = 0,
        login: int = -1,
    ) -> list[Said]:
        """The word of whoever has this uid; `code` is what they typed of the fingerprint, `login` the entry of the
        panel's session in which they said it, -1 at a terminal.
        """
        person = self._people.by_uid(uid)
        if person is None:
            raise Refused(f"the user with uid {uid} is nobody whom this Interlock knows (interlock people list).")
        requests = self._found(ids)
        typed = bool(code) and code.strip().lower() == code_of(decisions.printed(self._people.origin, requests))
        decision = self.draft(ids, verdict, person.name, feedback, shown_ms)
        proof = {"how": "uid", "typed": typed} if login < 0 else {"how": "panel", "login": login, "typed": typed}
        vote = Vote(person.name, decision.decided_at, str(proof["how"]), strong=typed, since=person.since)
        return await self._apply(decision, requests, vote, proof)

    async def from_afar(
        self, name: str, ids: Sequence[int], verdict: Verdict, feedback: str, shown_ms: int, login: int
    ) -> list[Said]:
        """The word of somebody who signed in to the panel from another machine. What is strong there is signed: a code
        that is typed shows that the card was read, not whose hand it was.
        """
        person, requests = self._people.get(name), self._found(ids)
        decision = self.draft(ids, verdict, person.name, feedback, shown_ms)
        vote = Vote(person.name, decision.decided_at, "panel", since=person.since)
        return await self._apply(decision, requests, vote, {"how": "panel", "login": login, "typed": False})

    async def signed(self, raw: bytes, proof: Proof, *, login: int = -1) -> list[Said]:
        """A decision that somebody signed elsewhere, or in a session of the panel (`login`, its entry).

        Raises AgentError, Refused, NotFound: it counts for nothing.
        """
        decision = decisions.parse(raw)
        requests = self._found([item.request for item in decision.items])
        proven = prove(self._people, proof, decision.text(), DECISION)
        decisions.check(decision, requests, log=self._people.origin, epoch=self._queue.epoch(), now=self._now())
        person = self._signer(decision, proven)
        if proven.counter:
            await self._counted(proven.key.id, proven.counter)
        vote = Vote(person.name, self._stamp(), proof.how, proven.key.id, strong=True, since=person.since)
        where = {"login": login} if login >= 0 else {}
        return await self._apply(decision, requests, vote, msgspec.to_builtins(proof) | where)

    def _signer(self, decision: Decision, proven: Proven) -> Person:
        if proven.person != decision.approver:
            raise Refused(f"the decision speaks for {decision.approver[:64]}, and {proven.person} signed it.")
        return self._people.get(proven.person)

    def _found(self, ids: Sequence[int]) -> list[Request]:
        if not ids or len(ids) > decisions.MOST:
            raise Refused(f"decide on 1 to {decisions.MOST} requests at once, not on {len(ids)}.")
        if len(set(ids)) != len(ids):
            raise Refused("a request is named twice in one decision.")
        return [self._queue.get(number) for number in sorted(ids)]

    async def _apply(
        self, decision: Decision, requests: Sequence[Request], vote: Vote, proof: dict[str, Any]
    ) -> list[Said]:
        """Each request's own transition. Of several, what cannot be decided is said and does not stop the others."""
        more: dict[str, Any] = {"decision": decisions.facts(decision), "proof": proof}
        if len(requests) > 1:
            self._any_possible(decision, requests, vote)
            more = {"batch": await self._record(BATCH, more), "root": decision.root}
        found: list[Said] = []
        for request in requests:
            try:
                found.append(Said(await self._one(decision, request, vote, more)))
            except (Refused, NotFound) as error:
                if len(requests) == 1:
                    raise
                found.append(Said(self._queue.get(request.id), str(error)))
        if decision.verdict == "deny_and_pause":
            for principal in {request.session: request.principal for request in requests}.values():
                await self._pause(principal, decision.feedback or "a person denied what it asked", vote.name)
        return found

    async def _one(self, decision: Decision, request: Request, vote: Vote, more: dict[str, Any]) -> Request:
        if decision.verdict == "approve":
            until = self._execute_by(request)
            return await self._queue.approve(request.id, vote, execute_by=until, because=decision.feedback, more=more)
        return await self._queue.deny(request.id, vote.name, because=decision.feedback, how=vote.how, more=more)

    def _any_possible(self, decision: Decision, requests: Sequence[Request], vote: Vote) -> None:
        """A batch of which nothing can be decided leaves no entry. Raises the last request's reason."""
        last: InterlockError | None = None
        for request in requests:
            try:
                if decision.verdict != "approve":
                    step(request.state, Event.DENY)
                elif request.state not in OPEN:
                    step(request.state, Event.APPROVE)
                else:
                    admit(request, vote, self._people)
            except InterlockError as error:
                last = error
            else:
                return
        if last is not None:
            raise last
