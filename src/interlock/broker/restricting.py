"""Which sessions were given a role that takes away: a projection of `role.give` and `role.end`.

What gives is a grant (`granting.py`). What takes away outlives the daemon and the agent's restart, until it ends by
itself or a person ends it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec

from interlock.broker.clock import Clock, seconds
from interlock.model.action import Principal
from interlock.model.errors import NotFound
from interlock.policy.roles import Roles, always
from interlock.policy.vocabulary import RESTRICTING

GIVE = "role.give"
END = "role.end"
KINDS = (GIVE, END)
_REMEMBERED = 5_000

Record = Callable[[str, dict[str, Any]], Awaitable[int]]


class Restriction(msgspec.Struct, frozen=True):
    """A role that a session has. `until` is RFC 3339, or "" for as long as nobody ends it. `id` is its entry."""

    id: int
    role: str
    session: str
    by: str
    until: str = ""
    why: str = ""


class Restrictions:
    """All of them. `record` makes one entry durable and returns its index."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._held: dict[int, Restriction] = {}

    def restore(self, entries: Iterable[tuple[int, str, dict[str, Any]]]) -> list[int]:
        """Rebuild from entries of `KINDS`; those that cannot be understood take nothing away from what is held."""
        strange = []
        for index, kind, body in entries:
            try:
                self._apply(index, kind, body)
            except (msgspec.ValidationError, KeyError, TypeError, ValueError):
                strange.append(index)
        return strange

    def of(self, principal: Principal, roles: Roles) -> tuple[str, ...]:
        """The roles that take away from what this principal may do now."""
        given = {one.role for one in self.live() if one.session == principal.session}
        return tuple(sorted(given | set(always(roles, principal.agent))))

    def live(self) -> tuple[Restriction, ...]:
        """Those that hold now."""
        now = self._clock.now()
        return tuple(one for one in self._held.values() if not one.until or seconds(one.until) > now)

    async def give(self, draft: Restriction) -> Restriction:
        """A person gives it."""
        body = msgspec.to_builtins(draft)
        del body["id"]
        index = await self._record(GIVE, body)
        self._apply(index, GIVE, body)
        return self._held[index]

    async def end(self, role: str, session: str, by: str, why: str) -> list[int]:
        """A person takes it back. Raises NotFound where the session does not have it."""
        found = [one.id for one in self.live() if (one.role, one.session) == (role, session)]
        if not found:
            raise NotFound(
                f"session {session!r} does not have the role {role}. `interlock role list` shows who has what."
            )
        for number in found:
            body = {"given": number, "role": role, "session": session, "by": by, "why": why}
            self._apply(await self._record(END, body), END, body)
        return found

    def _apply(self, index: int, kind: str, body: Mapping[str, Any]) -> None:
        if kind == END:
            self._held.pop(body["given"], None)
            return
        one = msgspec.convert({**body, "id": index}, Restriction)
        if one.until:
            seconds(one.until)
        if one.role not in RESTRICTING:
            raise ValueError("not a role that takes away")
        self._held[index] = one
        if len(self._held) > _REMEMBERED:
            ended = next((number for number in self._held if self._held[number] not in self.live()), index)
            del self._held[ended]
