"""A daemon that fails in a chosen way, on the real socket, in the real protocol; only tool calls meet the fault.

Every other event is answered at once, so that an agent comes as far as its tool call.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from interlock.halt.lease import Lease


class Fault(StrEnum):
    """What the daemon does when a tool call arrives."""

    SILENT = "silent"  # takes the event and never answers
    GARBAGE = "garbage"  # answers bytes of another protocol
    CUT = "cut"  # hangs up in the middle of an answer that would have allowed
    HOLDS = "holds"  # says "wait" for ever
    ALLOWS = "allows"  # no fault: proves that the call gets as far as running


class FakeDaemon:
    """Listens on `run/daemon.sock` from the `with` statement to its end."""

    def __init__(self, run: Path, fault: Fault) -> None:
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = run / "daemon.sock"
        self._fault = fault
        self._stopped = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._threads: list[threading.Thread] = []
        self.met = 0

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)
        self._socket.listen(16)
        # Its answers are those of a daemon at work: what it gets wrong is the answer, not the lease.
        Lease(self._path.with_name("lease"), seconds=3_600).renew(0, bytes(32), {})
        self._socket.settimeout(0.1)
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(10)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]  # any callable
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            words = stream.readline().split()
            nonce, payload = words[3].decode(), stream.read(int(words[5]))
            if json.loads(payload).get("hook_event_name") == "PreToolUse":
                self.met += 1
                self._misbehave(connection, nonce)
            else:
                connection.sendall(f"ILK1 done {nonce} 0 0 0 0\n".encode())

    def _misbehave(self, connection: socket.socket, nonce: str) -> None:
        try:
            match self._fault:
                case Fault.ALLOWS:
                    connection.sendall(f"ILK1 done {nonce} 0 0 0 0\n".encode())
                case Fault.GARBAGE:
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                case Fault.CUT:
                    connection.sendall(f'ILK1 done {nonce} 0 60 0 0\n{{"hookSpecific'.encode())
                case Fault.SILENT:
                    self._stopped.wait(30)
                case Fault.HOLDS:
                    until = time.monotonic() + 30
                    while time.monotonic() < until and not self._stopped.wait(0.2):
                        connection.sendall(f"ILK1 hold {nonce} 5000\n".encode())
        except OSError:
            return  # the client had enough: that is what is being tested
