"""How far an agent may try a person's patience: denials in a row, denials in a session, the same thing again. Pure.

An agent that hears no and tries a variant is the pattern behind most lost files; one that floods people with questions
trains them to say yes. So near-duplicates count as what they repeat, whatever their words, and too many pause the
session until a person lifts it. The numbers (3 in a row, 20 in a session) are those at which Claude Code's auto mode
stops and hands over to a person (its documentation of permission modes, 2026).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from interlock.approvals.request import Request
from interlock.model.effect import Effect

IN_A_ROW = 3
IN_A_SESSION = 20
ASKS_AN_HOUR = 60
_REMEMBERED = 200  # shapes of what was denied, a session


class Limits(msgspec.Struct, frozen=True):
    """When a session is paused, and how often a person may be asked an hour. 0 turns a limit off."""

    in_a_row: int = IN_A_ROW
    in_a_session: int = IN_A_SESSION
    asks_an_hour: int = ASKS_AN_HOUR


class Patience:
    """What one session has heard so far."""

    def __init__(self) -> None:
        self.in_a_row = 0
        self.denials = 0
        self._denied: OrderedDict[str, None] = OrderedDict()

    def yes(self) -> None:
        """A person said yes to something: the row begins anew, the session's count stays."""
        self.in_a_row = 0

    def no(self, shape: str) -> None:
        """A person said no to an action of this shape."""
        self._count(shape)

    def stopped(self, shape: str) -> bool:
        """A rule, or an earlier no, stopped an action of this shape; whether it repeats one that was stopped before.

        The first time counts for nothing: an agent cannot know every rule. A repetition counts like a person's no.
        """
        again = shape in self._denied
        if again:
            self._count(shape)
        else:
            self._remember(shape)
        return again

    def spent(self, limits: Limits) -> str:
        """Why the session is to be paused; "" where it may go on."""
        if limits.in_a_row and self.in_a_row >= limits.in_a_row:
            return f"{self.in_a_row} denials in a row, repetitions of what was denied among them"
        if limits.in_a_session and self.denials >= limits.in_a_session:
            return f"{self.denials} denials in one session"
        return ""

    def body(self, shape: str = "") -> dict[str, Any]:
        """As an entry holds it, with the shape that was denied just now."""
        return {"row": self.in_a_row, "denials": self.denials} | ({"shape": shape} if shape else {})

    def resume(self, body: Mapping[str, Any]) -> None:
        """As it was when this was written. Raises KeyError, TypeError, ValueError."""
        self.in_a_row, self.denials = int(body["row"]), int(body["denials"])
        if shape := str(body.get("shape", "")):
            self._remember(shape)

    def forgive(self) -> None:
        """A person lifted the pause: the counts begin anew, and what was denied stays denied."""
        self.in_a_row = self.denials = 0

    def _count(self, shape: str) -> None:
        self.in_a_row += 1
        self.denials += 1
        self._remember(shape)

    def _remember(self, shape: str) -> None:
        self._denied[shape] = None
        self._denied.move_to_end(shape)
        while len(self._denied) > _REMEMBERED:
            self._denied.popitem(last=False)


def shape(effects: Sequence[Effect]) -> str:
    """What an action does, whatever its words: `rm -rf x` and `find x -delete` have one shape."""
    lines = sorted({f"{e.verb.value} {e.resource.kind.value} {e.resource.name}" for e in effects})
    return sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def asked_lately(requests: Iterable[Request], now: str) -> list[Request]:
    """The requests that were asked within the hour before `now` (RFC 3339), one for each question: what replaced
    another is the same one, and a plan is one with all of its steps.
    """
    since = datetime.fromisoformat(now) - timedelta(hours=1)
    lately = [r for r in requests if datetime.fromisoformat(r.asked_at) > since and r.replaces < 0]
    first = {r.plan.plan: r.id for r in reversed(lately) if r.plan is not None}
    return [r for r in lately if r.plan is None or first[r.plan.plan] == r.id]


def flood(requests: Iterable[Request], draft: Request, limits: Limits, now: str) -> tuple[int, int]:
    """How many questions the last hour brought the people of this one, where that is all they may get, and how many of
    them came from its session; (0, 0) where there is room.
    """
    lately = [r for r in asked_lately(requests, now) if r.needs.groups[:1] == draft.needs.groups[:1]]
    if not limits.asks_an_hour or len(lately) < limits.asks_an_hour:
        return 0, 0
    return len(lately), sum(r.session == draft.session for r in lately)
