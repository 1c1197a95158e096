"""A plan: actions that an agent, or a person for it, names in advance. Each is judged, all are approved as one.

Each step that needs a yes becomes an ordinary request, bound to its digest, and is used once, by exactly that call; the
plan only puts them on one card and lets one decision speak of all. A step that no person could approve refuses the plan
as a whole: nothing is asked that could not be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from interlock.approvals.decision import MOST
from interlock.approvals.machine import LIVE
from interlock.approvals.patience import flood
from interlock.approvals.queue import Queue
from interlock.approvals.request import Request, Step
from interlock.broker import card, records
from interlock.broker.clock import Clock, stamp
from interlock.broker.config import Config
from interlock.broker.contain import Container, caught
from interlock.broker.envelope import seal
from interlock.broker.judge import Judgement
from interlock.broker.session import Session
from interlock.model.action import Action
from interlock.model.decision import Verdict
from interlock.model.errors import InterlockError, Refused
from interlock.policy.engine import Engine
from interlock.preview.look import Preview

PLAN = "approval.plan"
_TEXT = 160  # bytes of a step's text in the plan's entry; its request has all of it


class Planned(msgspec.Struct, frozen=True):
    """One step: what policy says of it, and the request that a person decides on, where one is needed."""

    text: str
    verdict: str  # "allow", "contained" or "ask"
    request: int = -1


class Plan(msgspec.Struct, frozen=True):
    """A plan as it was submitted. `id` is the index of its entry."""

    id: int
    ordered: bool
    steps: tuple[Planned, ...]


class Planning:
    """Takes plans, for one broker."""

    def __init__(
        self,
        *,
        queue: Queue,
        clock: Clock,
        container: Container,
        rejudge: Callable[[Action, Session], Judgement],
        rules: Callable[[str], tuple[Engine, Config]],
        record: Callable[[str, dict[str, Any]], Awaitable[int]],
        asks: Callable[[Session, Action, Judgement], None],
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._container = container
        self._rejudge = rejudge
        self._rules = rules
        self._record = record
        self._asks = asks

    async def submit(self, session: Session, actions: Sequence[Action], *, ordered: bool) -> Plan:
        """Judge every step, and ask for those that need a yes. Raises Refused: nothing was asked then."""
        if not 0 < len(actions) <= MOST:
            raise Refused(f"a plan has 1 to {MOST} steps; this has {len(actions)}. Make it several plans.")
        engine, config = self._rules(session.workspace)
        judged = await asyncio.to_thread(lambda: [self._rejudge(action, session) for action in actions])
        verdicts = [self._verdict(*pair, engine, config, session) for pair in zip(judged, actions, strict=True)]
        self._possible(actions, judged, verdicts)
        asks = {
            number: await self._drafted(action, found, config, session)
            for number, (action, found) in enumerate(zip(actions, judged, strict=True))
            if verdicts[number] == Verdict.ASK
        }
        self._room([draft for draft in asks.values() if draft.id < 0], config)
        texts = [records.cut(records.clean(records.action_text(action)), _TEXT) for action in actions]
        body = {
            "principal": records.principal_body(session.principal),
            "ordered": ordered,
            "steps": [f"{verdict} {text}" for verdict, text in zip(verdicts, texts, strict=True)],
        }
        plan = await self._record(PLAN, body)
        try:
            requests = await self._ask(plan, asks, len(actions), ordered=ordered)
        except InterlockError:
            # Nobody is asked about half of a plan.
            await self._queue.withdraw(lambda r: r.plan is not None and r.plan.plan == plan, "its plan was not taken")
            raise
        session.count("plans")
        steps = zip(texts, verdicts, strict=True)
        return Plan(plan, ordered, tuple(Planned(*step, requests.get(n, -1)) for n, step in enumerate(steps)))

    async def _ask(self, plan: int, asks: Mapping[int, Request], of: int, *, ordered: bool) -> dict[int, int]:
        """Ask what has to be asked; the request of each step, by its place."""
        before, found = -1, {}
        for place, draft in asks.items():
            if draft.id < 0:
                step = Step(plan, place + 1, of, ordered, before if ordered else -1)
                draft = await self._queue.ask(msgspec.structs.replace(draft, plan=step))  # noqa: PLW2901 - the same one
            before = found[place] = draft.id
        return found

    def _verdict(self, judged: Judgement, action: Action, engine: Engine, config: Config, session: Session) -> str:
        verdict = judged.decision.verdict
        can = self._container.tier != "none" and bool(session.workspace) and verdict is Verdict.ASK
        held = caught(judged, action, engine, config, doubted=session.doubted) if can else None
        return verdict.value if held is None else "contained"

    def _possible(self, actions: Sequence[Action], judged: Sequence[Judgement], verdicts: Sequence[str]) -> None:
        """Raises Refused where the plan holds what nobody can approve, or the same thing twice."""
        wrong: list[str] = []
        seen: dict[str, int] = {}
        for number, (action, found, verdict) in enumerate(zip(actions, judged, verdicts, strict=True), start=1):
            if verdict == Verdict.DENY:
                wrong.append(f"step {number}: {found.decision.why}")
            elif verdict == Verdict.ASK:
                if length := card.too_long(action):
                    wrong.append(f"step {number} has {length} characters, which no person can read.")
                first = seen.setdefault(seal(action, found).digest, number)
                if first != number:
                    wrong.append(f"step {number} repeats step {first}: a yes is used once, so list it once.")
        if wrong:
            raise Refused("the plan is not taken, and nothing was asked. " + " ".join(wrong)[:4_000])

    async def _drafted(self, action: Action, judged: Judgement, config: Config, session: Session) -> Request:
        """The question that a step is, or the one that waits, or is approved, for it already."""
        self._asks(session, action, judged)
        envelope = seal(action, judged)
        known = self._queue.find(envelope.digest)
        if known is not None and known.state in LIVE:
            return known
        now = self._clock.now()
        times = (stamp(now), stamp(now + config.decide_seconds))
        return await asyncio.to_thread(
            card.drafted, action, judged, envelope, card.Looked(Preview()), config,
            workspace=session.workspace, times=times, store=self._queue.store,
        )  # fmt: skip

    def _room(self, drafts: Sequence[Request], config: Config) -> None:
        """Raises Refused where people were asked as often as they may be; a plan is one question to them."""
        for draft in drafts:
            many, _ = flood(self._queue.all(), draft, config.approvals.limits, draft.asked_at)
            if many:
                raise Refused(
                    f"people here were asked {many} times within the last hour, which is as often as they may be."
                )
