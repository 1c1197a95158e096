"""Where the panel listens, and whom it hangs up on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from interlock.broker.config import Panel
from interlock.daemon.listening import Addresses, Bound
from interlock.model.errors import ConfigError, StateError
from interlock.panel import connection


@contextmanager
def bound(note: Path, settings: Panel | None = None) -> Iterator[Bound]:
    found = Addresses(note, Path("unused")).bind(settings or Panel())
    try:
        yield found
    finally:
        for one in found.sockets:
            one.close()


def free() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return int(one.getsockname()[1])


def test_both_addresses_at_one_port_and_no_other(tmp_path: Path) -> None:
    with bound(tmp_path / "port") as found:
        assert {one.getsockname()[0] for one in found.sockets} <= {"127.0.0.1", "::1"}
        assert {one.getsockname()[1] for one in found.sockets} == {found.port}
        assert found.address == f"http://localhost:{found.port}/"
        assert f"localhost:{found.port}" in found.site.hosts


def test_the_port_stays_the_same(tmp_path: Path) -> None:
    with bound(tmp_path / "port") as found:
        first = found.port
    with bound(tmp_path / "port") as found:
        assert found.port == first


@pytest.mark.parametrize("text", ["", "80", "99999", "x", "-1", "7457 7458"])
def test_a_note_that_is_none_is_not_believed(tmp_path: Path, text: str) -> None:
    (tmp_path / "port").write_text(text)
    with bound(tmp_path / "port") as found:
        assert found.port > 1_024


@pytest.mark.parametrize("family", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_that_is_half_taken_is_left(tmp_path: Path, family: tuple[int, str]) -> None:
    """Story: on ::1 somebody else could have answered for the localhost of a bookmark."""
    port = free()
    with closing(socket.socket(family[0], socket.SOCK_STREAM)) as other:
        other.bind((family[1], port))
        other.listen()
        with pytest.raises(StateError, match="taken"):
            Addresses(tmp_path / "port", Path("unused")).bind(Panel(port=port))
        (tmp_path / "port").write_text(f"{port}\n")
        with bound(tmp_path / "port") as found:
            assert found.port != port


def test_answers_are_not_held_back(tmp_path: Path) -> None:
    """Story: each answer took 40 ms more. asyncio turns Nagle's algorithm off for sockets that name their protocol."""
    with bound(tmp_path / "port") as found:
        assert all(one.proto == socket.IPPROTO_TCP for one in found.sockets)


def test_a_panel_that_is_turned_off_listens_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="turned off"):
        Addresses(tmp_path / "port", Path("unused")).bind(Panel(enabled=False))


async def _left_alone(say: bytes) -> float:
    import uvicorn

    async def nothing(scope: object, receive: object, send: object) -> None:
        raise AssertionError

    config = uvicorn.Config(nothing, http=connection.Connection, lifespan="off", log_config=None, ws="none")
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(say)
        begun = asyncio.get_running_loop().time()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        took = asyncio.get_running_loop().time() - begun
        writer.close()
        server.should_exit = True
        await task
    return took


@pytest.mark.parametrize("say", [b"", b"GET / HTTP/1.1\r\nhost: ", b"POST / HTTP/1.1\r\ncontent-length: 9\r\n"])
def test_who_only_connects_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, say: bytes) -> None:
    monkeypatch.setattr(connection, "WHOLE_SECONDS", 0.2)
    assert 0.1 < asyncio.run(_left_alone(say)) < 3
