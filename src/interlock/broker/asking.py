"""The part of the road where a person is asked: a yes given before, a look, the question, the wait, the yes.

What comes out says whether the action may be released, under whose yes, and what to say where it may not. The
broker releases and stops; here nothing is released.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from interlock.approvals.machine import GIVEN, OPEN, State
from interlock.approvals.needs import Needs
from interlock.approvals.patience import flood
from interlock.approvals.queue import Queue, Ticket
from interlock.approvals.request import Request
from interlock.broker import card, records, words
from interlock.broker.clock import Clock, stamp
from interlock.broker.config import Config, Wait
from interlock.broker.envelope import Envelope, seal
from interlock.broker.judge import Judgement, Person
from interlock.broker.looks import informed, looked
from interlock.broker.session import Session
from interlock.broker.undoing import Undoing
from interlock.model.action import Action
from interlock.model.decision import Decision, Verdict
from interlock.model.errors import Refused
from interlock.policy.engine import Engine

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


class Ready(NamedTuple):
    """A person's yes to exactly this action is in hand; it is used by the start itself, not by the answer."""

    ticket: Ticket
    extra: dict[str, Any]


class Unanswered(NamedTuple):
    """There is no yes that may be used: the request as it stands, and the words for the agent. `deferred`: the agent
    may put the call aside until there is an answer.
    """

    request: Request
    extra: dict[str, Any]
    say: Say
    deferred: bool = False


class Unasked(NamedTuple):
    """No person is asked, and why: it cannot be read, or too much was asked already. `flooded` is what to alarm of."""

    extra: dict[str, Any]
    say: Say
    flooded: str = ""


Asked = Lifted | Used | Ready | Unanswered | Unasked


