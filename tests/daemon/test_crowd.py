"""Clients that are slow, silent, or many: the socket's limits."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from conftest import Guard, allowed
from interlock.daemon import server as serving
from interlock.daemon.server import Peer, Server
from interlock.daemon.wire import Door, Header, Reply, request
from interlock.model.errors import StateError

NONCE = "0" * 16


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    while True:
        try:
            client.connect(str(path))
        except BlockingIOError:  # the queue of those that wait to be accepted is full
            time.sleep(0.01)
            continue
        client.settimeout(10)
        return client


def test_clients_that_only_connect_do_not_keep_the_hooks_out(guard: Guard) -> None:
    """Story: any process of the user held 512 connections open, and every agent was stopped."""
    silent: list[socket.socket] = []
    try:
        silent.extend(connect(guard.home.socket) for _ in range(600))
        began = time.monotonic()
        assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a.py")}))
        assert time.monotonic() - began < 10
    finally:
        for client in silent:
            client.close()
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a.py")}))


def serve(tmp_path: Path, handler: Callable[[bytes], Awaitable[Reply]], story: Callable[..., Awaitable[None]]) -> None:
    async def answer(header: Header, payload: bytes, peer: Peer) -> Reply:
        del header, peer
        return await handler(payload)

    async def live() -> None:
        server = Server(tmp_path / "s", answer)
        await server.start()
        try:
            await story(server, tmp_path / "s")
        finally:
            await server.stop(1)

    asyncio.run(asyncio.wait_for(live(), 20))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_a_client_that_does_not_read_its_answer_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Story: what a client asks for and does not read stays in the daemon's memory for ever."""
    monkeypatch.setattr(serving, "_WRITE_SECONDS", 0.2)

    async def long_answer(payload: bytes) -> Reply:
        return Reply(stdout=payload + b"x" * 4_000_000)

    async def story(server: Server, path: Path) -> None:
        client = connect(path)
        client.sendall(request(Door.RPC, "-", NONCE, 1_000, b"{}"))
        await until(lambda: server.busy == 1)
        await until(lambda: server.busy == 0)
        client.close()

    serve(tmp_path, long_answer, story)


def test_large_requests_have_room_for_so_many_and_small_ones_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Story: 512 clients that announce 8 MiB each and send them slowly."""
    monkeypatch.setattr(serving, "_HELD", 1_000_000)

    async def echo(payload: bytes) -> Reply:
        return Reply(stdout=str(len(payload)).encode())

    async def story(server: Server, path: Path) -> None:
        first, second = connect(path), connect(path)
        first.sendall(request(Door.HOOK, "claude", NONCE, 1_000, b"x" * 600_000)[:1_000])
        await until(lambda: server.busy == 2)
        second.sendall(request(Door.HOOK, "claude", NONCE, 1_000, b"x" * 600_000)[:1_000])
        await until(lambda: server.busy == 1)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request(Door.HOOK, "claude", NONCE, 1_000, b"x" * 10))
        assert (await reader.read()).endswith(b"10")
        writer.close()
        first.close()
        await until(lambda: server.busy == 0)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request(Door.HOOK, "claude", NONCE, 1_000, b"x" * 600_000))
        assert (await reader.read()).endswith(b"600000")
        writer.close()
        second.close()

    serve(tmp_path, echo, story)


def test_a_handler_hears_that_its_client_has_gone(tmp_path: Path) -> None:
    heard = []

    async def live() -> None:
        async def wait(header: Header, payload: bytes, peer: Peer) -> Reply:
            del header, payload
            await peer.gone.wait()
            heard.append(peer.pid)
            return Reply()

        server = Server(tmp_path / "s", wait)
        await server.start()
        client = connect(tmp_path / "s")
        client.sendall(request(Door.HOOK, "claude", NONCE, 1_000, b"{}"))
        await until(lambda: server.busy == 1)
        client.close()
        await until(lambda: bool(heard))
        await server.stop(1)

    asyncio.run(asyncio.wait_for(live(), 20))


def test_a_directory_where_the_socket_must_be_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()

    async def live() -> None:
        async def never(header: Header, payload: bytes, peer: Peer) -> Reply:
            raise AssertionError((header, payload, peer))

        with pytest.raises(StateError, match="Remove it by hand"):
            await Server(tmp_path / "s", never).start()

    asyncio.run(live())
