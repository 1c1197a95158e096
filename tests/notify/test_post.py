"""The one HTTP client, against real servers on loopback that do their worst."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from interlock.notify.post import Request, Undelivered, post

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def tried(
    serve: Serve, *, seconds: float = 1.0, path: str = "/hook?a=b", body: bytes = b"{}", tls: Path | None = None
) -> int:
    """Post once to a server that behaves like `serve`."""

    async def run() -> int:
        context = None
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)

        async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(quietly, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        try:
            scheme = "https" if tls else "http"
            return await post(Request(f"{scheme}://127.0.0.1:{port}{path}", body, {"X-A": "b"}), seconds=seconds)
        finally:
            server.close()

    return asyncio.run(run())


def answering(head: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        await writer.drain()
        await asyncio.sleep(0.05)

    return serve


def test_a_message_arrives_whole() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        heard.append(await reader.readexactly(5))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    assert tried(serve, body=b"hello") == 204
    assert heard[0].startswith(b"POST /hook?a=b HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-A: b\r\n" in heard[0]
    assert heard[1] == b"hello"


@pytest.mark.parametrize(("head", "lasting", "why"), [
    (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/steal\r\n\r\n", True, "redirect, which is not followed"),
    (b"HTTP/1.1 500 Oops\r\n\r\n", False, "answers 500"),
    (b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n\r\n", False, "answers 429"),
    (b"HTTP/1.1 403 No\r\n\r\n", True, "answers 403"),
    (b"SSH-2.0-OpenSSH\r\n\r\n", True, "speaks no HTTP"),
    (b"HTTP/1.1 2000 OK\r\n\r\n", True, "speaks no HTTP"),
    (b"HTTP/1.1 200 OK\r\n", False, "ends, or goes on"),
    (b"", False, "ends, or goes on"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, False, "ends, or goes on"),
])  # fmt: skip
def test_whatever_it_answers_is_a_sentence_of_ours(head: bytes, lasting: bool, why: str) -> None:
    with pytest.raises(Undelivered, match=why) as failed:
        tried(answering(head))
    assert failed.value.lasting is lasting
    assert "steal" not in str(failed.value)


def test_how_long_to_wait_is_heard() -> None:
    with pytest.raises(Undelivered) as failed:
        tried(answering(b"HTTP/1.1 503 Busy\r\nretry-after: 30\r\n\r\n"))
    assert failed.value.after == 30.0


def test_an_endless_body_is_not_read() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"a" * 65_536)
            await writer.drain()

    began = time.monotonic()
    assert tried(serve, seconds=5.0) == 200
    assert time.monotonic() - began < 4.5


@pytest.mark.parametrize("drip", [b"", b"H"], ids=["silent", "a byte at a time"])
def test_one_limit_of_time_is_over_the_whole_exchange(drip: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(drip)
            await writer.drain()
            await asyncio.sleep(0.05)

    began = time.monotonic()
    with pytest.raises(Undelivered, match="no answer within"):
        tried(serve, seconds=0.3)
    assert time.monotonic() - began < 10


def test_a_server_that_does_not_read_holds_nobody() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader, writer
        await asyncio.sleep(5)

    with pytest.raises(Undelivered, match="no answer within"):
        tried(serve, seconds=0.3, body=b"a" * (32 << 20))


def test_nobody_there_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Undelivered, match="cannot be reached"):
        asyncio.run(post(Request(f"http://127.0.0.1:{port}/", b"")))


def test_a_certificate_that_nobody_trusts_is_refused(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_text((tmp_path / "key").read_text() + (tmp_path / "cert").read_text())
    with pytest.raises(Undelivered, match="no trust in its certificate"):
        tried(answering(b"HTTP/1.1 200 OK\r\n\r\n"), tls=both, seconds=5.0)
