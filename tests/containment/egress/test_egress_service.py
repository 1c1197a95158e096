"""The socket of the launchers: what is not exactly a run's own listeners is refused, and no descriptor stays behind."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from containment.egress.world import World
from interlock.containment.egress.allow import Allow
from interlock.containment.egress.service import Egress
from interlock.model.errors import InternalError, StateError


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def refused(world: World, line: bytes, sockets: Sequence[socket.socket]) -> str:
    """Say this as a launcher; give the complaint."""
    connection = world.launcher(line, sockets)
    assert connection.recv(1) == b""
    deadline = time.monotonic() + 10
    while not world.complaints and time.monotonic() < deadline:
        time.sleep(0.005)
    return world.complaints[-1]


def test_only_the_user_may_connect(world: World) -> None:
    assert stat.S_IMODE(world.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"RUN\n", b"RUN run-1\n", b"RUN run-1 443\n", b"RUN run-1 443/sctp\n", b"run run-1 443/tcp\n",
        b"RUN run-2 443/tcp\n", b"RUN run-1 443/tcp 80/tcp\n", b"RUN run-1 443/tcp 80/tcp 22/tcp\n", b"RUN  443/tcp\n",
        b"RUN run-1 80/tcp\n", b"RUN run-1 443/udp\n", b"RUN run-1 999999/tcp\n", b"RUN " + b"x" * 5000 + b"\n",
        b"RUN run-\xff 443/tcp\n", b"RUN ../run-1 443/tcp\n",
    ],
)  # fmt: skip
def test_a_line_that_is_not_right_is_refused(world: World, line: bytes) -> None:
    world.expect("good.example")
    listener = world.inside.listener("443/tcp")
    before = descriptors()
    assert "refused" in refused(world, line, [listener])
    assert descriptors() == before + 1, "the launcher's own connection, and none that was passed"
    listener.close()


def test_what_is_no_listener_of_another_namespace_is_refused(world: World, tmp_path: Path) -> None:
    ident, _ = world.expect("good.example")
    line = f"RUN {ident} 8443/tcp\n".encode()
    with socket.create_server(("127.0.0.1", 0)) as own:
        port = own.getsockname()[1]
        assert "own network" in refused(world, f"RUN {ident} {port}/tcp\n".encode(), [own])
    with world.inside.tcp() as client:
        client.bind(("0.0.0.0", 8443))
        assert "does not listen" in refused(world, line, [client])
    with world.inside.listener("53/udp") as datagrams:
        assert "no such listener" in refused(world, f"RUN {ident} 53/tcp\n".encode(), [datagrams])
    with socket.socket(socket.AF_UNIX) as unix:
        assert "no such listener" in refused(world, line, [unix])
    with world.inside.listener("443/tcp") as other:
        assert "another port" in refused(world, line, [other])
    with world.inside.listener("54/udp") as other:
        assert "another port" in refused(world, f"RUN {ident} 54/udp\n".encode(), [other])
    reading, writing = os.pipe()
    connection = world.launcher(b"", [])
    socket.send_fds(connection, [line], [reading])
    assert connection.recv(1) == b""
    os.close(reading)
    os.close(writing)
    assert "no line of a launcher" in world.complaints[-1]


def test_a_run_hands_its_listeners_in_once(world: World) -> None:
    ident = world.run("good.example:22")
    with world.inside.listener("443/tcp") as listener:
        assert "no run of that name" in refused(world, f"RUN {ident} 443/tcp\n".encode(), [listener])
    assert world.ask("good.example")[0] == 0, "the first one goes on"

    async def again() -> None:
        world.egress.expect(ident, Allow())

    with pytest.raises(InternalError):
        world.do(again())


def test_after_the_end_a_run_is_not_known_any_more(world: World) -> None:
    ident = world.run("good.example:22")
    assert world.finish(ident).allowed == 0
    assert world.finish(ident).allowed == 0, "and ending it again says nothing"
    with world.inside.listener("443/tcp") as listener:
        assert "no run of that name" in refused(world, f"RUN {ident} 443/tcp\n".encode(), [listener])


def test_a_line_may_come_in_pieces(world: World) -> None:
    ident, _ = world.expect("good.example")
    with world.inside.listener("53/udp") as one:
        connection = world.launcher(f"RUN {ident}".encode(), [one])
        time.sleep(0.05)
        connection.sendall(b" 53/udp\n")
    assert world.ask("good.example")[0] == 0


def test_no_descriptor_stays_after_many_runs(world: World) -> None:
    world.answers["good.example"] = [["93.184.215.14"]]
    before = descriptors()
    for _ in range(5):
        ident = world.run("good.example:22")
        client = world.connect("good.example", 22)
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        client.close()
        world.finish(ident)
        world.launchers.pop().close()
    deadline = time.monotonic() + 10
    while descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert descriptors() == before


def test_a_long_path_is_no_hindrance_and_an_impossible_one_an_error_for_a_person(tmp_path: Path) -> None:
    (tmp_path / ("d" * 120)).mkdir()

    async def start(path: Path) -> bool:
        egress = Egress(path, lambda _: None, lambda _: None)
        await egress.start()
        there = path.is_socket()
        await egress.stop()
        return there and not path.exists()

    assert asyncio.run(start(tmp_path / ("d" * 120) / "egress.sock"))
    for impossible in (tmp_path / ("x" * 120), tmp_path / "none" / "egress.sock"):
        with pytest.raises(StateError):
            asyncio.run(start(impossible))
