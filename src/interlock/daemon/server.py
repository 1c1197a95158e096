"""The Unix socket: who may speak, how much, for how long. What is said goes to a `Handler`."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from interlock.containment.egress.listening import bind
from interlock.daemon.peer import Peer, peer_of
from interlock.daemon.wire import HEADER_LIMIT, Door, Header, Reply, done, hold, parse_header
from interlock.model.errors import AgentError, StateError

log = structlog.get_logger()

_CONNECTIONS = 512  # at once; a hundred agents with a few parallel calls each
_READ_SECONDS = 10.0  # a client must have sent its whole request by then
_WRITE_SECONDS = 30.0  # and have taken the whole answer by then
_SMALL = 64 << 10  # bytes; requests up to this are always taken: 512 of them are 32 MiB
_HELD = 64 << 20  # bytes of larger requests at once
_HOLD_EVERY = 1.5  # seconds between signs of life; the client gives up after 5 silent ones
_HOLD_MS = 5_000

Handler = Callable[[Header, bytes, Peer], Awaitable[Reply]]


class Server:
    """Listens on one path; `handler` answers each request."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._connections: dict[_Connection, None] = {}  # oldest first
        self._held = 0

    async def start(self) -> None:
        """Listen. The caller holds the home's lock, so a socket that is already there is a dead daemon's."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(
                f"cannot remove what stands at {self._path}: {error.strerror}. Remove it by hand."
            ) from error
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old = os.umask(0o177)
        try:
            bind(listener, self._path)
        except OSError as error:
            listener.close()
            raise StateError(
                f"cannot listen on {self._path}: {error.strerror}. Check the directory and its owner."
            ) from error
        finally:
            os.umask(old)
        listener.listen(_CONNECTIONS)
        listener.setblocking(False)
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(self), sock=listener)

    async def stop(self, patience: float) -> None:
        """Take nothing new, let what is under way finish for `patience` seconds, then hang up (clients say no)."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        for connection in tuple(self._connections):
            connection.hang_up()

    @property
    def busy(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def enter(self, connection: _Connection) -> bool:
        """Admit a connection unless too many are at work.

        Those that have not sent their request yet make room, the oldest first: clients that only connect and say
        nothing cannot keep the others out.
        """
        if len(self._connections) >= _CONNECTIONS:
            idle = next((other for other in self._connections if other.task is None), None)
            if idle is None:
                return False
            idle.hang_up()
            self.leave(idle)
        self._connections[connection] = None
        return True

    def hold(self, size: int) -> bool:
        """Account for a large request's bytes; False when there is no room for more of them."""
        if self._held + size > _HELD:
            return False
        self._held += size
        return True

    def leave(self, connection: _Connection) -> None:
        """A connection is gone."""
        if connection in self._connections:
            del self._connections[connection]
            self._held -= connection.held

    async def handle(self, header: Header, payload: bytes, peer: Peer) -> Reply:
        """Pass a whole request on."""
        return await self._handler(header, payload, peer)


class _Connection(asyncio.Protocol):
    """One request, one answer."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = bytearray()
        self._header: Header | None = None
        self._transport: asyncio.Transport | None = None
        self._peer = Peer(0, -1)
        self._timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None
        self.held = 0  # bytes that count against the server's limit

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what asyncio promises for streams
        self._transport = transport
        self._peer = peer_of(transport.get_extra_info("socket"))
        if self._peer.uid not in {os.geteuid(), 0} or not self._server.enter(self):
            transport.abort()
            return
        self._timer = asyncio.get_running_loop().call_later(_READ_SECONDS, self.hang_up)

    def data_received(self, data: bytes) -> None:
        if self.task is not None:
            self.hang_up()  # nothing may follow a whole request
            return
        self._buffer += data
        if self._header is None and not self._take_header():
            return
        header = self._header
        if header is not None and len(self._buffer) >= header.length:
            if len(self._buffer) > header.length:
                self.hang_up()
                return
            self._stop_timer()
            payload = bytes(self._buffer)
            self._buffer = bytearray()
            self.task = asyncio.get_running_loop().create_task(self._answer(header, payload))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._stop_timer()
        self._peer.gone.set()
        self._server.leave(self)

    def hang_up(self) -> None:
        """Close at once; the client takes that for a no."""
        if self._transport is not None:
            self._transport.abort()

    def _take_header(self) -> bool:
        line, found, rest = self._buffer.partition(b"\n")
        if not found and len(self._buffer) <= HEADER_LIMIT:
            return False
        try:
            self._header = parse_header(bytes(line))
        except AgentError:
            self.hang_up()
            return False
        self._buffer = rest
        size = self._header.length
        if size > _SMALL:
            if not self._server.hold(size):
                log.warning("request.no-room", size=size, pid=self._peer.pid)
                self.hang_up()
                return False
            self.held = size
        return True

    async def _answer(self, header: Header, payload: bytes) -> None:
        loop = asyncio.get_running_loop()
        signs = loop.call_later(_HOLD_EVERY, self._sign_of_life, header)
        try:
            reply = await self._server.handle(header, payload, self._peer)
        except Exception:
            # The handler turns every known failure into an answer; what gets here is a bug. Hanging up is a no.
            log.exception("request.failed", door=header.door.value)
            self.hang_up()
            return
        finally:
            signs.cancel()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(done(header.nonce, reply))
            self._transport.close()
            # What the client does not read stays in memory here; it has had its time.
            self._timer = loop.call_later(_WRITE_SECONDS, self.hang_up)

    def _sign_of_life(self, header: Header) -> None:
        if self._transport is None or self._transport.is_closing() or self.task is None or self.task.done():
            return
        self._transport.write(hold(header.nonce, _HOLD_MS))
        asyncio.get_running_loop().call_later(_HOLD_EVERY, self._sign_of_life, header)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


__all__ = ["Door", "Handler", "Peer", "Server"]
