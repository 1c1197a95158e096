"""What people have said yes to in advance: given, used, revoked, lapsed. Entries of the ledger first, memory after.

INVARIANT: a grant counts only where its bounds hold at this moment: agent, session, project, time, uses, rules.
INVARIANT: a use of a bounded grant is durable before the action that it lets pass is released.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import Any

import msgspec

from interlock.broker.clock import Clock, seconds
from interlock.effects.redact import redact
from interlock.model.action import Principal
from interlock.model.decision import Decision, Verdict
from interlock.model.effect import Effect
from interlock.model.errors import NotFound, Refused, UsageError
from interlock.model.grant import NEVER_KINDS, NEVER_LABELS, NEVER_VERBS, RUNGS, Grant, Pattern, exactly
from interlock.model.rung import Rung

GIVEN = "grant.give"
USED = "grant.use"
REVOKED = "grant.revoke"
KINDS = (GIVEN, USED, REVOKED)

LONGEST = {Rung.ONE: 30 * 86_400.0, Rung.ONE_STRONG: 8 * 3_600.0}  # seconds: a month of routine, a shift of production
_PATTERNS = 24  # in one grant; an action has that many effects in an entry, too
_NAME = 500  # characters of a pattern's name
_BYTES = 8_000  # of all patterns: the entry has 16 KiB
_GRANTS = 500  # that hold at once
_REMEMBERED = 2_000

Record = Callable[[str, dict[str, Any]], Awaitable[int]]


class Standing(StrEnum):
    """How a grant stands."""

    LIVE = "live"
    SPENT = "spent"
    EXPIRED = "expired"
    LAPSED = "lapsed"  # the rules have changed since
    REVOKED = "revoked"


class Held(msgspec.Struct):
    """A grant, and what has become of it."""

    grant: Grant
    used: int = 0
    revoked: str = ""  # by whom, and why


class Grants:
    """All grants of one daemon. `record` makes one ledger entry durable and returns its index."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._lock = asyncio.Lock()
        self._held: dict[int, Held] = {}

    def restore(self, entries: Iterable[tuple[int, str, dict[str, Any]]]) -> list[int]:
        """Rebuild from entries of `KINDS`, oldest first. Returns those that cannot be understood.

        What such an entry is about is dropped: a grant whose revocation cannot be read must not come back.
        """
        strange: list[int] = []
        for index, kind, body in entries:
            try:
                self._apply(index, kind, body)
            except (msgspec.ValidationError, KeyError, TypeError, ValueError):
                strange.append(index)
                self._held.pop(body.get("grant", -1) if isinstance(body.get("grant"), int) else -1, None)
        return strange

    def live(self, principal: Principal, workspace: str, policy: str) -> tuple[Grant, ...]:
        """The grants that hold for this principal now. `policy` is the digest of the rules in force there."""
        if not self._held:
            return ()
        return tuple(
            held.grant
            for held in self._held.values()
            if held.grant.policy == policy
            and self._standing(held) is Standing.LIVE
            and held.grant.agent in {"", principal.agent}
            and held.grant.session in {"", principal.session}
            and held.grant.workspace in {"", workspace}
        )

    def all(self, policy: Callable[[str], str]) -> list[dict[str, Any]]:
        """Every remembered grant with its standing, the newest first. `policy` gives the digest of a project's rules,
        which may have a layer of their own; "" where they are refused.
        """
        shown = []
        for held in reversed(self._held.values()):
            standing = self._standing(held)
            if standing is Standing.LIVE and held.grant.policy != policy(held.grant.workspace):
                standing = Standing.LAPSED
            facts = {"standing": standing.value, "used": held.used, "revoked": held.revoked}
            shown.append({**msgspec.to_builtins(held.grant), **facts})
        return shown

    async def give(self, draft: Grant) -> Grant:
        """A person gives this. Raises UsageError where it has no bounds, or covers what no grant may."""
        check(draft, self._clock.now())
        async with self._lock:
            if sum(self._standing(held) is Standing.LIVE for held in self._held.values()) >= _GRANTS:
                raise Refused(f"{_GRANTS} grants hold already (interlock grants). Revoke what is not needed.")
            body = msgspec.to_builtins(draft)
            del body["id"]
            index = await self._record(GIVEN, body)
            self._apply(index, GIVEN, body)
            return self._held[index].grant

    async def revoke(self, number: int, by: str, because: str) -> Grant:
        """It holds no longer, from now on. Raises NotFound, and Refused where it held no longer already."""
        async with self._lock:
            held = self._held.get(number)
            if held is None:
                raise NotFound(f"no grant {number}. `interlock grants` lists them.")
            if held.revoked:
                raise Refused(f"grant {number} is revoked already: {held.revoked}.")
            body = {"grant": number, "by": by, "because": because}
            self._apply(-1, REVOKED, body)  # before it is an entry: what is released from now on stands in front of it
            try:
                await self._record(REVOKED, body)
            except BaseException:
                held.revoked = ""  # the ledger refused it: it never was, and the person hears that
                raise
            return held.grant

    async def revoke_where(self, matching: Callable[[Grant], bool], by: str, because: str) -> tuple[int, ...]:
        """Revoke every grant that still holds and matches: its giver left, its session ended, a freeze came."""
        ended = []
        for number, held in tuple(self._held.items()):
            if self._standing(held) is Standing.LIVE and matching(held.grant):
                await self.revoke(number, by, because)
                ended.append(number)
        return tuple(ended)

    def stand(self, numbers: Iterable[int]) -> bool:
        """Whether none of these, which were spent for an action, was revoked or ran out since."""
        held = [self._held.get(number) for number in numbers]
        return all(one is not None and self._standing(one) in {Standing.LIVE, Standing.SPENT} for one in held)

    async def spend(self, numbers: Iterable[int]) -> bool:
        """Use these once, durably; False, and nothing used, where one of them holds no longer."""
        async with self._lock:
            held = [self._held.get(number) for number in numbers]
            if any(one is None or self._standing(one) is not Standing.LIVE for one in held):
                return False
            for one in held:
                if one is not None and one.grant.uses:
                    body = {"grant": one.grant.id}
                    self._apply(await self._record(USED, body), USED, body)
            return True

    def _standing(self, held: Held) -> Standing:
        if held.revoked:
            return Standing.REVOKED
        if self._clock.now() > seconds(held.grant.until):
            return Standing.EXPIRED
        return Standing.SPENT if held.grant.uses and held.used >= held.grant.uses else Standing.LIVE

    def _apply(self, index: int, kind: str, body: dict[str, Any]) -> None:
        if kind == GIVEN:
            grant = msgspec.convert({**body, "id": index}, Grant)
            seconds(grant.until)
            self._held[index] = Held(grant)
        elif kind == USED:
            self._held[body["grant"]].used += 1
        elif kind == REVOKED:
            self._held[body["grant"]].revoked = f"{body['by']}: {body['because']}" if body["because"] else body["by"]
        if len(self._held) > _REMEMBERED:
            ended = (number for number, held in self._held.items() if self._standing(held) is not Standing.LIVE)
            del self._held[next(ended, index)]


