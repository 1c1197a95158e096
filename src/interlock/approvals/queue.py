"""The requests that wait for people, and the single use of each yes.

INVARIANT: every transition is checked, made durable in the ledger and only then applied, under one lock. A crash
between the two leaves the ledger ahead of memory, and `restore` replays it: a yes that was spent stays spent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from interlock.approvals.machine import LIVE, OPEN, Event, State, step
from interlock.approvals.request import Approver, Request, Vote
from interlock.model.decision import Rung
from interlock.model.errors import NotFound, Refused

ASKED = "approval.request"
DECIDED = "approval.decision"
USED = "approval.use"
ENDED = "approval.end"
KINDS = (ASKED, DECIDED, USED, ENDED)

# Open questions at once. A person answers a few a minute; an agent that asks more floods the person, and this memory.
_OPEN_A_SESSION = 50
_OPEN_AT_ALL = 500
_REMEMBERED = 1_000  # finished requests kept in memory for `interlock inbox --all`; the ledger keeps the rest

_NEVER = "9999-12-31T23:59:59Z"  # later than every stamp

Record = Callable[[str, dict[str, Any]], Awaitable[int]]


class Queue:
    """All requests of one daemon. `record` makes one ledger entry durable and returns its index."""

    def __init__(self, record: Record, *, now: Callable[[], str], owner: int) -> None:
        self._record = record
        self._now = now
        self._owner = owner
        self._lock = asyncio.Lock()
        self._requests: dict[int, Request] = {}
        self._by_digest: dict[str, int] = {}
        self._waiters: dict[int, list[asyncio.Future[Request]]] = {}
        self._released = False

    def restore(self, entries: Iterable[tuple[int, str, dict[str, Any]]]) -> list[int]:
        """Rebuild from ledger entries of `KINDS`, oldest first: (index, kind, body).

        Returns the entries that cannot be understood (another version wrote them). What such an entry is about is
        dropped: a yes whose use cannot be read must not come back as unused.
        """
        strange: list[int] = []
        for index, kind, body in entries:
            about = index if kind == ASKED else body.get("request")
            try:
                if kind == ASKED:
                    self._keep(msgspec.convert({**body, "id": index}, Request))
                elif (request := self._requests.get(body["request"])) is not None:
                    changed = {**msgspec.to_builtins(request), **body["change"]}
                    self._keep(msgspec.convert(changed, Request))
            except (msgspec.ValidationError, KeyError, TypeError):
                strange.append(index)
                if isinstance(about, int) and (dropped := self._requests.pop(about, None)) is not None:
                    self._by_digest.pop(dropped.digest, None)
        return strange

    def all(self) -> tuple[Request, ...]:
        """Every remembered request, oldest first."""
        return tuple(self._requests.values())

    def get(self, request_id: int) -> Request:
        """One request. Raises NotFound."""
        try:
            return self._requests[request_id]
        except KeyError:
            raise NotFound(f"no request {request_id}. `interlock inbox --all` lists them.") from None

    def find(self, digest: str) -> Request | None:
        """The newest request for exactly this action, whatever its state."""
        index = self._by_digest.get(digest)
        return None if index is None else self._requests.get(index)

    async def ask(self, draft: Request) -> Request:
        """Record a new question; an open one for the same digest is joined instead of asked twice.

        Raises Refused when too many are open already.
        """
        async with self._lock:
            known = self.find(draft.digest)
            if known is not None and known.state in LIVE:
                return known
            self._has_room(draft)
            body = msgspec.to_builtins(draft)
            del body["id"]
            index = await self._record(ASKED, body)
            request = msgspec.structs.replace(draft, id=index)
            self._keep(request)
            return request

    async def approve(self, request_id: int, approver: Approver, *, code: str, execute_by: str) -> Request:
        """A yes. Raises Refused when it may not count: late, twice, weak, or the owner where others must."""
        async with self._lock:
            request = self.get(request_id)
            self._in_time(request)
            if request.state not in OPEN:
                step(request.state, Event.APPROVE)
            vote = Vote(approver, strong=_is_code(code, request), at=self._now())
            self._may_vote(request, vote)
            votes = (*request.votes, vote)
            enough = len(votes) >= (2 if request.rung is Rung.TWO_STRONG else 1)
            state = step(request.state, Event.APPROVE if enough else Event.APPROVE_SOME)
            change = {
                "state": state,
                "votes": votes,
                "execute_by": execute_by if enough else "",
                "decided_by": approver.name,
            }
            return await self._change(request, DECIDED, change)

    async def deny(self, request_id: int, approver: Approver, *, because: str) -> Request:
        """One person's no, with feedback for the agent. Raises Refused when it comes too late."""
        async with self._lock:
            request = self.get(request_id)
            state = step(request.state, Event.DENY)
            return await self._change(
                request, DECIDED, {"state": state, "because": because, "decided_by": approver.name}
            )

    async def redeem(self, digest: str) -> Request | None:
        """Use the yes for exactly this action: at most once, in time, durable before it is true."""
        async with self._lock:
            request = self.find(digest)
            if request is None or request.state is not State.APPROVED:
                return None
            if self._now() > request.execute_by:
                await self._change(request, ENDED, {"state": step(request.state, Event.EXECUTE_BY)})
                return None
            return await self._change(request, USED, {"state": step(request.state, Event.REDEEM)})

    async def finish(self, request_id: int, *, ok: bool) -> None:
        """The approved action came out."""
        async with self._lock:
            request = self._requests.get(request_id)  # it may be forgotten by now; the ledger has it
            if request is not None and request.state is State.EXECUTING:
                await self._change(request, ENDED, {"state": step(request.state, Event.SUCCEED if ok else Event.FAIL)})

    async def expire(self, *, everything: bool = False) -> None:
        """End what nobody decided or used in time; with `everything`, all that is open: no time can be trusted."""
        async with self._lock:
            now = _NEVER if everything else self._now()
            for request in tuple(self._requests.values()):
                if request.state in OPEN and now > request.decide_by:
                    await self._change(request, ENDED, {"state": step(request.state, Event.DECIDE_BY)})
                elif request.state is State.APPROVED and now > request.execute_by:
                    await self._change(request, ENDED, {"state": step(request.state, Event.EXECUTE_BY)})

    async def wait(self, request_id: int, timeout: float, gone: asyncio.Event | None = None) -> Request:
        """The request once people have decided, or as it stands after `timeout` seconds.

        It ends early when `gone` is set (nobody waits for the answer any more) and when the daemon stops (`release`).
        """
        request = self.get(request_id)
        if request.state not in OPEN or timeout <= 0 or self._released:
            return request
        future: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(request_id, [])
        waiters.append(future)
        leaving = asyncio.ensure_future(gone.wait()) if gone is not None else None
        try:
            ends: set[asyncio.Future[Any]] = {future} | ({leaving} if leaving is not None else set())
            await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            return future.result() if future.done() else self.get(request_id)
        finally:
            if leaving is not None:
                leaving.cancel()
            if future in waiters:
                waiters.remove(future)

    def release(self) -> None:
        """The daemon stops: whoever waits hears how things stand, and the questions stay for the next daemon."""
        self._released = True
        for request_id, waiters in self._waiters.items():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(self.get(request_id))

    def _has_room(self, draft: Request) -> None:
        waiting = [request for request in self._requests.values() if request.state in OPEN]
        of_session = sum(
            (request.principal.agent, request.principal.session) == (draft.principal.agent, draft.principal.session)
            for request in waiting
        )
        if of_session >= _OPEN_A_SESSION or len(waiting) >= _OPEN_AT_ALL:
            raise Refused(
                f"{of_session if of_session >= _OPEN_A_SESSION else len(waiting)} questions wait for a person "
                "already (interlock inbox). Wait for answers before asking more."
            )

    def _in_time(self, request: Request) -> None:
        if request.state in OPEN and self._now() > request.decide_by:
            raise Refused(f"request {request.id} expired at {request.decide_by}. Let the agent ask again.")

    def _may_vote(self, request: Request, vote: Vote) -> None:
        if request.rung in {Rung.ONE_STRONG, Rung.TWO_STRONG} and not vote.strong:
            raise Refused(
                f"request {request.id} is tier {request.tier}: type the last part of its fingerprint, to show that you "
                f"read it (interlock inbox {request.id}; interlock approve {request.id} --code ________)."
            )
        if request.rung is Rung.TWO_STRONG:
            if vote.approver.uid == self._owner:
                raise Refused(
                    f"request {request.id} is tier {request.tier}: it needs two people, neither of them the agent's "
                    f"owner (you, {vote.approver.name}). Do it yourself outside the agent, or deny it."
                )
            if any(earlier.approver.uid == vote.approver.uid for earlier in request.votes):
                raise Refused(
                    f"{vote.approver.name} has approved request {request.id} already; it needs another person."
                )

    async def _change(self, request: Request, kind: str, change: dict[str, Any]) -> Request:
        plain = msgspec.to_builtins(change)
        await self._record(kind, {"request": request.id, "digest": request.digest, "change": plain})
        changed = msgspec.structs.replace(request, **change)
        self._keep(changed)
        if changed.state not in OPEN:
            for waiter in self._waiters.pop(request.id, []):
                if not waiter.done():
                    waiter.set_result(changed)
        return changed

    def _keep(self, request: Request) -> None:
        self._requests[request.id] = request
        # An older request for the same action may still change (its call comes out): the newest one stays the answer.
        self._by_digest[request.digest] = max(request.id, self._by_digest.get(request.digest, -1))
        if len(self._requests) > _REMEMBERED:
            self._forget()

    def _forget(self) -> None:
        for old in tuple(self._requests.values()):
            if len(self._requests) <= _REMEMBERED:
                return
            if old.state not in LIVE:
                del self._requests[old.id]
                if self._by_digest.get(old.digest) == old.id:
                    del self._by_digest[old.digest]


def _is_code(code: str, request: Request) -> bool:
    return code.strip().lower() == request.fingerprint.rsplit("-", 1)[1]
