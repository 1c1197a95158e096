"""The reader of TLS greetings by itself, with real ones out of OpenSSL and with every way to spoil them."""

from __future__ import annotations

import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.containment.egress.hello import LONGEST, server_name
from interlock.containment.egress.refusal import Refused


def real(name: str | None = "good.example") -> bytes:
    """What OpenSSL says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def name_extension(*names: bytes, kind: int = 0) -> tuple[int, bytes]:
    return 0, vector(2, b"".join(bytes([kind]) + vector(2, name) for name in names))


def records(message: bytes, size: int = 1 << 14) -> bytes:
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + vector(2, part) for part in parts)


def message(*extensions: tuple[int, bytes]) -> bytes:
    """A greeting with these extensions."""
    body = b"\x03\x03" + bytes(32) + vector(1, b"") + vector(2, b"\x13\x01") + vector(1, b"\0")
    listed = b"".join(struct.pack("!H", kind) + vector(2, value) for kind, value in extensions)
    return b"\x01" + vector(3, body + vector(2, listed))


GOOD = name_extension(b"good.example")


def test_a_real_greeting_is_read_however_it_is_cut() -> None:
    whole = real()
    assert server_name(whole) == "good.example"
    assert server_name(whole + b"early data") == "good.example"
    for end in range(len(whole)):
        assert server_name(whole[:end]) is None, end


@given(st.integers(20, 300))
def test_a_greeting_in_several_records_is_the_same_greeting(size: int) -> None:
    """Programs that hide a name from filters cut it across records."""
    whole = message(GOOD, (43, b"\x02\x03\x04"), (21, bytes(400)))
    stream = records(whole, size)
    assert server_name(stream) == "good.example"
    assert server_name(stream[:-1]) is None


def test_a_name_is_taken_in_its_one_spelling() -> None:
    assert server_name(records(message(name_extension(b"GOOD.Example")))) == "good.example"


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x80\x2e\x01\x03\x01",  # SSL 2
        b"\x16\x02\x00\x00\x10",
        b"\x16\x03\x01\x00\x00",  # an empty record
        b"\x16\x03\x01\x40\x01",  # larger than a record may be
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x16\x03\x01\x00\x01\x02",  # a server's greeting
        records(message()),
        records(message((43, b"\x02\x03\x04"))),
        records(message(name_extension())),
        records(message(name_extension(b""))),
        records(message(name_extension(b"good.example", b"evil.example"))),
        records(message(name_extension(b"good.example", kind=1))),
        records(message(GOOD, GOOD)),
        records(message(GOOD, name_extension(b"evil.example"))),
        records(message((0, vector(2, b"\0" + vector(2, b"good.example")) + b"x"))),
        records(message(name_extension(b"good.example."))),
        records(message(name_extension(b"good.example\0.evil.example"))),
        records(message(name_extension(b"good.example:443"))),
        records(message(name_extension("g\u00f6\u00f6d.example".encode()))),
        records(message(name_extension(b"127.0.0.1"))),
        records(message(name_extension(b"2130706433"))),
        records(message(name_extension(b"::1"))),
        records(message(GOOD, (0xFE0D, b"\0" * 60))),
        records(message(GOOD, (0xFFCE, b"\0" * 60))),
        records(message(GOOD) + b"\x01\0\0\0"),
        records(message(GOOD)[:-1] + b"")[:-1] + b"\x16\x03\x01\x00\x05abcde",
        records(b"\x01\x00\xff\xff" + bytes(100)),
        records(message(GOOD), 1),
    ],
)
def test_a_greeting_that_could_be_read_in_two_ways_is_refused(stream: bytes) -> None:
    with pytest.raises(Refused):
        server_name(stream)


def test_without_a_name_openssl_is_refused() -> None:
    with pytest.raises(Refused, match="without a server name"):
        server_name(real(None))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_a_name_a_wait_or_a_refusal(junk: bytes, framed: bool) -> None:
    try:
        name = server_name(records(junk) if framed else junk)
    except Refused:
        return
    assert name is None or name.isascii()


@given(st.integers(0, 600), st.binary(min_size=1, max_size=8))
def test_a_damaged_greeting_gives_a_name_a_wait_or_a_refusal(at: int, junk: bytes) -> None:
    whole = bytearray(records(message(GOOD, (43, b"\x02\x03\x04"))))
    whole[at : at + len(junk)] = junk
    try:
        name = server_name(bytes(whole))
    except Refused:
        return
    assert name is None or name == name.lower()


def test_a_greeting_never_grows_without_end() -> None:
    first = b"\x16\x03\x01" + vector(2, b"\x01\x00\x7f\x00" + bytes(1000))
    more = b"\x16\x03\x01" + vector(2, bytes(1000))
    assert server_name(first + more * 20) is None
    with pytest.raises(Refused):
        server_name(first + more * 40)
    with pytest.raises(Refused):
        server_name(b"\x16\x03\x01" + vector(2, b"\x01" + LONGEST.to_bytes(3, "big") + bytes(1000)))
