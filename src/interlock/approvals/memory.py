"""The working copy of the requests: rebuilt from the ledger's entries, and never ahead of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from interlock.approvals.machine import GIVEN, LIVE, Event, State, step
from interlock.approvals.request import Request
from interlock.model.errors import NotFound, Refused

ASKED = "approval.request"
DECIDED = "approval.decision"
TICKETED = "approval.ticket"
USED = "approval.use"
ENDED = "approval.end"
ESCALATED = "approval.escalate"
KINDS = (ASKED, DECIDED, TICKETED, USED, ENDED, ESCALATED)

_REMEMBERED = 1_000  # finished requests kept in memory for `interlock inbox --all`; the ledger keeps the rest


class Memory:
    """Requests by number and by digest."""

    def __init__(self) -> None:
        self._requests: dict[int, Request] = {}
        self._by_digest: dict[str, int] = {}
        self._given: dict[tuple[str, ...], int] = {}  # yeses that were not used yet, by the call that they are for

    def restore(self, entries: Iterable[tuple[int, str, dict[str, Any]]]) -> list[int]:
        """Rebuild from ledger entries of `KINDS`, oldest first: (index, kind, body).

        Returns the entries that cannot be understood: another version wrote them, or they do not follow from the one
        before. What such an entry is about is dropped: a yes whose use cannot be read must not come back as unused.
        """
        strange: list[int] = []
        for index, kind, body in entries:
            about = index if kind == ASKED else body.get("request")
            try:
                if kind == ASKED:
                    self.keep(msgspec.convert({**body, "id": index}, Request))
                elif (request := self._requests.get(body["request"])) is not None:
                    self.keep(_changed(request, kind, body))
            except (msgspec.ValidationError, KeyError, TypeError, ValueError, Refused):
                strange.append(index)
                if isinstance(about, int) and (dropped := self._requests.pop(about, None)) is not None:
                    self._by_digest.pop(dropped.digest, None)
                    self._given.pop(dropped.same_call, None)
        return strange

    def all(self) -> tuple[Request, ...]:
        """Every remembered request, oldest first."""
        return tuple(self._requests.values())

    def live(self) -> tuple[Request, ...]:
        """Those that people can still decide on, or whose yes was not used yet."""
        return tuple(request for request in self._requests.values() if request.state in LIVE)

    def known(self, request_id: int) -> Request | None:
        """One request, if it is remembered."""
        return self._requests.get(request_id)

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

    def given(self, call: Callable[[], tuple[str, ...]]) -> Request | None:
        """The request about this call (`same_call`) whose yes was not used yet, whatever the call stands for now."""
        index = self._given.get(call()) if self._given else None
        return None if index is None else self._requests.get(index)

    def keep(self, request: Request) -> None:
        """Take a request as it is now."""
        self._requests[request.id] = request
        if request.state in GIVEN and request.call:
            self._given[request.same_call] = request.id
        elif self._given.get(request.same_call) == request.id:
            del self._given[request.same_call]
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


def _changed(request: Request, kind: str, body: dict[str, Any]) -> Request:
    """A request after one entry. Raises Refused or ValueError where the entry does not follow from the one before."""
    changed = msgspec.convert({**msgspec.to_builtins(request), **body["change"]}, Request)
    if kind != ESCALATED:
        due = step(State(body["from"]), Event(body["event"]))
        if State(body["from"]) is not request.state or changed.state is not due:
            raise Refused(f"request {request.id} was {request.state.value}")
    elif changed.state is not request.state:
        raise Refused("an escalation changes no state")
    return changed
