"""Who a session is: a name, and a key that lives as long as the session and only in the daemon's memory.

The public half stands in `session.open`. The private half signs what the daemon says for this session (its close, its
capability tokens); it is forgotten when the session closes or the daemon ends, so nobody can speak for it afterwards.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from interlock.identity.keys import Ed25519Key
from interlock.identity.names import agent_name
from interlock.ledger.entry import canonical
from interlock.ledger.note import PublicKey
from interlock.model.action import Principal
from interlock.model.errors import InternalError, LedgerTampered

CLOSE = "interlock/session-close/v1"
KEY_NAME = "session"


class SessionIdentity:
    """A session's name and its key."""

    def __init__(self, origin: str, principal: Principal) -> None:
        self.name = agent_name(origin, principal.agent, principal.session)
        self._key: Ed25519Key | None = Ed25519Key.generate(KEY_NAME)
        self.public = text(self._key.public)

    @property
    def key(self) -> Ed25519Key:
        """The private half. Raises InternalError once it is forgotten."""
        if self._key is None:
            raise InternalError(f"the key of {self.name} is gone: its session is closed")
        return self._key

    def body(self) -> dict[str, str]:
        """What its `session.open` says of it."""
        return {"name": self.name, "key": self.public}

    def closed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body of its `session.close`, signed; the key is gone afterwards."""
        signature = self.key.sign(_statement(self.name, body))
        self._key = None
        return {**body, "name": self.name, "signature": text(signature)}


def check_close(opened: Mapping[str, Any], closed: Mapping[str, Any]) -> None:
    """Raises LedgerTampered unless the key that a `session.open` names signed this `session.close`."""
    try:
        name, key = str(opened["name"]), base64.b64decode(opened["key"], validate=True)
        signature = base64.b64decode(closed["signature"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise LedgerTampered("a session's key or signature is missing or no base64") from error
    if closed.get("name") != name:
        raise LedgerTampered(f"a session.close of {closed.get('name')!r} stands where {name!r} should close")
    signed = {field: value for field, value in closed.items() if field not in {"name", "signature"}}
    PublicKey(KEY_NAME, key).verify(signature, _statement(name, signed))


def _statement(name: str, body: Mapping[str, Any]) -> bytes:
    return f"{CLOSE}\n{name}\n".encode() + canonical(dict(body))


def text(raw: bytes) -> str:
    """Base64, as it stands in entries."""
    return base64.b64encode(raw).decode()
