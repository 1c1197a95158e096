"""The one road that every action travels.

    Action -> effects -> decision -> (approval) -> intent in the ledger -> released
                                  \\-> denial in the ledger -> stopped

INVARIANT: nothing is released before its intent is an entry; the intent of a side effect is durable first.
INVARIANT: whatever goes wrong on the way, the answer is no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from interlock.approvals.machine import State
from interlock.approvals.patience import shape
from interlock.approvals.queue import Queue
from interlock.approvals.request import same_call
from interlock.broker import card, halting, records, trails, words
from interlock.broker.asking import Asking, Lifted, Ready, Unanswered, Unasked, Used, loosened
from interlock.broker.attending import Attendance, Recorder, Rules
from interlock.broker.binding import COMMANDS
from interlock.broker.clock import Clock
from interlock.broker.config import Config, Mode
from interlock.broker.contain import Container, Nothing, Wish, caught, profile_of, started
from interlock.broker.envelope import seal
from interlock.broker.facts import variables_in
from interlock.broker.granting import Grants
from interlock.broker.halting import Halting
from interlock.broker.judge import Judgement, Remembered, judge, without_token
from interlock.broker.launching import Held, Launched, Launching, Unable
from interlock.broker.planning import Planning
from interlock.broker.restricting import Restrictions
from interlock.broker.sealing import Sealer, absent
from interlock.broker.session import Session
from interlock.broker.trails import Trails
from interlock.broker.undoing import Undoing
from interlock.halt.order import Order, What
from interlock.model.action import Action, Principal
from interlock.model.decision import Decision, Rung, Verdict
from interlock.model.errors import Refused
from interlock.model.provenance import Facts
from interlock.model.warrant import Warrant

# What a denial names in place of a policy's rule.
UNGRANTED = "grant-revoked"
CHANGED = "approved-then-changed"
APPROVED = "approved"  # what stands for a profile where nothing is contained


class Answer(msgspec.Struct, frozen=True):
    """What a gate passes on: released or not, the words for the agent, and the entry that says so."""

    released: bool
    message: str
    entry: int
    decision: Decision
    request: int | None = None
    command: str = ""  # what the agent is to run instead: it starts the contained run
    deferred: bool = False  # the agent may put the call aside: nobody has decided yet
    epoch: int = 0  # of the halts, when it was released
    ended: bool = False  # a person paused or killed the session: the agent's loop is to end


class Broker(Attendance):
    """The road, for one daemon, over the sessions that travel it."""

    def __init__(
        self,
        *,
        ledger: Recorder,
        rules: Rules,
        queue: Queue,
        clock: Clock,
        halting: Halting,
        started: Callable[[int], None] = lambda _: None,
        container: Container | None = None,
        undoing: Undoing | None = None,
    ) -> None:
        super().__init__(ledger=ledger, rules=rules, queue=queue, halting=halting)
        self.trails = Trails()
        self.grants = Grants(ledger.record, clock)
        self.restrictions = Restrictions(ledger.record, clock)
        self.token_ended: Callable[[Warrant], str] = lambda _: ""  # why a token does not count any more
        self._clock = clock
        person = halting.person
        self._container = container or Nothing()
        self._undoing = undoing
        self.launching = Launching(Sealer(), Unable())  # until somebody knows how to start approved actions
        # `started` is told of each process that a look starts: what comes from below it is no person's.
        self.planning = Planning(
            queue=queue,
            clock=clock,
            container=self._container,
            rejudge=self._rejudge_planned,
            rules=lambda workspace: (rules.engine(workspace), rules.config(workspace)),
            record=ledger.record,
            asks=self._asks,
        )
        self._asking = Asking(
            queue=queue, clock=clock, person=person, rejudge=self._rejudge, started=started, undoing=undoing
        )

    async def propose(
        self,
        action: Action,
        gone: asyncio.Event | None = None,
        *,
        rewrites: bool = False,
        inside: str = "",
        defers: Callable[[], bool] = bool,
        environment: Callable[[], bytes] = bytes,
    ) -> Answer:
        """Judge one action. Raises InterlockError when no safe answer can be made: the gate then says no.

        `gone` is set once nobody waits for the answer any more: a yes is then kept for the next identical call.
        `rewrites` says that the gate can make the agent run another command instead, and so a contained one; `inside`
        is the run in which the agent as a whole is contained already; `defers` tells whether the agent can put a call
        aside until it is run again; `environment` gives that of the asking process: looked at only for what is asked
        about.
        """
        session = await self.session(action.principal, action.cwd)
        self.halting.hear(session, action)
        session.inside = inside
        if action.tool in COMMANDS:
            session.rewrites = rewrites
        if (order := self.halting.ends(session)) is not None:
            return await self._halted(session, action, {}, order)
        if session.variables is None:
            session.variables = variables_in(environment())
        config = self._rules.config(session.workspace)
        action = self._as_it_is(action, config)
        judged = await self._spent(action, session, config)
        if (
            (rewrites or inside)
            and config.mode is Mode.ENFORCE
            and session.workspace
            and self._container.tier != "none"
        ):
            engine = self._rules.engine(session.workspace)
            tried = (_command(action), action.cwd) in session.outside
            held = caught(judged, action, engine, config, doubted=session.doubted, tried=tried)
            if held is not None:
                lifted = judged.decision.verdict is not Verdict.ALLOW
                return await self._release_contained(session, action, held, config, ours=not inside, lifted=lifted)
        decision = judged.decision
        body = {**records.action_body(action), **records.decision_body(decision, judged.reading, judged.context)}
        if decision.verdict is Verdict.ALLOW or (config.mode is Mode.OBSERVE and not judged.beyond_token):
            return await self._release_by_rule(session, action, judged, body, config)
        if decision.verdict is Verdict.DENY:
            session.patience.stopped(what := shape(judged.effects))
            body["patience"] = session.patience.body(what)
            answer = await self._stop(session, action, decision, body, words.denied)
            return await self._enough(session, config, answer)
        action = msgspec.structs.replace(action, variables=variables_in(environment()))
        judged = await asyncio.to_thread(self.launching.look, action, judged, session.workspace, rewrites=rewrites)
        body["binding"] = judged.binding.body()
        return await self._ask(session, action, judged, body, config, gone, rewrites=rewrites, defers=defers)

    async def outcome(self, principal: Principal, cwd: str, call_id: str, result: dict[str, Any]) -> int:
        """What came out of a released call, in the agent's words; of these only `records.result_body` is kept."""
        session = await self.session(principal, cwd)
        session.count("outcomes")
        request = session.approved.pop(call_id, None)
        if request is not None:
            await self.queue.finish(request, ok=bool(result.get("ok", True)))
        intent = session.calls.get(call_id)
        body = {"principal": records.principal_body(principal), "call": call_id, "result": records.result_body(result)}
        kept = session.kept.pop(call_id, None)
        if kept and self._undoing is not None:
            await self._undoing.after(kept)
        if self.histories is not None:
            await asyncio.to_thread(self.histories.acted, session.workspace)
        await self.tracking.after(principal, call_id)
        if intent is None:
            return await self.alarm(
                principal, "unseen-call", "a tool ran whose call never reached Interlock", {"call": call_id}
            )
        return await self._ledger.record(records.OUTCOME, {**body, "intent": intent}, durable=False)

    def imagine(self, workspace: str) -> Callable[[Action], Judgement]:
        """How an action would be judged in a workspace by an agent that was granted nothing. Nothing is recorded."""
        engine, config = self._rules.engine(workspace), self._rules.config(workspace)

        def run(action: Action) -> Judgement:
            return judge(
                action, workspace=workspace, config=config, engine=engine, person=self._person, now=self._clock.now()
            )

        return run

    async def _spent(self, action: Action, session: Session, config: Config) -> Judgement:
        """The judgement; grants that it counted on are used by now. Two calls may want the last use."""
        while True:
            judged = self._judge(action, session, config)
            if judged.decision.verdict is not Verdict.ALLOW or not judged.decision.grants:
                return judged
            if await self.grants.spend(judged.decision.grants):
                return judged

    def _rejudge(self, action: Action, session: Session, *, rewrites: bool = True) -> Judgement:
        judged = self._judge(action, session, self._rules.config(session.workspace))
        return self.launching.look(action, judged, session.workspace, rewrites=rewrites)

    def _rejudge_planned(self, action: Action, session: Session) -> Judgement:
        """As it will be judged, and started, when the agent makes the call: with the variables that its hooks have."""
        action = msgspec.structs.replace(action, variables=session.variables)
        return self._rejudge(action, session, rewrites=session.rewrites)

    def _as_it_is(self, action: Action, config: Config) -> Action:
        """The action with the roles that its principal has at this moment."""
        roles = self.restrictions.of(action.principal, config.roles)
        if roles == action.principal.roles:
            return action
        return msgspec.structs.replace(action, principal=msgspec.structs.replace(action.principal, roles=roles))

    def _judge(self, action: Action, session: Session, config: Config) -> Judgement:
        engine = self._rules.engine(session.workspace)
        action = self._as_it_is(action, config)
        # What a session may count on without being asked ends with the benefit of the doubt.
        grants = () if session.doubted else self.grants.live(session.principal, session.workspace, engine.digest)
        judged = judge(
            action,
            workspace=session.workspace,
            config=config,
            engine=engine,
            person=self._person,
            now=self._clock.now(),
            remembered=Remembered(
                self.trails, grants, self.halting.facts(session, action, ()).of, self.halting.freezes()
            ),
        )
        return self._without_token(action, judged)

    def _without_token(self, action: Action, judged: Judgement) -> Judgement:
        """The same judgement while the token of the action counts; else one that says no."""
        why = self.token_ended(action.warrant) if action.warrant is not None else ""
        return without_token(judged, why) if why else judged

    async def _release_by_rule(
        self, session: Session, action: Action, judged: Judgement, body: dict[str, Any], config: Config
    ) -> Answer:
        """Release what policy alone lets pass, unless a person said yes to something else in the same words.

        Here nothing holds what it starts: what was taken away for this look could stand there again a moment later.
        """
        given = self.queue.given(lambda: same_call(card.call(action), action.principal))
        if given is None or config.mode is Mode.OBSERVE:
            return await self._release(session, action, judged, body, config)
        await self.queue.drift(given.id)
        why = words.drifted(given)
        decision = msgspec.structs.replace(judged.decision, verdict=Verdict.DENY, rules=(CHANGED,), why=why)
        body = body | records.decision_body(decision, judged.reading, judged.context)
        return await self._stop(session, action, decision, body, lambda decision, _: decision.why, given.id)

    async def _release(
        self, session: Session, action: Action, judged: Judgement, body: dict[str, Any], config: Config
    ) -> Answer:
        facts = self.halting.facts(session, action, judged.reading.effects)
        if order := self._stops(session, facts):
            return await self._halted(session, action, body, order)
        if config.mode is Mode.OBSERVE and judged.decision.verdict is not Verdict.ALLOW:
            body = {**body, "mode": config.mode.value}
            session.count("would_stop")
        # INVARIANT: where content came from is remembered before the action that moves it is released.
        news = self.trails.news(judged.reading.trails)
        if news:
            await self._ledger.record(
                records.TRAIL, {"principal": records.principal_body(session.principal), **trails.body(news)}
            )
            self.trails.follow(news)
        # INVARIANT: what undo needs is kept before the action is released, and its entry says what undo can do.
        kept = None
        if self._undoing is not None and not judged.contained:
            kept = await self._undoing.before(judged.reading, session.workspace)
        if kept is not None:
            body = {**body, "undo": kept.body()}
        await self.tracking.before(action, session.workspace, judged.reading, contained=judged.contained)
        # INVARIANT: between this look and the entry nothing is awaited, so no entry of an order, and no end of a token,
        # stands between them.
        if order := self._stops(session, facts):
            return await self._halted(session, action, body, order)
        if (stopped := await self._ended_meanwhile(session, action, judged, body)) is not None:
            return stopped
        epoch = self.halting.epoch
        body = {**body, "epoch": epoch, "provenance": self.halting.provenance(session, action, judged.reading.effects)}
        effect = records.is_side_effect(judged.reading)
        if self.histories is not None and (effect or judged.reading.here):
            self.histories.acting(session.workspace)
        index = await self._ledger.record(records.INTENT, body, durable=effect)
        session.count("intents")
        self.tracking.released(action, judged.reading, index)
        session.past.did(facts)
        if self.halting.epoch != epoch and (order := self._stops(session, facts)):
            return await self._withdrawn(session, action, index, order)
        if effect:
            session.patience.yes()  # it goes on with other work: what was denied before is no row any more
        session.remember(action.call_id, index)
        if kept is not None and action.call_id:
            session.kept[action.call_id] = kept.points
        return Answer(released=True, message="", entry=index, decision=judged.decision, epoch=self.halting.epoch)

    async def _ended_meanwhile(
        self, session: Session, action: Action, judged: Judgement, body: dict[str, Any]
    ) -> Answer | None:
        """The no of a grant or a token that ended after the judgement; None (and nothing awaited) else."""
        lost = self._without_token(action, judged)
        decision = lost.decision
        if not self.grants.stand(judged.decision.grants):
            why = "What was granted for this was taken back a moment ago. Make the same call again: it is judged anew."
            decision = msgspec.structs.replace(decision, verdict=Verdict.DENY, rules=(UNGRANTED,), why=why)
        elif lost is judged:
            return None
        denied = records.decision_body(decision, judged.reading, judged.context)
        return await self._stop(session, action, decision, body | denied, words.denied)

    def _stops(self, session: Session, facts: Facts) -> Order | None:
        """The order that forbids this release now; a freeze may have been written into a file since it was judged."""
        return self.halting.stops(session, facts, self._rules.config(session.workspace).freezes)

    async def _halted(self, session: Session, action: Action, body: dict[str, Any], order: Order) -> Answer:
        """An order stops it, whatever else was decided."""
        why = halting.words(order)
        decision = Decision(Verdict.DENY, 4, Rung.NONE, (), (halting.RULE,), why)
        said = {**records.action_body(action), **body, "verdict": "deny", "tier": 4, "rules": [halting.RULE]}
        said = {**said, "why": why, "effects": body.get("effects", []), **halting.body(order)}
        answer = await self._stop(session, action, decision, said, lambda decision, _: decision.why)
        return msgspec.structs.replace(answer, ended=order.what is not What.FREEZE)

    async def _withdrawn(self, session: Session, action: Action, intent: int, order: Order) -> Answer:
        """The order came while the entry of the release was being made: it is not released, and the entry is closed."""
        result = {"ok": False, "withdrawn": True}
        body = {"principal": records.principal_body(session.principal), "call": action.call_id, "result": result}
        await self._ledger.record(records.OUTCOME, {**body, "intent": intent, **halting.body(order)})
        session.count("outcomes")
        decision = Decision(Verdict.DENY, 4, Rung.NONE, (), (halting.RULE,), halting.words(order))
        ended = order.what is not What.FREEZE
        return Answer(released=False, message=decision.why, entry=intent, decision=decision, ended=ended)

    async def _release_contained(
        self, session: Session, action: Action, judged: Judgement, config: Config, *, ours: bool, lifted: bool
    ) -> Answer:
        """Release what runs contained: in a run of ours, or in that of the whole agent."""
        profile = profile_of(judged) if ours else "agent"
        body = {
            **records.action_body(action),
            **records.decision_body(judged.decision, judged.reading, judged.context, judged.effects),
            "contained": {"tier": self._container.tier, "profile": profile},
        }
        answer = await self._release(session, action, judged, body, config)
        if not ours or not answer.released:
            return answer
        wish = Wish(
            argv=("bash", "-c", _command(action)),
            cwd=action.cwd,
            workspace=session.workspace,
            profile=profile,
            principal=action.principal,
            hosts=config.containment.hosts,
            own=config.containment.profiles,
            end=config.containment.end,
            intent=answer.entry,
            lifted=lifted,
            foreseen=judged.reading.effects,
            provenance=self.halting.provenance(session, action, judged.reading.effects),
            epoch=answer.epoch,
            operands=(*sorted(judged.operands.items()), *absent(judged.reading.effects)),
        )
        return msgspec.structs.replace(answer, command=started(self._container.prepare(wish), judged.reading.ends))

    async def _stop(
        self,
        session: Session,
        action: Action,
        decision: Decision,
        body: dict[str, Any],
        say: Callable[[Decision, int], str],
        request: int | None = None,
    ) -> Answer:
        if request is not None:
            body = {**body, "request": request}
        index = await self._ledger.record(records.DENIAL, body)
        session.count("denials")
        session.remember(action.call_id, index)
        return Answer(released=False, message=say(decision, index), entry=index, decision=decision, request=request)

    async def _enough(self, session: Session, config: Config, answer: Answer) -> Answer:
        """After a no: where it was one too many, the session is paused, and the agent hears that with it."""
        why = session.patience.spent(config.approvals.limits)
        if not why:
            return answer
        order = await self.halting.pause(session.principal, why)
        return msgspec.structs.replace(answer, message=f"{answer.message} {halting.words(order)}", ended=True)

    async def _ask(
        self,
        session: Session,
        action: Action,
        judged: Judgement,
        body: dict[str, Any],
        config: Config,
        gone: asyncio.Event | None,
        *,
        rewrites: bool,
        defers: Callable[[], bool],
    ) -> Answer:
        engine = self._rules.engine(session.workspace)
        self._asks(session, action, judged)
        asked = await self._asking.ask(
            session, action, judged, engine=engine, config=config, gone=gone, rewrites=rewrites, defers=defers
        )
        body = {**body, **asked.extra}
        match asked:
            case Lifted(seen):
                return await self._release_by_rule(session, action, seen, body, config)
            case Unasked(_, say, flooded):
                answer = await self._stop(session, action, judged.decision, body, say)
                return await self._flooded(session, answer, flooded) if flooded else answer
            case Unanswered(request, _, say, deferred):
                if denied := request.state is State.DENIED:
                    session.patience.no(what := shape(judged.effects))
                    body["patience"] = session.patience.body(what)
                answer = await self._stop(session, action, judged.decision, body, say, request.id)
                if not denied:
                    return msgspec.structs.replace(answer, deferred=deferred)
                return await self._enough(session, config, answer)
            case Ready(ticket):
                session.remember(action.call_id, ticket.request)  # until the launch has an entry of its own
                command = started(self.launching.start(action, ticket), judged.reading.ends)
                # Under the epoch of this moment; the launch itself is looked at again, and then has its own.
                epoch, said = self.halting.epoch, words.approved(self.queue.get(ticket.request))
                return Answer(True, said, ticket.request, judged.decision, ticket.request, command, epoch=epoch)
            case Used(request):
                session.patience.yes()
                answer = await self._release(session, action, judged, {**body, "approval": request.id}, config)
                if not answer.released:
                    await self.queue.finish(request.id, ok=False)
                    return answer
                if action.call_id:
                    session.approved[action.call_id] = request.id
                return msgspec.structs.replace(answer, request=request.id, message=words.approved(request))

    def _asks(self, session: Session, action: Action, judged: Judgement) -> None:
        """A person is asked about this: what orders to halt may want to know of it."""
        facts = self.halting.facts(session, action, judged.reading.effects)
        self.halting.asks(seal(action, judged).digest, facts)

    async def _flooded(self, session: Session, answer: Answer, many: str) -> Answer:
        """Prompt bombing is an incident, and no more prompts."""
        why = f"it asked so much that people here were asked {many} times within an hour"
        await self.alarm(session.principal, "prompt-bombing", why, {"asked": int(many)})
        order = await self.halting.pause(session.principal, why)
        return msgspec.structs.replace(answer, message=halting.words(order), ended=True)

    async def launch(self, held: Held) -> Launched:
        """An approved action is to start now: read, decide and seal once more, and use its yes.

        Raises Refused, in the agent's words, when it is not what was approved any more or the yes does not count.
        """
        self._rules.refresh()
        action, ticket = held.action, held.ticket
        session = await self.session(action.principal, action.cwd)
        judged = self._rejudge(action, session)
        body = {**records.action_body(action), **records.decision_body(judged.decision, judged.reading, judged.context)}
        asks = judged.decision.verdict is Verdict.ASK and judged.binding.plan is not None
        asks = asks and not loosened(self.queue.get(ticket.request), judged)
        try:
            used = await self.queue.launch(ticket, seal(action, judged).digest if asks else "")
        except Refused:
            heard = self.queue.get(ticket.request)
            say = words.drifted if heard.state is State.DRIFTED else words.ended
            stopped = await self._stop(
                session, action, judged.decision, body, lambda _, __: say(heard), request=ticket.request
            )
            raise Refused(stopped.message) from None
        session.patience.yes()
        body = {**body, "approval": used.id, "binding": judged.binding.body()}
        answer = await self._release(session, action, judged, body, self._rules.config(session.workspace))
        if not answer.released or judged.binding.plan is None:
            await self.queue.finish(used.id, ok=False)
            raise Refused(answer.message)
        if action.call_id:
            session.approved[action.call_id] = used.id
        wish = Wish(
            argv=judged.binding.plan.argv,
            cwd=action.cwd,
            workspace=session.workspace,
            profile=APPROVED,
            principal=action.principal,
            intent=answer.entry,
            provenance=self.halting.provenance(session, action, judged.reading.effects),
            epoch=answer.epoch,
        )
        return Launched(judged.binding.plan, used.id, wish)

    async def landed(self, request_id: int, status: int, drifted: bool) -> None:
        """A launch has ended. `drifted`: what was there was not what was approved, and nothing ran."""
        await self.queue.finish(request_id, ok=status == 0)
        if drifted:
            request = self.queue.get(request_id)
            message = "what was approved was something else when it was to start: nothing ran"
            await self.alarm(request.principal, "approved-then-changed", message, {"request": request_id})


def _command(action: Action) -> str:
    return str(action.input.get("command", ""))
