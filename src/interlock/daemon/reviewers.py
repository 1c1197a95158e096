"""What a person asks about drills for those who approve: begin one, end and score it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.broker.broker import Broker
from interlock.broker.drilling import MOST, Drills
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.server import Peer
from interlock.model.action import Principal
from interlock.model.errors import UsageError


class ReviewersDesk:
    """Drills are opt-in: they run when a person begins one, and at no other time."""

    def __init__(self, broker: Broker, drills: Drills, callers: Callers) -> None:
        self._broker = broker
        self._drills = drills
        self._callers = callers

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"drill.begin": self._begin, "drill.end": self._end}

    async def _begin(self, params: dict[str, Any], peer: Peer) -> Any:
        person = self._callers.person(peer)
        count = integer(params, "count", 3)
        if not 1 <= count <= MOST:
            raise UsageError(f"a drill asks 1 to {MOST} questions.")
        live = self._broker.sessions.all()
        # As the agent that was heard last would ask; where none is live, as one would.
        principal = live[-1].principal if live else Principal(agent="claude", session="drill", person=person.name)
        workspace = live[-1].workspace if live else text(params, "workspace", "")
        entry = await self._drills.begin(
            person.name, count, principal, workspace, self._broker.imagine(workspace), self._broker.rules(workspace)
        )
        return {"entry": entry, "count": count}

    async def _end(self, params: dict[str, Any], peer: Peer) -> Any:
        del params
        return msgspec.to_builtins(await self._drills.end(self._callers.person(peer).name))
