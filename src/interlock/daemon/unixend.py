"""Who is at the other end of the panel's Unix socket: this user alone, and the process by the kernel's own word.

What is known is known from the moment they connect, and stands where an address would stand on a network: for a client
the name of its process, for the server `HERE`. Through `ssh -L` that process is the one that ssh has on this machine.
"""

from __future__ import annotations

import asyncio
import os
import socket
from functools import cache
from typing import TYPE_CHECKING

from interlock.daemon.agents import process
from interlock.daemon.peer import peer_of

if TYPE_CHECKING:
    from interlock.panel.connection import Connection

HERE = "unix"


def named(connection: socket.socket, uid: int) -> str | None:
    """The process that connected, as `agents.process` names it; "" where it cannot be seen, None for another user's."""
    peer = peer_of(connection)
    if peer.uid != uid:
        return None
    name = process(peer.pid)
    return name if peer.lives() else ""  # in this order: until now the number was its own


@cache
def connection() -> type[Connection]:
    """The web server's connection on such a socket; made when somebody comes, as the web server is loaded then."""
    from interlock.panel.connection import Connection

    class Owned(Connection):
        """Hangs up on other users, and says who this one is."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
            """Somebody connects."""
            super().connection_made(transport)
            found = named(transport.get_extra_info("socket"), os.geteuid())
            self.client, self.server = (found or "", 0), (HERE, 0)
            if found is None:
                transport.abort()

    return Owned
