"""Bytes between two sockets, both ways, with back-pressure: a side that does not read holds up the other side alone.

Bytes go from the kernel into one buffer and out again; only what a full socket did not take is kept, and until that
is gone nothing more is read from the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from interlock.containment.egress.refusal import Refused

CHUNK = 128 << 10  # bytes a turn: large enough for the speed of memory, small enough that others' turns come soon

Check = Callable[[memoryview], bytes | memoryview]
"""What of the client's bytes may go on; `Refused` ends the connection."""


class Splice:
    """Two connected sockets. `done` is set when both ways have ended; the sockets are then closed.

    `buffer` may be shared by all of one loop: it is empty again before the next turn.
    """

    def __init__(
        self, client: socket.socket, server: socket.socket, buffer: memoryview, check: Check | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[str] = self._loop.create_future()  # why it ended early, or an empty text
        self._sockets = (client, server)
        self.buffer = buffer
        self._closed = False
        self.up = _Way(self, client, server, check)
        self.down = _Way(self, server, client, None)

    def start(self, first: bytes) -> None:
        """Send the bytes that were read already, then everything as it comes."""
        self.down.start(b"")
        self.up.start(first)

    def ended(self) -> None:
        """One way has ended; with the second all is done."""
        if self.up.over and self.down.over:
            self.close("")

    def close(self, why: str) -> None:
        """End both ways now."""
        if self._closed:
            return
        self._closed = True
        for one in self._sockets:
            self._loop.remove_reader(one)
            self._loop.remove_writer(one)
            one.close()
        if not self.done.done():  # who waited for it may have been cancelled, and it with them
            self.done.set_result(why)


class _Way:
    """One direction."""

    def __init__(self, both: Splice, source: socket.socket, sink: socket.socket, check: Check | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._both = both
        self._source = source
        self._sink = sink
        self._check = check
        self._kept = memoryview(b"")
        self.moved = 0
        self.over = False
        self._last = False  # the source has ended; what is kept still goes out

    def start(self, first: bytes) -> None:
        self._loop.add_reader(self._source, self._readable)
        if first:
            self._send(memoryview(first))

    def _readable(self) -> None:
        buffer = self._both.buffer
        try:
            got = self._source.recv_into(buffer)
        except BlockingIOError:
            return
        except OSError:
            self._both.close("")
            return
        if not got:
            self._loop.remove_reader(self._source)
            self._last = True
            self._finish()
            return
        data: bytes | memoryview = buffer[:got]
        if self._check is not None:
            try:
                data = self._check(buffer[:got])
            except Refused as error:
                self._both.close(str(error))
                return
        if data:
            self._send(memoryview(data))

    def _send(self, data: memoryview) -> None:
        try:
            sent = self._sink.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._both.close("")
            return
        self.moved += sent
        if sent < len(data):
            self._kept = memoryview(bytes(data[sent:]))  # the buffer belongs to the next reader
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._sink, self._writable)

    def _writable(self) -> None:
        try:
            sent = self._sink.send(self._kept)
        except BlockingIOError:
            return
        except OSError:
            self._both.close("")
            return
        self.moved += sent
        self._kept = self._kept[sent:]
        if self._kept:
            return
        self._loop.remove_writer(self._sink)
        if self._last:
            self._finish()
        else:
            self._loop.add_reader(self._source, self._readable)

    def _finish(self) -> None:
        """The source has said its last: say so to the sink."""
        if self._kept:
            return
        with contextlib.suppress(OSError):
            self._sink.shutdown(socket.SHUT_WR)
        self.over = True
        self._both.ended()
