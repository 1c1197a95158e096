"""A contained run's connection against a direct one in the same run: time to the first answer, and bytes a second.

    python benchmarks/egress.py [--connections 400] [--megabytes 400] [--json] [--check]

Everything is real but the host that is reached: a process on loopback, so a direct connection is as fast as one can
be: a network namespace, listeners out of it, the daemon's side in a process of its own. Both take turns.
With `--check`: exit status 1 when a limit of the project is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from containment.egress.netspace import Netspace, netspace
from containment.egress.world import question, read_answer
from interlock.containment.egress import dial
from interlock.containment.egress.addresses import Address, parsed
from interlock.containment.egress.allow import Allow
from interlock.containment.egress.service import Egress

HOST = "bench.example"
ADDED_MS = 1.0  # what a connection may cost beyond a direct one
MEGABYTES = 100.0  # a second, at least
GET = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def greeting() -> bytes:
    """A small TLS greeting for the host."""

    def vector(size: int, data: bytes) -> bytes:
        return len(data).to_bytes(size, "big") + data

    name = b"\0\0" + vector(2, vector(2, b"\0" + vector(2, HOST.encode())))
    body = b"\x03\x03" + bytes(32) + vector(1, b"") + vector(2, b"\x13\x01") + vector(1, b"\0") + vector(2, name)
    return b"\x16\x03\x01" + vector(2, b"\x01" + vector(3, body))


FIRST = {22: b"x", 80: GET, 443: greeting()}


def upstream() -> None:
    """Answers the first bytes with one; `F` and a number ask for so many megabytes, `T` takes what comes."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(listener.getsockname()[1], flush=True)
        block = bytes(1 << 20)
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                first = connection.recv(4096)
                if first[:1] == b"F":
                    for _ in range(int(first[1:])):
                        connection.sendall(block)
                elif first[:1] == b"T":
                    while connection.recv_into(memoryview(bytearray(1 << 20))):
                        pass
                    connection.sendall(b"y")
                else:
                    connection.sendall(b"y")


def serve(path: str, port: int) -> None:
    """The daemon's side: the host is public by its name, and dialled on loopback."""

    async def resolve(_: str) -> Sequence[str]:
        return ["93.184.215.14"]

    async def connect(_address: Address, _port: int) -> socket.socket:
        here = parsed("127.0.0.1")
        assert here is not None
        return await dial.connect(here, port)

    async def run() -> None:
        def complain(text: str) -> None:
            print(text, file=sys.stderr)

        egress = Egress(Path(path), lambda _: None, complain, resolve=resolve, dialer=connect)
        egress.expect("bench", Allow((HOST, f"{HOST}:22")))
        await egress.start()
        await asyncio.Event().wait()

    asyncio.run(run())


def first_answer(made: socket.socket, address: tuple[str, int], first: bytes) -> float:
    """Milliseconds from the connect to the first byte back."""
    with made:
        began = time.perf_counter()
        made.connect(address)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.sendall(first)
        if made.recv(1) != b"y":
            raise SystemExit(f"no answer at {address}")
        return (time.perf_counter() - began) * 1000


def down(made: socket.socket, address: tuple[str, int], megabytes: int) -> float:
    """Megabytes a second of a download."""
    buffer = memoryview(bytearray(1 << 20))
    with made:
        made.connect(address)
        began = time.perf_counter()
        made.sendall(b"F%d" % megabytes)
        made.shutdown(socket.SHUT_WR)
        got = 0
        while part := made.recv_into(buffer):
            got += part
        if got != megabytes << 20:
            raise SystemExit(f"{got} bytes came through of {megabytes << 20}")
        return megabytes / (time.perf_counter() - began)


