"""What a person asks about sessions: who is at work, below whom, and made of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.broker.broker import Broker
from interlock.broker.session import Session
from interlock.daemon.desk import Method
from interlock.daemon.server import Peer


class SessionsDesk:
    """The live sessions of one daemon."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"sessions.list": self._list}

    async def _list(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        return [_body(session) for session in self._broker.sessions.all()]


def _body(session: Session) -> dict[str, Any]:
    return {
        "name": session.identity.name,
        "key": session.identity.public,
        "agent": session.principal.agent,
        "session": session.principal.session,
        "person": session.principal.person,
        "workspace": session.workspace,
        "opened": session.opened,
        "counts": session.counts,
        "facts": msgspec.to_builtins(session.facts),
        "children": [msgspec.to_builtins(child) for child in session.children.values()],
    }
