"""What can be asked about plans: hand one in, as an agent or for one, and look at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.approvals.decision import MOST
from interlock.approvals.request import Request
from interlock.broker.broker import Broker
from interlock.broker.halting import words
from interlock.broker.session import Session
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.server import Peer
from interlock.model.action import Action
from interlock.model.errors import AgentError, NotFound, Refused


class PlanDesk:
    """Plans of the live sessions."""

    def __init__(self, broker: Broker, callers: Callers) -> None:
        self._broker = broker
        self._callers = callers

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"plan.submit": self._submit, "plan.show": self._show}

    async def _submit(self, params: dict[str, Any], peer: Peer) -> Any:
        agent = self._callers.whoever(peer).agent
        session = self._session(agent, text(params, "session", ""), text(params, "cwd"))
        if agent != "person" and session.process and session.process != self._callers.process(peer):
            raise Refused("this session is another process's: an agent plans for its own sessions alone.")
        if (order := self._broker.halting.ends(session)) is not None:
            raise Refused(f"nothing is planned for this session now. {words(order)}")
        actions = _actions(params, session)
        plan = await self._broker.planning.submit(session, actions, ordered=params.get("ordered") is True)
        return msgspec.to_builtins(plan)

    async def _show(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        wanted = integer(params, "id")
        found: list[Request] = [r for r in self._broker.queue.all() if r.plan is not None and r.plan.plan == wanted]
        if not found:
            raise NotFound(f"no plan {wanted} has a step that needed a yes and is remembered. `interlock inbox --all`.")
        return [request.id for request in found]

    def _session(self, agent: str, named: str, cwd: str) -> Session:
        """The session that a plan is for: the one that is named, or the only one that it can be. Raises Refused."""
        live = [session for session in self._broker.sessions.all() if agent in ("person", session.principal.agent)]
        if named:
            live = [session for session in live if session.principal.session == named]
        elif len(live) > 1:
            live = [session for session in live if (cwd + "/").startswith((session.workspace or "\0") + "/")]
        if len(live) == 1:
            return live[0]
        names = ", ".join(session.principal.session for session in live[:5])
        if live:
            raise Refused(f"the plan could be for {len(live)} sessions ({names}). Name one: --session.")
        raise NotFound(
            "no live session that this plan could be for. It is for a session that Interlock has seen at work: "
            "`interlock status` lists them."
        )


def _actions(params: dict[str, Any], session: Session) -> list[Action]:
    """The steps as actions of that session. Raises AgentError."""
    steps, cwd = params.get("steps"), text(params, "cwd")
    if not isinstance(steps, list) or not steps or len(steps) > MOST:
        raise AgentError(f"a plan has 1 to {MOST} steps.")
    actions = []
    for number, step in enumerate(steps, start=1):
        said: dict[str, Any] = step if isinstance(step, dict) else {}
        tool, given, where = said.get("tool"), said.get("input"), said.get("cwd", cwd)
        if not isinstance(tool, str) or not isinstance(given, dict) or not isinstance(where, str):
            raise AgentError(f'step {number} is no object of the form {{"tool": "Bash", "input": {{"command": "…"}}}}.')
        actions.append(Action(tool=tool, input=given, cwd=where, principal=session.principal, gate="plan"))
    return actions
