"""A daemon for tests: accepts one connection after the other and does to each what the test's script says."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from interlock.halt.lease import Lease

EPOCH = 7  # of the halts, in every answer and in the lease


@dataclass
class Call:
    """One connection: the request as it came, and the means to answer it."""

    peer: socket.socket
    head: list[str] = field(default_factory=list)
    payload: bytes = b""

    @property
    def nonce(self) -> str:
        return self.head[3]

    def read(self) -> None:
        data = b""
        while b"\n" not in data:
            part = self.peer.recv(65536)
            if not part:
                raise EOFError
            data += part
        line, _, self.payload = data.partition(b"\n")
        self.head = line.decode().split(" ")
        while len(self.payload) < int(self.head[5]):
            part = self.peer.recv(1 << 20)
            if not part:
                raise EOFError
            self.payload += part

    def send(self, raw: bytes) -> None:
        self.peer.sendall(raw)

    def linger(self, seconds: float) -> None:
        """Say nothing until the client is gone, or for so long."""
        self.peer.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            while self.peer.recv(1 << 20):
                pass

    def hold(self, ms: int) -> None:
        self.send(f"ILK1 hold {self.nonce} {ms}\n".encode())

    def done(self, status: int = 0, out: bytes = b"", err: bytes = b"", *, nonce: str | None = None) -> None:
        head = f"ILK1 done {nonce or self.nonce} {status} {len(out)} {len(err)} {EPOCH}\n".encode()
        self.send(head + out + err)


Script = Callable[[Call], None]


class Daemon:
    """Listens on `<home>/run/daemon.sock` and runs `script` on every connection, one at a time, in a thread."""

    def __init__(self, home: Path, script: Script, *, backlog: int = 16) -> None:
        self.script = script
        self.calls: list[Call] = []
        run = home / "run"
        run.mkdir(parents=True, exist_ok=True)
        self.path = run / "daemon.sock"
        self.lease = Lease(run / "lease", seconds=3_600)
        self.lease.renew(EPOCH, bytes(32), {})
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        directory = os.open(run, os.O_PATH | os.O_DIRECTORY)  # the path may be longer than an address holds
        try:
            self.listener.bind(f"/proc/self/fd/{directory}/daemon.sock")
        finally:
            os.close(directory)
        self.listener.listen(backlog)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            call = Call(peer)
            self.calls.append(call)
            with peer, contextlib.suppress(OSError, EOFError):
                self.script(call)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


def answering(status: int = 0, out: bytes = b"", err: bytes = b"") -> Script:
    """A daemon that reads the event and gives this answer."""

    def script(call: Call) -> None:
        call.read()
        call.done(status, out, err)

    return script
