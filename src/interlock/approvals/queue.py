"""The requests that wait for people, and the single use of each yes.

INVARIANT: every transition is one compare-and-swap: checked under one lock, made durable as one ledger entry that names
the state it came from, and only then applied. A crash between the two leaves the ledger ahead of memory, and `restore`
replays it: a yes that was spent stays spent. A caller that goes away in the middle does not stop it half-way.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec

from interlock.approvals import memory as kinds
from interlock.approvals.machine import GIVEN, LIVE, OPEN, Event, State, step
from interlock.approvals.memory import KINDS, Memory
from interlock.approvals.needs import Known, Needs, admit, covers, enough
from interlock.approvals.request import Request, Vote
from interlock.approvals.waiting import Waiting
from interlock.ledger.blobs import BlobStore
from interlock.model.errors import Refused

# Open questions at once. A person answers a few a minute; an agent that asks more floods the person, and this memory.
_OPEN_A_SESSION = 50
_OPEN_AT_ALL = 500
_NEVER = "9999-12-31T23:59:59Z"  # later than every stamp

Record = Callable[[str, dict[str, Any]], Awaitable[int]]
Halted = Callable[[Request], str]
_T = TypeVar("_T")


class Ticket(msgspec.Struct, frozen=True):
    """A yes in the broker's hand: good for one launch of one digest, until `execute_by`, under this epoch."""

    id: str
    request: int
    digest: str
    execute_by: str
    epoch: int


