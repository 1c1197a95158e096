"""One contained run's network: its listeners, what stands behind each address, and every connection it makes.

The identity of a connection is the listener that it came in by: the descriptor belongs to the run's own network
namespace, so there is no token that could be stolen and nothing that another run could speak through.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import NamedTuple

from interlock.containment.egress import dns
from interlock.containment.egress.addresses import Address
from interlock.containment.egress.allow import LOCALHOST, Allow
from interlock.containment.egress.attempts import Attempt, Tally
from interlock.containment.egress.dial import Connect, Resolve, checked, dial
from interlock.containment.egress.fakes import Fakes
from interlock.containment.egress.hello import server_name
from interlock.containment.egress.names import NameRefused, canonical, shown
from interlock.containment.egress.refusal import Refused
from interlock.containment.egress.requests import Requests
from interlock.containment.egress.splice import CHUNK, Check, Splice

_CONNECTIONS = 128  # of one run at once; further ones wait in the kernel's queue
_FIRST_SECONDS = 20.0  # in which a client must have said which host it means
_LOOKUPS = 4  # of one run at once: slow names of one must not hold up those of others
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_AGAIN_SECONDS = 0.5
_QUESTIONS = 32  # datagrams answered in one turn
_QUESTIONS_A_STREAM = 64
_LOOPBACK = IPv4Address("127.0.0.1")
_TLS_ALERT = bytes.fromhex("15030300020231")  # fatal, access_denied


class Listener(NamedTuple):
    """A bound socket out of the run's namespace and what it is for."""

    socket: socket.socket
    port: int
    udp: bool


@dataclass
class Means:
    """What the runs of one daemon share: how to look up and connect, and how many connections there may be in all."""

    resolve: Resolve
    connect: Connect
    most: int
    open: int = 0
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(CHUNK)))
    waiting: set[Run] = field(default_factory=set)

    def freed(self) -> None:
        """A connection has ended: runs that had to stop taking new ones go on."""
        self.open -= 1
        for run in tuple(self.waiting):
            run.listen()


