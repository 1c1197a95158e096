"""The part of the road where a person is asked: a yes given before, a look, the question, the wait, the yes.

What comes out says whether the action may be released, under whose yes, and what to say where it may not. The
broker releases and stops; here nothing is released.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from interlock.approvals.machine import OPEN, State
from interlock.approvals.queue import Queue
from interlock.approvals.request import Request
from interlock.broker import records, words
from interlock.broker.clock import Clock, stamp
from interlock.broker.config import Config
from interlock.broker.envelope import Envelope, seal
from interlock.broker.judge import Judgement, Person
from interlock.broker.looks import informed, looked
from interlock.broker.session import Session
from interlock.broker.undoing import Undoing
from interlock.model.action import Action
from interlock.model.decision import Decision, Verdict
from interlock.policy.engine import Engine
from interlock.preview.look import Preview

Say = Callable[[Decision, int], str]
"""The words for the agent, given the decision and the entry that stops the call."""


class Lifted(NamedTuple):
    """The look showed that no question is needed. `extra` is what the look adds to the entry."""

    judged: Judgement
    extra: dict[str, Any]


class Used(NamedTuple):
    """A person's yes to exactly this action was used."""

    request: Request
    extra: dict[str, Any]


class Unanswered(NamedTuple):
    """There is no yes that may be used: the request as it stands, and the words for the agent."""

    request: Request
    extra: dict[str, Any]
    say: Say


Asked = Lifted | Used | Unanswered


class Rejudge(Protocol):
    """Reads, decides and seals once more, in the world as it is now."""

    def __call__(self, action: Action, session: Session) -> Judgement:
        """The judgement on the action now."""


class Asking:
    """Asks, for one broker."""

    def __init__(
        self,
        *,
        queue: Queue,
        clock: Clock,
        person: Person,
        rejudge: Rejudge,
        started: Callable[[int], None],
        undoing: Undoing | None,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._person = person
        self._rejudge = rejudge
        self._started = started
        self._undoing = undoing

    async def ask(
        self,
        session: Session,
        action: Action,
        judged: Judgement,
        *,
        engine: Engine,
        config: Config,
        gone: asyncio.Event | None,
    ) -> Asked:
        """Use a yes that is there already, or ask and wait. Raises Refused where too many questions wait already."""
        envelope = seal(action, judged)
        used = await self._queue.redeem(envelope.digest)
        if used is not None:
            return Used(used, {})
        found = await looked(
            judged, workspace=session.workspace, home=self._person.home, config=config, started=self._started
        )
        extra: dict[str, Any] = {}
        if found.lines:
            seen = informed(judged, action, engine, found)
            extra = records.decision_body(seen.decision, seen.reading) | {"preview": records.lines(found.lines)}
            if seen.decision.verdict is Verdict.ALLOW:
                return Lifted(seen, extra)
        undo = ""
        if self._undoing is not None:
            undo = await self._undoing.forecast(judged.reading, session.workspace)
        request = await self._question(action, judged, envelope, config, found, undo)
        session.count("asks")
        request = await self._queue.wait(request.id, config.hold_seconds, gone)
        if gone is None or not gone.is_set():
            used = await self._redeem_fresh(action, request, session)
        if used is not None:
            return Used(used, extra)
        return Unanswered(request, extra, _words(request, self._queue.get(request.id)))

    async def _redeem_fresh(self, action: Action, request: Request, session: Session) -> Request | None:
        """The yes may have come while the world changed: read, decide and seal once more before it is used."""
        if request.state is not State.APPROVED:
            return None
        judged = self._rejudge(action, session)
        if judged.decision.verdict is not Verdict.ASK or seal(action, judged).digest != request.digest:
            return None
        return await self._queue.redeem(request.digest)

    async def _question(
        self, action: Action, judged: Judgement, envelope: Envelope, config: Config, found: Preview, undo: str
    ) -> Request:
        known = self._queue.find(envelope.digest)
        if known is not None and known.state is State.DENIED:
            return known
        now = self._clock.now()
        decision = judged.decision
        draft = Request(
            id=-1,
            digest=envelope.digest,
            fingerprint=envelope.fingerprint,
            state=State.PENDING,
            rung=decision.rung,
            tier=decision.tier,
            principal=action.principal,
            tool=action.tool,
            text=records.shown_text(action),
            effects=tuple(records.effect_line(effect) for effect in (found.effects or judged.reading.effects)[:24]),
            preview=tuple(records.lines(found.lines)),
            undo=undo,
            rules=decision.rules,
            why=records.cut(records.clean(decision.why), 2_000),
            asked_at=stamp(now),
            decide_by=stamp(now + config.decide_seconds),
        )
        return await self._queue.ask(draft)


def _words(heard: Request, now: Request) -> Say:
    """What to say when no yes could be used: the request as it was when waiting ended, and as it is now."""

    def say(decision: Decision, entry: int) -> str:
        del entry
        if now.state in OPEN:
            return words.waiting(now, decision)
        if now.state is State.APPROVED:
            # Heard in time and not used: what it was for has changed. Otherwise it came while this call gave up.
            return words.drifted(now) if heard.state is State.APPROVED else words.waiting(now, decision)
        return words.said_no(now) if now.state is State.DENIED else words.ended(now)

    return say
