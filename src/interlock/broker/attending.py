"""Who is at work: sessions, from their first call to their end, and what is noted of them beside their actions.

INVARIANT: a session's workspace is decided once, and what it finds in a repository is noted before anything of it is
released.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import msgspec

from interlock.approvals.queue import Queue
from interlock.broker import halting, records
from interlock.broker.config import Config
from interlock.broker.contain import Wish
from interlock.broker.halting import Halting
from interlock.broker.session import Session, Sessions, new_session
from interlock.broker.tracking import Tracking, Untracked
from interlock.broker.workspace import workspace_of
from interlock.containment.histories import Histories
from interlock.halt.order import Order
from interlock.identity.sessions import SessionIdentity
from interlock.model.action import Principal
from interlock.model.agent import NOTHING_KNOWN, AgentFacts
from interlock.model.selector import Match
from interlock.policy.engine import Engine

DRIFT = "drift"  # the alarm after which a session is doubted

_ALARMS = 100  # unseen calls that get an alarm each, of one look at a transcript; the rest is counted
_ALARMED = 5_000  # calls of a session that are known to have been alarmed about


class Recorder(Protocol):
    """The ledger as the broker needs it."""

    async def record(self, kind: str, body: dict[str, Any], *, durable: bool = True) -> int:
        """One entry; returns its index once it is acknowledged. Raises LedgerUnavailable."""


class Rules(Protocol):
    """The rules in force for a workspace. They may change between two calls; within one action they do not."""

    def engine(self, workspace: str) -> Engine:
        """The policy. Raises PolicyError when the workspace's own layer is refused."""

    def config(self, workspace: str) -> Config:
        """The configuration. Raises ConfigError when the workspace's own layer is refused."""

    def refresh(self) -> None:
        """Take up now what has changed in the files, before something that was approved starts."""


