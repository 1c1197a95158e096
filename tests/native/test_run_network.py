"""A run with a network has listeners inside, which the daemon serves, and nothing else."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from native.runs import Sandbox


class Way:
    """The daemon's side: takes the descriptors of a run and answers each connection with its port."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = b""
        self.listeners: list[socket.socket] = []
        self.closed = threading.Event()
        self._stack = contextlib.ExitStack()
        self._server = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            launcher, _ = self._server.accept()
            with launcher:
                self.line, fds, _, _ = socket.recv_fds(launcher, 4096, 64)
                for fd in fds:
                    self.listeners.append(self._stack.enter_context(socket.socket(fileno=fd)))
                    threading.Thread(target=self._serve, args=(self.listeners[-1],), daemon=True).start()
                launcher.recv(1)
            self.closed.set()

    def _serve(self, one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if one.type == socket.SOCK_DGRAM:
                data, asker = one.recvfrom(512)
                if asker:  # else it was shut
                    one.sendto(data[::-1], asker)
                return
            client, _ = one.accept()
            with client:
                client.sendall(b"to %s:%d" % (client.getsockname()[0].encode(), one.getsockname()[1]))

    def close(self) -> None:
        for one in self.listeners:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._stack.close()


@pytest.fixture
def way(sandbox: Sandbox) -> Iterator[Way]:
    made = Way(sandbox.base / "egress.sock")
    sandbox.own(made.path)
    yield made
    made.close()


CLIENT = """
import socket
print(socket.create_connection(("127.64.0.9", 443), 5).recv(99))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.settimeout(5)
udp.sendto(b"abc", ("127.0.0.1", 53)); print(udp.recv(9))
for port in (80, 8080):
    try: socket.create_connection(("127.0.0.1", port), 5)
    except OSError as error: print(type(error).__name__)
"""


def test_connections_inside_are_served_outside(sandbox: Sandbox, way: Way) -> None:
    ran = sandbox.python(
        CLIENT, network="listen", egress=str(way.path), listener=["53/udp", "443/tcp", "22/tcp"], landlock="1"
    )
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == "b'to 127.64.0.9:443'\nb'cba'\n" + "ConnectionRefusedError\n" * 2
    assert way.line == f"RUN run-{sandbox.runs} 53/udp 443/tcp 22/tcp\n".encode()
    assert way.closed.wait(5)


def test_the_connection_to_the_daemon_lasts_as_long_as_the_run(sandbox: Sandbox, way: Way) -> None:
    values = {"network": "listen", "egress": str(way.path), "listener": ["53/udp"]}
    ran = sandbox.shell("sleep 0.3; ls /proc/self/fd | wc -l", **values)
    assert (ran.status, ran.out) == (0, "4\n")
    assert way.closed.wait(5)


def test_names_are_asked_of_the_run(sandbox: Sandbox, way: Way) -> None:
    values = {"network": "listen", "egress": str(way.path), "listener": ["53/udp"]}
    ran = sandbox.shell("cat /etc/resolv.conf; echo x >> /etc/resolv.conf", **values)
    assert ran.out.splitlines()[0] == "nameserver 127.0.0.1"
    assert "Read-only" in ran.err or "Permission denied" in ran.err


def test_without_a_way_out_nothing_runs(sandbox: Sandbox) -> None:
    values = {"network": "listen", "egress": str(sandbox.base / "none.sock"), "listener": ["53/udp"]}
    ran = sandbox.shell("echo ran", **values)
    assert (ran.status, ran.out) == (125, "")
    assert "way out" in ran.err
