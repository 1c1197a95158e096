"""What a person's commands can ask of the daemon: one method a name, JSON in, JSON out. The desks answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from interlock.daemon.desk import Desk, Method
from interlock.daemon.params import parse
from interlock.daemon.server import Peer
from interlock.daemon.wire import Reply
from interlock.model.errors import InterlockError, InternalError, NotFound


class Rpc:
    """All methods of all desks. Raises InternalError when two desks claim one name."""

    def __init__(self, desks: Sequence[Desk]) -> None:
        self._methods: dict[str, Method] = {}
        for desk in desks:
            for name, method in desk.methods().items():
                if name in self._methods:
                    raise InternalError(f"two desks answer {name!r}")
                self._methods[name] = method

    async def serve(self, payload: bytes, peer: Peer) -> Reply:
        """Answer one call. Known failures become {error, message}; bugs propagate and the connection is closed."""
        try:
            name, params = parse(payload)
            result = await self.ask(name, params, peer)
        except InterlockError as error:
            return Reply(exit=error.exit, stderr=json.dumps({"error": error.code, "message": str(error)}).encode())
        return Reply(stdout=result if isinstance(result, bytes) else json.dumps(result).encode())

    async def ask(self, name: str, params: dict[str, Any], peer: Peer) -> Any:
        """One method's own answer. Raises InterlockError; NotFound where no desk has it."""
        method = self._methods.get(name)
        if method is None:
            raise NotFound(f"the daemon has no method {name!r}. Is the command newer than the daemon? Restart it.")
        return await method(params, peer)