class Rejudge(Protocol):
    """Reads, decides and seals once more, in the world as it is now."""

    def __call__(self, action: Action, session: Session, *, rewrites: bool) -> Judgement:
        """The judgement on the action now. `rewrites`: the agent can be told to let Interlock start it."""


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
        rewrites: bool,
        defers: Callable[[], bool] = bool,
    ) -> Asked:
        """Use a yes that is there already, or ask and wait. `defers`: whether the agent can put the call aside;
        `rewrites`: whether it can be told to run another command instead.
        """
        envelope = seal(action, judged)
        used = await self._use(judged, envelope.digest, card.needs(judged, config), {})
        if used is not None:
            return used
        known = self._queue.find(envelope.digest)
        if known is not None and known.state is State.DENIED:
            return Unanswered(known, {}, _words(known))
        if length := card.too_long(action):
            return Unasked({}, lambda decision, _: words.too_long(decision, length))
        found = await looked(
            judged, workspace=session.workspace, home=self._person.home, config=config, started=self._started
        )
        extra: dict[str, Any] = {}
        if found.lines:
            seen = informed(judged, action, engine, found)
            extra = records.decision_body(seen.decision, seen.reading, seen.context) | {
                "preview": records.lines(found.lines)
            }
            if seen.decision.verdict is Verdict.ALLOW:
                return Lifted(seen, extra)
        undo = "" if self._undoing is None else await self._undoing.forecast(judged.reading, session.workspace)
        draft = await self._draft(action, judged, envelope, config, session, card.Looked(found, undo))
        if known is None or known.state not in OPEN | GIVEN:
            many, own = flood(self._queue.all(), draft, config.approvals.limits, draft.asked_at)
            if many:
                # The session that asked the most is the incident; another one's question only has to wait.
                return Unasked(
                    extra, lambda decision, _: words.flooded(decision, many), f"{many}" if own * 2 >= many else ""
                )
        try:
            request = await self._queue.ask(draft)
        except Refused as full:
            problem = str(full)
            return Unasked(extra, lambda decision, _: words.full(decision, problem))
        session.count("asks")
        answer = await self._wait(session, action, request, extra, config, gone, rewrites=rewrites, defers=defers)
        if isinstance(answer, Unanswered) and known is not None and (ended := words.before(known)):
            say = answer.say
            return answer._replace(say=lambda decision, entry: f"{ended} {say(decision, entry)}")
        return answer

    async def _wait(
        self,
        session: Session,
        action: Action,
        request: Request,
        extra: dict[str, Any],
        config: Config,
        gone: asyncio.Event | None,
        *,
        rewrites: bool,
        defers: Callable[[], bool],
    ) -> Asked:
        wait = config.approvals.wait
        deferred = wait is Wait.DEFER and request.state in OPEN and defers()
        seconds = 0 if deferred or wait is Wait.TICKET else config.hold_seconds
        heard = await self._queue.wait(request.id, seconds, gone)
        left = gone is not None and gone.is_set()
        if not left:
            used = await self._use_fresh(action, heard, session, config, extra, rewrites=rewrites)
            if used is not None:
                return used
        elif config.approvals.withdraw and not self._queue.held(request.id):
            await self._queue.withdraw(lambda r: r.id == request.id, "nobody waits for the answer any more")
        now = self._queue.get(request.id)
        return Unanswered(now, extra, _words(now), deferred and now.state in OPEN)

    async def _use_fresh(
        self,
        action: Action,
        request: Request,
        session: Session,
        config: Config,
        extra: dict[str, Any],
        *,
        rewrites: bool,
    ) -> Used | Ready | None:
        """The yes may have come while the world changed: read, decide and seal once more before it is used."""
        if request.state not in GIVEN:
            return None
        judged = self._rejudge(action, session, rewrites=rewrites)
        if judged.decision.verdict is not Verdict.ASK or seal(action, judged).digest != request.digest:
            await self._queue.drift(request.id)
            return None
        return await self._use(judged, request.digest, card.needs(judged, config), extra)

    async def _use(self, judged: Judgement, digest: str, needs: Needs, extra: dict[str, Any]) -> Used | Ready | None:
        """Take the yes in hand. Where the agent itself starts what is released, the answer is the launch: it is used.

        Where Interlock starts it, the launch comes later, and seals once more. A ticket that the agent has not used
        when it makes the same call again is taken back: only the newest one counts.
        """
        known = self._queue.find(digest)
        if known is not None and loosened(known, judged):
            await self._queue.drift(known.id)
            return None
        if known is not None and known.state is State.TICKETED and judged.binding.plan is not None:
            await self._queue.give_back(Ticket(known.ticket, known.id, digest, known.execute_by, known.epoch))
        if judged.binding.plan is not None:
            ticket = await self._queue.ticket(digest, needs)
            return None if ticket is None else Ready(ticket, extra)
        try:
            used = await self._queue.use(digest, needs)
        except Refused:
            return None  # something was revoked between the two: the queue has it, and `_words` says it
        return None if used is None else Used(used, extra)

    async def _draft(
        self,
        action: Action,
        judged: Judgement,
        envelope: Envelope,
        config: Config,
        session: Session,
        seen: card.Looked,
    ) -> Request:
        now = self._clock.now()
        times = (stamp(now), stamp(now + config.decide_seconds))
        # Beside the loop: a long card is written to the disk.
        return await asyncio.to_thread(
            card.drafted, action, judged, envelope, seen, config,
            workspace=session.workspace, times=times, store=self._queue.store,
        )  # fmt: skip


def loosened(request: Request, judged: Judgement) -> bool:
    """Whether the start would hold it otherwise than the card said: a person said yes to what that left open."""
    return bool(request.bound) and request.bound != judged.binding.digest


def _words(now: Request) -> Say:
    """What to say when no yes could be used, by how the request stands."""

    def say(decision: Decision, entry: int) -> str:
        del entry
        if now.state in OPEN:
            return words.waiting(now, decision)
        if now.state in GIVEN:
            # It came while this call gave up, or an ordered plan has something before it.
            return words.in_order(now) if now.plan and now.plan.before >= 0 else words.waiting(now, decision)
        if now.state is State.DENIED:
            return words.said_no(now)
        return words.drifted(now) if now.state is State.DRIFTED else words.ended(now)

    return say
