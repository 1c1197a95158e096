"""The reader of plain HTTP by itself: what goes on is exactly what was understood, and always to the one host."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.containment.egress.refusal import Refused
from interlock.containment.egress.requests import LONGEST_HEAD, Requests

GET = b"GET / HTTP/1.1\r\nHost: good.example\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: good.example\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = (
    b"POST /a HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n"
)


def fed(*parts: bytes, port: int = 80) -> bytes:
    requests = Requests("good.example", port)
    return b"".join(requests.feed(part) for part in parts)


def head(*lines: bytes) -> bytes:
    return b"\r\n".join((*lines, b"", b""))


def test_requests_go_on_as_they_were_understood() -> None:
    assert fed(GET) == GET
    assert fed(POST) == POST
    assert fed(CHUNKS) == CHUNKS.replace(b";x=y", b"").replace(b"A: b\r\n", b"")
    assert fed(GET + POST + CHUNKS + GET).count(b"Host: good.example\r\n") == 4
    absolute = GET.replace(b" / ", b" http://Good.Example./x?y ")
    assert fed(absolute).startswith(b"GET /x?y HTTP/1.1\r\nHost: good.example\r\n")
    assert fed(GET.replace(b"GET / ", b"OPTIONS * ")).startswith(b"OPTIONS * ")
    odd = head(b"GET / HTTP/1.1", b"X-A:\tb ", b"HOST:good.EXAMPLE:80", b"cookie: a=\xe4; b")
    assert fed(odd) == head(b"GET / HTTP/1.1", b"Host: good.example", b"X-A: b", b"cookie: a=\xe4; b")


@given(st.lists(st.integers(1, 40), max_size=40))
def test_the_cuts_of_a_stream_do_not_matter(cuts: list[int]) -> None:
    stream, parts = GET + POST + CHUNKS + POST + GET, []
    for cut in cuts:
        parts.append(stream[:cut])
        stream = stream[cut:]
    assert fed(*parts, stream) == fed(GET + POST + CHUNKS + POST + GET)


def test_a_change_of_protocol_is_not_asked_for() -> None:
    """After a change of protocol nothing more could be held to its host."""
    asked = head(
        b"GET / HTTP/1.1", b"Host: good.example", b"Connection: Upgrade, HTTP2-Settings, close", b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABk",
    )  # fmt: skip
    assert fed(asked) == head(b"GET / HTTP/1.1", b"Host: good.example", b"Connection: close")


@pytest.mark.parametrize(
    "stream",
    [
        # another host, in every place and spelling
        head(b"GET / HTTP/1.1", b"Host: evil.example"),
        head(b"GET / HTTP/1.1", b"Host: evil-good.example"),
        head(b"GET / HTTP/1.1", b"Host: good.example.evil.example"),
        head(b"GET / HTTP/1.1", b"Host: good.example@evil.example"),
        head(b"GET / HTTP/1.1", b"Host: good.example:8080"),
        head(b"GET / HTTP/1.1", b"Host: good.example:80:80"),
        head(b"GET / HTTP/1.1", b"Host: good.example/"),
        head(b"GET / HTTP/1.1", b"Host: good.example, evil.example"),
        head(b"GET / HTTP/1.1", b"Host: good.example evil.example"),
        head(b"GET / HTTP/1.1", b"Host: "),
        head(b"GET / HTTP/1.1", b"Host: 127.0.0.1"),
        head(b"GET / HTTP/1.1", b"Host: 2130706433"),
        head(b"GET / HTTP/1.1", b"Host: 0x7f.1"),
        head(b"GET / HTTP/1.1", b"Host: [::1]"),
        head(b"GET / HTTP/1.1", b"Host: g\xf6od.example"),
        head(b"GET / HTTP/1.1", b"Host: good.example\0.evil.example"),
        head(b"GET / HTTP/1.1"),
        head(b"GET / HTTP/1.0"),
        head(b"GET / HTTP/1.1", b"Host: good.example", b"Host: good.example"),
        head(b"GET / HTTP/1.1", b"Host: good.example", b"host: evil.example"),
        head(b"GET / HTTP/1.1", b"Host : good.example"),
        head(b"GET / HTTP/1.1", b" Host: good.example"),
        head(b"GET / HTTP/1.1", b"Host: good.example", b" evil.example"),
        head(b"GET / HTTP/1.1", b"X: y", b"\tHost: evil.example", b"Host: good.example"),
        head(b"GET http://evil.example/ HTTP/1.1", b"Host: good.example"),
        head(b"GET http://good.example@evil.example/ HTTP/1.1", b"Host: good.example"),
        head(b"GET http://good.example:81/ HTTP/1.1", b"Host: good.example"),
        head(b"GET https://good.example/ HTTP/1.1", b"Host: good.example"),
        head(b"GET HTTP://good.example?@evil.example/ HTTP/1.1", b"Host: good.example"),
        head(b"GET evil.example/ HTTP/1.1", b"Host: good.example"),
        head(b"GET @evil.example/ HTTP/1.1", b"Host: good.example"),
        head(b"GET * HTTP/1.1", b"Host: good.example"),
        head(b"CONNECT good.example:443 HTTP/1.1", b"Host: good.example"),
        head(b"connect /x HTTP/1.1", b"Host: good.example"),
        # a head that servers read in different ways
        head(b"GET /  HTTP/1.1", b"Host: good.example"),
        head(b"GET\t/ HTTP/1.1", b"Host: good.example"),
        head(b"GET / HTTP/1.1 ", b"Host: good.example"),
        head(b"GET / HTTP/2.0", b"Host: good.example"),
        head(b"GET / HTTP/0.9", b"Host: good.example"),
        head(b"GET /", b"Host: good.example"),
        b"\r\n" + GET,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\nHost: good.example\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: good.example\r\nX: a\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: good.example\r\nX: a\rHost: evil.example\r\n\r\n",
        head(b"GET / HTTP/1.1", b"Host: good.example", b"X: a\0b"),
        head(b"GET / HTTP/1.1", b"Host: good.example", b"X: a\x0bb"),
        head(b"GET / HTTP/1.1", b"Host: good.example", b"X"),
        head(b"GET / HTTP/1.1", b"Host: good.example", b": x"),
        head(b"GET / HTTP/1.1", b"Host: good.example", b"X\xa0Y: z"),
        head(b"GET / HTTP/1.1", b"Host: good.example", *[b"X: y"] * 201),
        head(b"GET /#x HTTP/1.1", b"Host: good.example"),
        # two lengths
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Content-Length: 5", b"Content-Length: 5") + b"hello",
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Content-Length: 5, 5") + b"hello",
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Content-Length: +5") + b"hello",
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Content-Length: -5") + b"hello",
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Content-Length: 0x5") + b"hello",
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Content-Length: ") + b"hello",
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Content_Length: 5") + b"hello",
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Transfer-Encoding: gzip, chunked"),
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Transfer-Encoding: xchunked"),
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Transfer-Encoding: identity"),
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Transfer_Encoding: chunked"),
        head(b"POST / HTTP/1.0", b"Host: good.example", b"Transfer-Encoding: chunked"),
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Connection: close, content-length", b"Content-Length: 5"),
        head(b"POST / HTTP/1.1", b"Host: good.example", b"Connection: host"),
        # chunks
        CHUNKS.replace(b"5;x=y", b"5 x"),
        CHUNKS.replace(b"5;x=y", b"-5"),
        CHUNKS.replace(b"5;x=y", b"0x5"),
        CHUNKS.replace(b"5;x=y", b""),
        CHUNKS.replace(b"5;x=y", b"5" * 16),
        CHUNKS.replace(b"5;x=y\r\n", b"5\n"),
        CHUNKS.replace(b"5;x=y\r\n", b"5;x\ny\r\n"),
        CHUNKS.replace(b"hello\r\n", b"hello\n\n"),
        CHUNKS.replace(b"hello\r\n", b"helloXX"),
        CHUNKS.replace(b"A: b", b"A b"),
        # the second request of a connection
        GET + head(b"GET / HTTP/1.1", b"Host: evil.example"),
        POST + head(b"GET / HTTP/1.1", b"Host: evil.example"),
        CHUNKS + head(b"GET / HTTP/1.1", b"Host: evil.example"),
        POST + b"x" + GET,
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_or_names_another_host_is_refused(stream: bytes) -> None:
    with pytest.raises(Refused):
        fed(stream)
    with pytest.raises(Refused):
        fed(*(bytes([byte]) for byte in stream))


def test_nothing_is_kept_without_end() -> None:
    with pytest.raises(Refused):
        fed(GET[:-2] + b"X: " + b"y" * LONGEST_HEAD)
    with pytest.raises(Refused):
        fed(CHUNKS.partition(b"5;")[0] + b"5;" + b"y" * 2000)
    with pytest.raises(Refused):
        fed(CHUNKS[:-2] + b"y" * 20000)


def test_another_port_is_part_of_the_host() -> None:
    assert b"Host: good.example:8080\r\n" in fed(GET.replace(b".example", b".example:8080"), port=8080)
    with pytest.raises(Refused):
        fed(GET, port=8080)


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_any_bytes_go_on_wait_or_are_refused(parts: list[bytes]) -> None:
    try:
        fed(*parts)
    except Refused:
        return


PIECES = st.sampled_from(
    [
        b"GET ", b"POST ", b"/ ", b"http://evil.example/ ",
        b"HTTP/1.1", b"HTTP/1.0",
        b"\r\n", b"\n", b"\r", b"\0", b" ", b":",
        b"Host", b"Host: good.example\r\n", b"Host: evil.example\r\n", b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"3\r\nabc\r\n", b"0\r\n\r\n", b"abc", GET, POST, CHUNKS, b"GET / HTTP/1.1\r\nHost: good.example\r\n",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12))
def test_another_host_never_stands_in_a_head_that_goes_on(pieces: list[bytes]) -> None:
    """What goes on is read again by a reader that knows nothing but the plain form."""
    out = b""
    requests = Requests("good.example", 80)
    try:
        for piece in pieces:
            out += requests.feed(piece)
    except Refused:
        pass
    while out:
        top, closed, rest = out.partition(b"\r\n\r\n")
        assert closed
        lines = top.split(b"\r\n")
        assert re.fullmatch(rb"(GET|POST) / HTTP/1\.[01]|POST /a HTTP/1\.1", lines[0])
        assert lines[1] == b"Host: good.example"
        fields = dict(line.split(b": ", 1) for line in lines[2:])
        assert b"Host" not in fields
        if b"Transfer-Encoding" in fields:
            while match := re.match(rb"([0-9a-f]+)\r\n", rest):
                size = int(match[1], 16)
                rest = rest[match.end() + size + 2 :]
                if not size:
                    break
        else:
            rest = rest[int(fields.get(b"Content-Length", b"0")) :]
        out = rest