class Run:
    """Serves one run until `close`."""

    def __init__(self, ident: str, allow: Allow, tally: Tally, means: Means) -> None:
        self._ident = ident
        self._allow = allow
        self._tally = tally
        self._means = means
        self._fakes = Fakes()
        self._listeners: list[Listener] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._lookups = asyncio.Semaphore(_LOOKUPS)
        self._loop = asyncio.get_running_loop()

    def serve(self, listeners: list[Listener]) -> None:
        """Take over these listeners."""
        self._listeners = listeners
        for one in listeners:
            one.socket.setblocking(False)
            if one.udp:
                self._loop.add_reader(one.socket, self._questions, one.socket)
        self.listen()

    def listen(self) -> None:
        """Take connections (again)."""
        self._means.waiting.discard(self)
        for one in self._listeners:
            if not one.udp:
                self._loop.add_reader(one.socket, self._accept, one)

    async def close(self) -> None:
        """End everything that this run has open, and wait until it is told."""
        self._means.waiting.discard(self)
        for one in self._listeners:
            self._loop.remove_reader(one.socket)
            one.socket.close()
        self._listeners = []
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Names

    def _questions(self, listener: socket.socket) -> None:
        for _ in range(_QUESTIONS):
            try:
                message, asker = listener.recvfrom(dns.LONGEST + 1)
                answer = self._answer(message)
                if answer is not None:
                    listener.sendto(answer, asker)
            except OSError:  # nothing more to read, or an asker that is gone
                return

    def _answer(self, message: bytes) -> bytes | None:
        answer = dns.respond(message, self._lookup)
        if not answer.allowed:
            name = shown(answer.name).lower()
            self._tally.add(Attempt(run=self._ident, name=name, port=53, allowed=False, why=answer.why))
        return answer.message

    def _lookup(self, asked: bytes) -> IPv4Address | None:
        try:
            name = canonical(asked)
        except NameRefused:
            return None
        if not self._allow.knows(name):
            return None
        return _LOOPBACK if name == LOCALHOST else self._fakes.address(name)

    async def _answer_stream(self, client: socket.socket) -> None:
        """DNS over TCP: a length before each message."""
        waiting = bytearray()
        for _ in range(_QUESTIONS_A_STREAM):
            while len(waiting) < 2 or len(waiting) < 2 + int.from_bytes(waiting[:2], "big"):
                async with asyncio.timeout(_FIRST_SECONDS):
                    part = await self._loop.sock_recv(client, dns.LONGEST)
                if not part:
                    return
                waiting += part
            end = 2 + int.from_bytes(waiting[:2], "big")
            answer = self._answer(bytes(waiting[2:end]))
            del waiting[:end]
            if answer is None:
                return
            await self._loop.sock_sendall(client, struct.pack("!H", len(answer)) + answer)

    # Connections

    def _accept(self, listener: Listener) -> None:
        if len(self._tasks) >= _CONNECTIONS or self._means.open >= self._means.most:
            self._pause()
            return
        try:
            client, _ = listener.socket.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:  # it would be tried again and again at once
                self._pause()
                self._loop.call_later(_AGAIN_SECONDS, self.listen)
            return
        client.setblocking(False)
        self._means.open += 1
        task = self._loop.create_task(self._serve(client, listener.port))
        self._tasks.add(task)
        task.add_done_callback(self._served)

    def _pause(self) -> None:
        """Take no connections until one has ended; those that come meanwhile wait in the kernel's queue."""
        self._means.waiting.add(self)
        for one in self._listeners:
            if not one.udp:
                self._loop.remove_reader(one.socket)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._means.freed()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.call_exception_handler({"message": "a contained run's connection", "exception": error})

    async def _serve(self, client: socket.socket, port: int) -> None:
        with client, contextlib.suppress(OSError, TimeoutError):
            if port == 53:
                await self._answer_stream(client)
            else:
                await self._connection(client, port)

    async def _connection(self, client: socket.socket, port: int) -> None:
        name, address = str(_local(client)), ""
        splice: Splice | None = None
        why = "the run ended"
        try:
            name, literal = self._meant(client, port)
            first, check = (b"", None) if literal else await self._first(client, name, port)
            where = (literal,) if literal else await self._checked(name, port)
            server, reached = await dial(where, port, self._means.connect)
            address = str(reached)
            with contextlib.suppress(OSError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            splice = Splice(client, server, self._means.buffer, check)
            splice.start(first)
            why = await splice.done
        except Refused as error:
            why = str(error)
            await self._say_no(client, port, why)
        except TimeoutError:
            why = "it did not say in time which host it means"
        except OSError:
            why = "it ended before it was connected"
        finally:
            sent, received = (splice.up.moved, splice.down.moved) if splice else (0, 0)
            if splice:
                splice.close(why)
            known = splice is not None
            found = Attempt(
                run=self._ident,
                name=name,
                port=port,
                allowed=known,
                why=why,
                address=address,
                sent=sent,
                received=received,
            )
            self._tally.add(found)

    async def _checked(self, name: str, port: int) -> tuple[Address, ...]:
        async with self._lookups:
            return await checked(name, port, self._allow, self._means.resolve)

    def _meant(self, client: socket.socket, port: int) -> tuple[str, Address | None]:
        """The name that the address of this connection stands for, or the address itself where the list has it."""
        local = _local(client)
        name = self._fakes.name(local)
        if name is None and local == _LOOPBACK and self._allow.knows(LOCALHOST):
            name = LOCALHOST
        if name is None:
            if not local.is_loopback and self._allow.permits_address(local, port):
                return str(local), local
            raise Refused("an address that stands for no host of the list")
        if not self._allow.permits(name, port):
            raise Refused(f"{name} is on the list of hosts, but not its port {port}")
        return name, None

    async def _first(self, client: socket.socket, name: str, port: int) -> tuple[bytes, Check | None]:
        """What the client says first, once it is known to mean this host; nothing where only the address tells."""
        if port not in {80, 443}:
            return b"", None
        requests = Requests(name, port)
        data = b""
        async with asyncio.timeout(_FIRST_SECONDS):
            while True:
                part = await self._loop.sock_recv(client, CHUNK)
                if not part:
                    raise Refused("it ended before it said which host it means")
                if port == 80:
                    data += requests.feed(part)
                    if requests.heads:
                        return data, requests.feed
                    continue
                data += part
                greeted = server_name(data)
                if greeted is None:
                    continue
                if greeted != name:
                    raise Refused(f"a TLS greeting for {greeted}, on a connection to {name}")
                return data, None

    async def _say_no(self, client: socket.socket, port: int, why: str) -> None:
        """Tell the program why in its own protocol where there is a way; then hang up."""
        text = f"Interlock: {why}\n".encode("ascii", "replace")
        message = {
            80: b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(text), text),
            443: _TLS_ALERT,
        }.get(port)
        with contextlib.suppress(OSError, TimeoutError):
            if message is None:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
                return
            async with asyncio.timeout(1):
                await self._loop.sock_sendall(client, message)
            client.shutdown(socket.SHUT_WR)
            client.recv(CHUNK)  # what was sent meanwhile would turn the answer into a reset


def _local(client: socket.socket) -> IPv4Address:
    """The address inside the run that the client connected to."""
    try:
        return IPv4Address(client.getsockname()[0])
    except OSError:
        return IPv4Address(0)  # the client is gone already
