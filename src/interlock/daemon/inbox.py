"""What a person asks about requests: which wait, what one holds, yes and no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.approvals.machine import LIVE
from interlock.approvals.request import Request
from interlock.broker.broker import Broker
from interlock.broker.clock import Clock, stamp
from interlock.broker.records import clean
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer
from interlock.daemon.rules import RuleBook
from interlock.daemon.server import Peer


class InboxDesk:
    """The questions that wait for people."""

    def __init__(self, broker: Broker, rules: RuleBook, clock: Clock, callers: Callers) -> None:
        self._broker = broker
        self._queue = broker.queue
        self._rules = rules
        self._clock = clock
        self._callers = callers

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"inbox": self._inbox, "request": self._request, "approve": self._approve, "deny": self._deny}

    async def _inbox(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._queue.expire()
        shown = [r for r in self._queue.all() if params.get("all") or r.state in LIVE]
        return [_body(request) for request in shown]

    async def _request(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        return _body(self._queue.get(integer(params, "id")))

    async def _approve(self, params: dict[str, Any], peer: Peer) -> Any:
        approver = self._callers.person(peer)
        request_id = integer(params, "id")
        workspace = self._workspace_of(self._queue.get(request_id))
        execute_by = stamp(self._clock.now() + self._rules.config(workspace).execute_seconds)
        code = str(params.get("code", ""))
        return _body(await self._queue.approve(request_id, approver, code=code, execute_by=execute_by))

    async def _deny(self, params: dict[str, Any], peer: Peer) -> Any:
        because = clean(str(params.get("because", ""))[:2_000])
        return _body(await self._queue.deny(integer(params, "id"), self._callers.person(peer), because=because))

    def _workspace_of(self, request: Request) -> str:
        session = self._broker.sessions.get(request.principal)
        return session.workspace if session else ""


def _body(request: Request) -> Any:
    return msgspec.to_builtins(request)