class Attendance:
    """The sessions of one daemon."""

    def __init__(self, *, ledger: Recorder, rules: Rules, queue: Queue, halting: Halting) -> None:
        self.queue = queue
        self.sessions = Sessions()
        self.halting = halting
        self.histories: Histories | None = None  # told of sessions and actions, so that people's commits are known
        self.tracking: Tracking = Untracked()  # and so that each line's author is
        self._opening: dict[tuple[str, str], asyncio.Task[Session]] = {}
        self._ledger = ledger
        self._rules = rules
        self._person = halting.person

    async def session(self, principal: Principal, cwd: str, facts: AgentFacts = NOTHING_KNOWN) -> Session:
        """This principal's session, opened in the ledger when it is first seen, with what is known of the agent."""
        known = self.sessions.get(principal)
        if known is not None:
            known.child(principal)
            return known
        # An agent's first calls may come side by side: they share one opening, and one entry.
        key = (principal.agent, principal.session)
        opening = self._opening.get(key)
        if opening is None:
            opening = self._opening[key] = asyncio.ensure_future(self._open(principal, cwd, facts))
            opening.add_done_callback(lambda _: self._opening.pop(key, None))
        session = await asyncio.shield(opening)
        session.child(principal)
        return session

    async def _open(self, principal: Principal, cwd: str, facts: AgentFacts) -> Session:
        # INVARIANT: a session's workspace is decided once. An agent that outlives its daemon would otherwise choose
        # a new one, by the working directory of its next call.
        workspace = self.sessions.workspace(principal)
        first = workspace is None
        if workspace is None:
            workspace = workspace_of(cwd, self._person.home)
        identity = SessionIdentity(self.sessions.origin, principal)
        body = {"principal": records.principal_body(principal), "workspace": workspace, "cwd": records.clean(cwd)}
        body |= identity.body() | {"facts": msgspec.to_builtins(facts)}
        opened = await self._ledger.record(records.SESSION_OPEN, body)
        past = self.halting.past(workspace, facts, whole=first)
        past.heard(principal)
        session = new_session(principal, workspace, opened, identity, facts, past)
        if self.histories is not None:
            # INVARIANT: what a session finds in the repository is noted before anything of it is released.
            key = (principal.agent, principal.session)
            await asyncio.to_thread(self.histories.opened, workspace, key, resumed=not first)
        forgotten = self.sessions.add(session)
        if forgotten is not None:
            await self._close(forgotten, "forgotten: too many sessions at once")
        return session

    def ended(self, principal: Principal) -> str:
        """What to tell the agent of a session that a person paused or killed; "" for every other."""
        session = self.sessions.get(principal)
        order = self.halting.ends(session) if session is not None else None
        return halting.words(order) if order is not None else ""

    async def prompted(self, principal: Principal, cwd: str, prompt: dict[str, Any]) -> None:
        """The session is given a prompt: `digest` and `size` of it."""
        session = await self.session(principal, cwd)
        session.past.heard(principal)
        session.past.prompted(str(prompt["digest"]))
        await self.tracking.idle(principal)
        await self.note(records.PROMPT, principal, {"prompt": prompt})

    async def close(self, principal: Principal, reason: str, *, stopping: bool = False) -> None:
        """The agent ended its session, or the daemon is `stopping`."""
        session = self.sessions.pop(principal)
        if session is not None:
            await self._close(session, reason)
            if not stopping and self._rules.config(session.workspace).approvals.withdraw:
                key = (principal.agent, principal.session)
                await self.queue.withdraw(lambda request: request.session == key, "the agent's session has ended")

    async def record(self, kind: str, body: dict[str, Any]) -> int:
        """An entry of a room that has no ledger of its own. Raises LedgerUnavailable."""
        return await self._ledger.record(kind, body)

    async def alarm(self, principal: Principal, what: str, message: str, facts: dict[str, Any]) -> int:
        """Something is wrong that nobody asked about."""
        body = {"principal": records.principal_body(principal), "alarm": what, "message": message, **facts}
        return await self._ledger.record(records.ALARM, body)

    async def drifted(self, principal: Principal, workspace: str, differences: tuple[str, ...], intent: int) -> None:
        """A contained run did what was not foreseen: an alarm, and its session loses the benefit of the doubt."""
        self.sessions.doubt(principal.agent, principal.session)
        message = "a contained run did what its reading did not foresee"
        facts = {"differences": [records.short(line) for line in differences], "workspace": workspace, "intent": intent}
        await self.alarm(principal, DRIFT, message, facts)

    def in_vain(self, wish: Wish) -> None:
        """A run that spared a question could not do its work inside: the same call is a question from now on."""
        session = self.sessions.get(wish.principal)
        if session is not None:
            session.in_vain(wish.argv[-1], wish.cwd)

    async def note(self, kind: str, principal: Principal, body: dict[str, Any], *, durable: bool = False) -> int:
        """A fact of the session's life that is no action: a prompt, a sub-agent's start, a change of configuration."""
        return await self._ledger.record(
            kind, {"principal": records.principal_body(principal), **body}, durable=durable
        )

    async def became(self, session: Session, facts: AgentFacts) -> None:
        """The agent is made of something else now: another skill, server or setting."""
        if facts != session.facts:
            session.facts = session.past.agent = facts
            await self.note(
                records.SESSION_FACTS, session.principal, {"facts": msgspec.to_builtins(facts)}, durable=True
            )

    async def child(self, principal: Principal, cwd: str, *, live: bool) -> int:
        """A sub-agent begins or ends: a principal of its own, below its session."""
        session = await self.session(principal, cwd)
        session.child(principal, live=live)
        name = session.children[principal.subagent].name if principal.subagent else session.identity.name
        return await self.note("subagent.start" if live else "subagent.stop", principal, {"name": name})

    async def unseen(self, principal: Principal, cwd: str, calls: list[tuple[str, str]]) -> int:
        """Compare the agent's own record, (call id, tool) pairs, with what reached the road; alarm for the rest."""
        session = await self.session(principal, cwd)
        message = "the agent's transcript shows a tool call that never reached Interlock"
        missed = [(call, tool) for call, tool in calls if call not in session.calls and call not in session.alarmed]
        if len(session.alarmed) > _ALARMED:
            session.alarmed.clear()  # at worst an old call is alarmed about twice
        for call, tool in missed[:_ALARMS]:
            session.alarmed.add(call)
            # The transcript is within the agent's reach: what stands in it is bounded like everything else.
            facts = {"call": records.short(call), "tool": records.short(tool)}
            await self.alarm(principal, "unseen-call", message, facts)
        if len(missed) > _ALARMS:
            more = {"more": len(missed) - _ALARMS}
            await self.alarm(principal, "unseen-call", f"{message}, and so do more", more)
        return len(missed)

    def resumed(self, order: Order) -> None:
        """A person lifted a pause: what its sessions were denied is not counted any more."""
        for session in self.sessions.all():
            if session.past.session(session.principal).covered(order.where, order.allow) is not Match.NO:
                session.patience.forgive()

    def rules(self, workspace: str) -> Config:
        """The configuration for a workspace."""
        return self._rules.config(workspace)

    async def _close(self, session: Session, reason: str) -> None:
        body = {
            "principal": records.principal_body(session.principal),
            "opened": session.opened,
            "counts": session.counts,
            "patience": session.patience.body(),
            "reason": reason,
        }
        await self.tracking.idle(session.principal, over=True)
        if self.histories is not None:
            key = (session.principal.agent, session.principal.session)
            await asyncio.to_thread(self.histories.closed, session.workspace, key)
        await self._ledger.record(records.SESSION_CLOSE, session.identity.closed(body), durable=False)
