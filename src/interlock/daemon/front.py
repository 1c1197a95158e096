"""What a person asks about the daemon itself: is it there, how is it, read the rules again, stop."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Mapping
from typing import Any

from interlock import __version__
from interlock.approvals.machine import LIVE, OPEN
from interlock.broker.broker import Broker
from interlock.daemon.callers import Callers
from interlock.daemon.contained import Contained
from interlock.daemon.desk import Method
from interlock.daemon.rules import RuleBook
from interlock.daemon.server import Peer
from interlock.ledger.store import Ledger
from interlock.model.errors import OperatorError


class FrontDesk:
    """The daemon's own state. `stop` asks it to drain and end."""

    def __init__(
        self,
        *,
        broker: Broker,
        ledger: Ledger,
        rules: RuleBook,
        contained: Contained,
        callers: Callers,
        started: str,
        stop: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._ledger = ledger
        self._rules = rules
        self._contained = contained
        self._callers = callers
        self._started = started
        self._stop = stop

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"ping": self._ping, "status": self._status, "reload": self._reload, "stop": self._end}

    async def _ping(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        return {"pid": os.getpid(), "version": __version__}

    async def _status(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        try:
            mode, policy = self._rules.config("").mode.value, self._rules.engine("").digest
        except OperatorError:
            mode, policy = "refused", ""  # every agent is stopped; `rule_problems` says why
        return {
            "pid": os.getpid(),
            "version": __version__,
            "started": self._started,
            "mode": mode,
            "policy": policy,
            "rule_problems": self._rules.problems(),
            "entries": self._ledger.size,
            "ledger_healthy": self._ledger.healthy,
            "ledger_problem": self._ledger.faults.last,
            "sessions": [
                {
                    "agent": session.principal.agent,
                    "session": session.principal.session,
                    "workspace": session.workspace,
                    "counts": session.counts,
                }
                for session in self._broker.sessions.all()
            ],
            "contained": self._contained.facts(),
            "waiting": len([request for request in self._broker.queue.all() if request.state in LIVE]),
            "undecided": len([request for request in self._broker.queue.live() if request.state in OPEN]),
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }

    async def _reload(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        self._rules.refresh()
        return {"problems": self._rules.problems()}

    async def _end(self, params: dict[str, Any], peer: Peer) -> Any:
        del params
        self._callers.person(peer)
        self._stop()
        return {"stopping": True}