def up(made: socket.socket, address: tuple[str, int], megabytes: int) -> float:
    """Megabytes a second of an upload."""
    block = bytes(1 << 20)
    with made:
        made.connect(address)
        began = time.perf_counter()
        made.sendall(b"T")
        for _ in range(megabytes):
            made.sendall(block)
        made.shutdown(socket.SHUT_WR)
        made.recv(1)
        return megabytes / (time.perf_counter() - began)


def outside() -> socket.socket:
    made = socket.socket()
    made.settimeout(20)
    return made


def begin(inside: Netspace, path: str) -> tuple[socket.socket, str, float]:
    """Hand the listeners in; the launcher's connection, the host's address inside and the milliseconds it took."""
    specs = ("53/udp", "22/tcp", "80/tcp", "443/tcp")
    listeners = [inside.listener(spec) for spec in specs]
    launcher = socket.socket(socket.AF_UNIX)
    began = time.perf_counter()
    launcher.connect(path)
    socket.send_fds(launcher, [f"RUN bench {' '.join(specs)}\n".encode()], [one.fileno() for one in listeners])
    with inside.udp() as asking:
        asking.sendto(question(HOST), ("127.0.0.1", 53))
        address = read_answer(asking.recv(4096))[1][0]
    took = (time.perf_counter() - began) * 1000
    for one in listeners:
        one.close()
    return launcher, address, took


def measure(inside: Netspace, path: str, port: int, connections: int, megabytes: int) -> dict[str, float]:
    launcher, address, took = begin(inside, path)
    found = {"first_answer_of_dns_ms": took}
    with launcher:
        for inner, first in FIRST.items():
            direct, through = [], []
            for number in range(connections + 20):
                one = first_answer(outside(), ("127.0.0.1", port), first)
                other = first_answer(inside.tcp(), (address, inner), first)
                if number >= 20:  # the first ones warm up
                    direct.append(one)
                    through.append(other)
            found[f"direct_{inner}_ms"] = statistics.median(direct)
            found[f"added_{inner}_ms"] = statistics.median(through) - statistics.median(direct)
        ways: tuple[tuple[str, Callable[[socket.socket, tuple[str, int], int], float]], ...] = (
            ("down", down),
            ("up", up),
        )
        for name, way in ways:
            rates = [
                (way(outside(), ("127.0.0.1", port), megabytes), way(inside.tcp(), (address, 22), megabytes))
                for _ in range(3)
            ]
            found[f"direct_{name}_MB_s"] = statistics.median(rate for rate, _ in rates)
            found[f"through_{name}_MB_s"] = statistics.median(rate for _, rate in rates)
    return found


def misses(found: dict[str, float]) -> list[str]:
    """The limits of the project that were missed."""
    slow = [f"{name}: {ms:.2f}, allowed {ADDED_MS}" for name, ms in found.items() if "added" in name and ms > ADDED_MS]
    for name, rate in found.items():
        if name.startswith("through") and rate < MEGABYTES:
            slow.append(f"{name}: {rate:.0f}, at least {MEGABYTES:.0f}")
    return slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--connections", type=int, default=400)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--upstream", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.upstream:
        upstream()
    if options.serve:
        serve(options.serve[0], int(options.serve[1]))
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as directory:
        path = os.path.join(directory, "egress.sock")
        there = subprocess.Popen([sys.executable, __file__, "--upstream"], stdout=subprocess.PIPE, text=True)
        assert there.stdout is not None
        port = int(there.stdout.readline())
        served = subprocess.Popen([sys.executable, __file__, "--serve", path, str(port)])
        try:
            while not os.path.exists(path):
                time.sleep(0.01)
            with netspace() as inside:
                found = measure(inside, path, port, options.connections, options.megabytes)
        finally:
            for process in (there, served):
                process.kill()
                process.wait()
    missed = misses(found)
    if options.json:
        print(json.dumps({"results": found, "missed": missed}))
    else:
        for name, value in found.items():
            print(f"{name:24} {value:10.2f}")
        for text in missed:
            print(f"MISSED {text}")
    if options.check and missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