class Queue:
    """All requests of one daemon. `record` makes one ledger entry durable and returns its index.

    `halted` says why a request may not go on now ("" where nothing speaks against it): a freeze or a kill that covers
    it. `epoch` is the halts' epoch now. `store` keeps the cards that are longer than an entry.
    """

    def __init__(
        self,
        record: Record,
        *,
        now: Callable[[], str],
        known: Known,
        halted: Halted = lambda _: "",
        epoch: Callable[[], int] = lambda: 0,
        store: BlobStore | None = None,
    ) -> None:
        self.store = store
        self._record = record
        self._now = now
        self._known = known
        self.halted = halted
        self.epoch = epoch
        self._lock = asyncio.Lock()
        self._memory = Memory()
        self._waiting = Waiting(self._memory)
        self._running: set[asyncio.Task[Any]] = set()
        self.restore = self._memory.restore
        self.all = self._memory.all
        self.live = self._memory.live
        self.get = self._memory.get
        self.find = self._memory.find
        self.given = self._memory.given
        self.wait = self._waiting.wait
        self.held = self._waiting.held
        self.release = self._waiting.release

    # --- asking and deciding

    async def ask(self, draft: Request) -> Request:
        """Record a new question; an open one for the same digest is joined instead of asked twice.

        A question about the same call as it was before is superseded, and a yes to that has drifted: what the call
        stands for is another action now. Raises Refused when too many are open already.
        """
        return await self._whole(self._ask(draft))

    async def _ask(self, draft: Request) -> Request:
        known = self.find(draft.digest)
        if known is not None and known.state in LIVE:
            return known
        self._has_room(draft)
        for old in self.live():
            if draft.call and old.same_call == draft.same_call:
                ending = Event.SUPERSEDE if old.state in OPEN else Event.DRIFT
                await self._end(old, ending, "the same call stands for another action now")
                draft = msgspec.structs.replace(draft, replaces=old.id)
        draft = msgspec.structs.replace(
            draft, id=-1, state=step(State.PROPOSED, Event.ASK), nonce=secrets.token_hex(16), epoch=self.epoch()
        )
        body = msgspec.to_builtins(draft)
        del body["id"]
        index = await self._record(kinds.ASKED, body)
        request = msgspec.structs.replace(draft, id=index)
        self._memory.keep(request)
        return request

    async def approve(
        self, request_id: int, vote: Vote, *, execute_by: str, because: str = "", more: Mapping[str, Any] | None = None
    ) -> Request:
        """A yes; `more` goes into its entry. Raises Refused when it may not count: late, twice, weak, wrong person."""
        return await self._whole(self._approve(request_id, vote, execute_by, because, more))

    async def _approve(
        self, request_id: int, vote: Vote, execute_by: str, because: str, more: Mapping[str, Any] | None
    ) -> Request:
        request = self.get(request_id)
        self._in_time(request)
        if request.state not in OPEN:
            step(request.state, Event.APPROVE)
        halted = self.halted(request)
        if halted:
            await self._end(request, Event.REVOKE, halted)
            raise Refused(f"request {request.id} is revoked: {halted}")
        admit(request, vote, self._known)
        voted = msgspec.structs.replace(request, votes=(*request.votes, vote))
        full = enough(voted, self._known)
        change = {
            "votes": voted.votes,
            "decided_by": vote.name,
            "decided_how": vote.how,
            "because": because or request.because,
            "execute_by": execute_by if full else "",
        }
        return await self._move(request, Event.APPROVE if full else Event.APPROVE_SOME, kinds.DECIDED, change, more)

    async def deny(
        self, request_id: int, by: str, *, because: str, how: str = "", more: Mapping[str, Any] | None = None
    ) -> Request:
        """One person's no, with feedback for the agent. Raises Refused when it comes too late."""

        async def run() -> Request:
            change = {"because": because, "decided_by": by, "decided_how": how}
            return await self._move(self.get(request_id), Event.DENY, kinds.DECIDED, change, more)

        return await self._whole(run())

    # --- the single use of a yes

    async def ticket(self, digest: str, needs: Needs | None = None) -> Ticket | None:
        """Take the yes to exactly this action in hand, where there is one that still counts; None where there is none.

        An older ticket of the same yes that was not used is one no more. `needs` is what the action needs now: where
        that is more than was asked for, the yes is revoked.
        """
        return await self._whole(self._ticket(digest, needs))

    async def _ticket(self, digest: str, needs: Needs | None) -> Ticket | None:
        request = self.find(digest)
        if request is not None and request.state is State.TICKETED:
            # Whoever held it has not launched, or its entry would say so: the newest call gets the yes, and only it.
            request = await self._move(request, Event.RETURN, kinds.ENDED, {"ticket": ""})
        if request is None or request.state is not State.APPROVED:
            return None
        if needs is not None and not covers(request.needs, needs):
            await self._end(request, Event.REVOKE, "the rules ask for more now than when it was approved")
            return None
        if not await self._stands(request) or not self._in_order(request):
            return None
        issued = Ticket(secrets.token_hex(16), request.id, request.digest, request.execute_by, self.epoch())
        await self._move(request, Event.TICKET, kinds.TICKETED, {"ticket": issued.id}, {"epoch": issued.epoch})
        return issued

    async def use(self, digest: str, needs: Needs | None = None) -> Request | None:
        """Take the yes in hand and launch in one step, where nothing lies between the two; None where there is none."""

        async def run() -> Request | None:
            ticket = await self._ticket(digest, needs)
            return None if ticket is None else await self._launch(ticket, digest)

        return await self._whole(run())

    async def launch(self, ticket: Ticket, digest: str) -> Request:
        """Use a ticket: at most once, in time, for the digest as it is now (`digest`), unless something was revoked.

        INVARIANT: only what this returns may be started. Raises Refused, in the agent's words.
        """
        return await self._whole(self._launch(ticket, digest))

    async def _launch(self, ticket: Ticket, digest: str) -> Request:
        request = self.get(ticket.request)
        if request.state is not State.TICKETED or request.ticket != ticket.id or ticket.digest != request.digest:
            raise Refused(f"the ticket for request {ticket.request} was used or taken back already.")
        if digest != request.digest:
            await self._end(request, Event.DRIFT, "it was another action when it was to be launched")
            raise Refused(f"request {request.id}: what it would start has changed since a person said yes.")
        if not await self._stands(request):
            ended = self.get(request.id)
            raise Refused(f"request {request.id} is {ended.state.value}: {ended.because or 'its yes came too late'}.")
        return await self._move(request, Event.LAUNCH, kinds.USED, {"ticket": ""}, {"ticket": ticket.id})

    async def give_back(self, ticket: Ticket) -> None:
        """The launch did not happen (nobody waited for the answer): the yes is as unused as before."""

        async def run() -> None:
            request = self._memory.known(ticket.request)
            if request is not None and request.state is State.TICKETED and request.ticket == ticket.id:
                await self._move(request, Event.RETURN, kinds.ENDED, {"ticket": ""})

        await self._whole(run())

    async def finish(self, request_id: int, *, ok: bool) -> None:
        """The approved action came out."""

        async def run() -> None:
            request = self._memory.known(request_id)  # it may be forgotten by now; the ledger has it
            if request is not None and request.state is State.EXECUTING:
                await self._move(request, Event.SUCCEED if ok else Event.FAIL, kinds.ENDED, {})

        await self._whole(run())

    # --- what ends without being used

    async def recover(self) -> None:
        """After a start: tickets that a daemon before this one held were not used, or their entry would say so."""

        async def run() -> None:
            for request in self.live():
                if request.state is State.TICKETED:
                    await self._move(request, Event.RETURN, kinds.ENDED, {"ticket": ""})

        await self._whole(run())

    async def expire(self, *, everything: bool = False) -> None:
        """End what nobody decided or used in time; with `everything`, all that is open: no time can be trusted."""

        async def run() -> None:
            now = _NEVER if everything else self._now()
            for request in self.live():
                if request.state in OPEN and now > request.decide_by:
                    await self._move(request, Event.DECIDE_BY, kinds.ENDED, {})
                elif request.state in GIVEN and now > request.execute_by:
                    await self._move(request, Event.EXECUTE_BY, kinds.ENDED, {"ticket": ""})

        await self._whole(run())

    async def escalate(self, share: float) -> None:
        """Ask the next group where the one before had its `share` of the time to decide."""

        async def run() -> None:
            now = self._now()
            for request in self.live():
                groups = request.needs.groups
                if request.state not in OPEN or request.level + 1 >= len(groups) or share <= 0:
                    continue
                if now > _between(request.asked_at, request.decide_by, share * (request.level + 1)):
                    change = {"level": request.level + 1}
                    body = {"request": request.id, "digest": request.digest, "change": change}
                    await self._record(kinds.ESCALATED, {**body, "to": groups[request.level + 1]})
                    self._memory.keep(msgspec.structs.replace(request, level=request.level + 1))

        await self._whole(run())

    async def revoke(self, which: Callable[[Request], bool], because: str) -> tuple[int, ...]:
        """Take back every question and every unused yes that this is about; returns their numbers."""
        return await self._whole(self._end_all(which, Event.REVOKE, because))

    async def withdraw(self, which: Callable[[Request], bool], because: str) -> tuple[int, ...]:
        """Nobody wants these any more; returns their numbers."""
        return await self._whole(self._end_all(which, Event.WITHDRAW, because))

    async def drift(self, request_id: int) -> None:
        """What a yes was for is another action now."""

        async def run() -> None:
            request = self.get(request_id)
            if request.state in GIVEN:
                await self._end(request, Event.DRIFT, "it is another action now")

        await self._whole(run())

    async def people_changed(self) -> tuple[int, ...]:
        """A yes that is not enough any more without those who left is revoked; returns the requests' numbers."""

        def short(request: Request) -> bool:
            return request.state in GIVEN and not enough(request, self._known)

        return await self.revoke(short, "somebody who approved it may not approve any more")

    # --- the one way in which anything changes

    async def _move(
        self,
        request: Request,
        event: Event,
        kind: str,
        change: Mapping[str, Any],
        more: Mapping[str, Any] | None = None,
    ) -> Request:
        """The compare-and-swap: the lock is held, `request` is what memory has, the entry comes first."""
        after = {"state": step(request.state, event), **change}
        body = {
            "request": request.id,
            "digest": request.digest,
            "event": event.value,
            "from": request.state.value,
            "change": msgspec.to_builtins(after),
        }
        await self._record(kind, {**(more or {}), **body})
        changed = msgspec.structs.replace(request, **after)
        self._memory.keep(changed)
        if changed.state not in OPEN:
            self._waiting.tell(changed)
        return changed

    async def _end(self, request: Request, event: Event, because: str) -> Request:
        return await self._move(request, event, kinds.ENDED, {"because": because, "ticket": ""})

    async def _end_all(self, which: Callable[[Request], bool], event: Event, because: str) -> tuple[int, ...]:
        found = [request for request in self.live() if which(request)]
        for request in found:
            await self._end(request, event, because)
        return tuple(request.id for request in found)

    async def _whole(self, work: Awaitable[_T]) -> _T:
        """Run one operation under the lock to its end, also when the caller goes away meanwhile."""

        async def locked() -> _T:
            async with self._lock:
                return await work

        task = asyncio.ensure_future(locked())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    # --- what may count

    async def _stands(self, request: Request) -> bool:
        """Whether a yes may still be used now; what stands against it is recorded."""
        if self._now() > request.execute_by:
            await self._move(request, Event.EXECUTE_BY, kinds.ENDED, {"ticket": ""})
            return False
        reason = self.halted(request)
        if not reason and not enough(request, self._known):
            reason = "somebody who approved it may not approve any more"
        if reason:
            await self._end(request, Event.REVOKE, reason)
        return not reason

    def _in_order(self, request: Request) -> bool:
        """Whether what an ordered plan puts before this request has been launched."""
        if request.plan is None or request.plan.before < 0:
            return True
        before = self._memory.known(request.plan.before)
        return before is not None and before.state in {State.EXECUTING, State.DONE, State.FAILED}

    def _has_room(self, draft: Request) -> None:
        waiting = [request for request in self.live() if request.state in OPEN]
        of_session = sum(request.session == draft.session for request in waiting)
        if of_session >= _OPEN_A_SESSION or len(waiting) >= _OPEN_AT_ALL:
            raise Refused(
                f"{of_session if of_session >= _OPEN_A_SESSION else len(waiting)} questions wait for a person "
                "already (interlock inbox). Wait for answers before asking more."
            )

    def _in_time(self, request: Request) -> None:
        if request.state in OPEN and self._now() > request.decide_by:
            raise Refused(f"request {request.id} expired at {request.decide_by}. Let the agent ask again.")


def _between(start: str, end: str, share: float) -> str:
    """The moment a share of the way from one stamp to another."""
    from datetime import datetime

    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return (first + (last - first) * min(share, 1.0)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


__all__ = ["KINDS", "Queue", "Record", "Ticket"]
