"""Sessions that a person, or their own behaviour, has paused: a projection of `session.pause` and `session.resume`.

A paused session is told no, whatever it asks for, until a person lifts it. It is not told what it could do instead:
there is nothing, and the words say so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from interlock.model.action import Principal
from interlock.model.errors import NotFound

PAUSED = "session.pause"
RESUMED = "session.resume"
KINDS = (PAUSED, RESUMED)

_BY = 200
_WHY = 1_000


class Pause(msgspec.Struct, frozen=True):
    """Since when a session is paused, by whom ("" for Interlock itself), and why. `entry` is its ledger index."""

    entry: int
    by: str
    why: str


class Pauses:
    """Which sessions are paused. `record` makes one entry durable and returns its index."""

    def __init__(self, record: Callable[[str, dict[str, Any]], Awaitable[int]]) -> None:
        self._record = record
        self._paused: dict[tuple[str, str], Pause] = {}

    def restore(self, entries: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
        """Take (index, kind, body) of `KINDS`, oldest first. What cannot be read pauses nobody and lifts nothing."""
        for index, kind, body in entries:
            who = body.get("principal", {})
            key = (str(who.get("agent", "")), str(who.get("session", "")))
            if kind == PAUSED:
                self._paused[key] = Pause(index, str(body.get("by", "")), str(body.get("why", "")))
            else:
                self._paused.pop(key, None)

    def of(self, principal: Principal) -> Pause | None:
        """The pause of this principal's session."""
        return self._paused.get((principal.agent, principal.session))

    def all(self) -> dict[tuple[str, str], Pause]:
        """Every paused session, by agent and session."""
        return dict(self._paused)

    async def pause(self, principal: Principal, why: str, by: str = "") -> Pause:
        """Pause a session, durable before it is true; one that is paused stays as it is."""
        known = self.of(principal)
        if known is not None:
            return known
        why, by = why[:_WHY], by[:_BY]
        body = {"principal": _who(principal), "why": why, "by": by}
        key = (principal.agent, principal.session)
        self._paused[key] = Pause(-1, by, why)  # from now on, also while the entry is being written: the safe side
        index = await self._record(PAUSED, body)
        self._paused[key] = Pause(index, by, why)
        return self._paused[key]

    async def resume(self, principal: Principal, by: str) -> Pause:
        """A person lifts it. Raises NotFound where it is not paused."""
        known = self.of(principal)
        if known is None:
            raise NotFound(f"the session {principal.session[:40]} of {principal.agent} is not paused.")
        await self._record(RESUMED, {"principal": _who(principal), "by": by[:_BY], "paused": known.entry})
        self._paused.pop((principal.agent, principal.session), None)
        return known


def _who(principal: Principal) -> dict[str, str]:
    return {"agent": principal.agent, "session": principal.session}
