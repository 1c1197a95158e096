"""A contained run's network with everything real but the host: its resolver and what it dials are scripted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from containment.egress.netspace import Netspace
from interlock.containment.egress import dial
from interlock.containment.egress.addresses import Address, parsed
from interlock.containment.egress.allow import Allow
from interlock.containment.egress.attempts import Attempt, Summary
from interlock.containment.egress.service import Egress

T = TypeVar("T")
Script = Callable[[socket.socket], Any]


def echo(connection: socket.socket) -> None:
    """An upstream that says everything again, and ends when the other side has ended."""
    while data := connection.recv(65536):
        connection.sendall(data)


class Upstream:
    """A server on this machine's loopback, which does to each connection what its script says."""

    def __init__(self) -> None:
        self.script: Script = echo
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.script(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


class World:
    """The host's side: a scripted resolver, one upstream that answers every dial, and the egress in a thread."""

    def __init__(self, directory: Path, inside: Netspace) -> None:
        self.inside = inside
        self.upstream = Upstream()
        self.answers: dict[str, list[Sequence[str]]] = {}
        self.looked_up: list[str] = []
        self.dialled: list[tuple[str, int]] = []
        self.attempts: list[Attempt] = []
        self.complaints: list[str] = []
        self.path = directory / "egress.sock"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.opened: list[socket.socket] = []
        self.launchers: list[socket.socket] = []
        self._runs = 0
        self.egress = self.do(self._make())

    async def _make(self) -> Egress:
        made = Egress(
            self.path, self.attempts.append, self.complaints.append, resolve=self._resolve, dialer=self._connect
        )
        await made.start()
        return made

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        """Run something on the egress' own loop."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)

    async def _resolve(self, name: str) -> Sequence[str]:
        self.looked_up.append(name)
        answers = self.answers.get(name)
        if not answers:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def _connect(self, address: Address, port: int) -> socket.socket:
        self.dialled.append((str(address), port))
        here = parsed("127.0.0.1")
        assert here is not None
        return await dial.connect(here, self.upstream.port)

    def expect(self, *hosts: str) -> tuple[str, Allow]:
        """The daemon says that a run with this allow-list will come."""
        self._runs += 1
        ident, allow = f"run-{self._runs}", Allow(hosts)

        async def expect() -> None:
            self.egress.expect(ident, allow)

        self.do(expect())
        return ident, allow

    def run(self, *hosts: str) -> str:
        """Begin a run with this allow-list, all of its listeners handed in. Gives its id."""
        ident, allow = self.expect(*hosts)
        specs = allow.listeners()
        listeners = [self.inside.listener(spec) for spec in specs]
        self.launcher(f"RUN {ident} {' '.join(specs)}\n".encode(), listeners)
        for one in listeners:
            one.close()
        return ident

    def launcher(self, line: bytes, sockets: Sequence[socket.socket]) -> socket.socket:
        """Speak to the egress as a launcher does."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.launchers.append(connection)
        connection.settimeout(10)
        connection.connect(str(self.path))
        socket.send_fds(connection, [line], [one.fileno() for one in sockets])
        return connection

    def finish(self, run: str) -> Summary:
        return self.do(self.egress.finish(run))

    def ask(self, name: str, kind: int = 1, **more: Any) -> tuple[int, list[str]]:
        """Ask for a name inside; the answer's code and its addresses."""
        with self.inside.udp() as asking:
            asking.sendto(question(name, kind, **more), ("127.0.0.1", 53))
            return read_answer(asking.recv(4096))

    def connect(self, name: str, port: int) -> socket.socket:
        """A connection from inside to what stands for this name."""
        code, addresses = self.ask(name)
        assert code == 0, f"{name} is not answered ({code})"
        return self.connect_to(addresses[0], port)

    def connect_to(self, address: str, port: int) -> socket.socket:
        client = self.inside.tcp()
        self.opened.append(client)
        client.connect((address, port))
        return client

    def last(self, *, count: int = 1) -> Attempt:
        """The newest attempt, once this many have been told."""
        deadline = time.monotonic() + 10
        while len(self.attempts) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(self.attempts) >= count, self.complaints
        return self.attempts[-1]

    def close(self) -> None:
        for one in self.opened + self.launchers:
            one.close()
        self.do(self.egress.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self.upstream.close()


def question(name: str, kind: int = 1, *, flags: int = 0x0100, klass: int = 1, edns: bool = False) -> bytes:
    """A DNS question as a resolver's library writes it."""
    head = struct.pack("!6H", 0x1234, flags, 1, 0, 0, int(edns))
    labels = b"".join(bytes([len(one)]) + one for one in name.encode("latin-1").split(b".") if one)
    return head + labels + b"\0" + struct.pack("!HH", kind, klass) + (b"\0\0\x29\x10\0\0\0\0\0\0\0" if edns else b"")


def read_answer(message: bytes) -> tuple[int, list[str]]:
    """The code and the A records of an answer to one question."""
    ident, flags, questions, answers, _, _ = struct.unpack_from("!6H", message)
    assert ident == 0x1234
    assert flags & 0x8000
    at = 12
    for _ in range(questions):
        while message[at]:
            at += message[at] + 1
        at += 5
    found = []
    for _ in range(answers):
        _, kind, _, _, length = struct.unpack_from("!HHHIH", message, at)
        assert (kind, length) == (1, 4)
        found.append(socket.inet_ntoa(message[at + 12 : at + 16]))
        at += 16
    return flags & 15, found