def check(draft: Grant, now: float) -> None:
    """Raises UsageError unless the grant is bounded, and names only what a grant may."""
    if draft.rung not in RUNGS:
        raise UsageError("a grant stands for one person's yes; what needs two people is asked each time.")
    if not draft.session and not draft.workspace:
        raise UsageError("a grant holds for a session or for a project: name one of them.")
    lasts = seconds(draft.until) - now
    if not 0 < lasts <= LONGEST[draft.rung]:
        most = "8 hours" if draft.rung is Rung.ONE_STRONG else "30 days"
        raise UsageError(f"such a grant lasts at most {most}, and not less than a moment.")
    if not 1 <= len(draft.patterns) <= _PATTERNS:
        raise UsageError(f"a grant names one thing at least, and at most {_PATTERNS}.")
    for pattern in draft.patterns:
        _check_pattern(pattern)
    if len(msgspec.json.encode(draft.patterns)) > _BYTES:
        raise UsageError("the grant is too long for an entry. Give several smaller ones.")


def _check_pattern(pattern: Pattern) -> None:
    bare = pattern.name.replace("\\", "").replace("*", "").replace("/", "")
    if not bare or len(pattern.name) > _NAME:
        raise UsageError(
            f"{pattern.name!r} names nothing: a pattern has a literal part, and at most {_NAME} characters."
        )
    if not pattern.verbs or not pattern.environments:
        raise UsageError("a grant names its verbs and its environments.")
    if NEVER_VERBS & set(pattern.verbs) or pattern.kind in NEVER_KINDS or NEVER_LABELS & set(pattern.labels):
        raise UsageError("what could not be read, and what guards, is asked about each time: no grant covers it.")


def grantable(effects: tuple[Effect, ...], decision: Decision) -> tuple[Pattern, ...]:
    """The narrowest patterns that would have let this action pass; () where no grant could."""
    asked = [(effects[one.effect], one) for one in decision.effects if one.verdict is not Verdict.ALLOW]
    if any(one.verdict is Verdict.DENY or one.rung not in RUNGS for _, one in asked):
        return ()
    patterns: dict[Pattern, None] = {}
    for effect, _ in asked:
        pattern = exactly(effect)
        name = effect.resource.name
        if pattern is None or len(pattern.name) > _NAME or redact(name) != name:
            return ()
        patterns[pattern] = None
    found = tuple(patterns)
    small = len(found) <= _PATTERNS and len(json.dumps(msgspec.to_builtins(found))) <= _BYTES // 4
    return found if small else ()
