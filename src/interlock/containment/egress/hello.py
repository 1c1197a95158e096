"""The server's name in a TLS ClientHello (sans-IO): the stream so far in, the name out, or a refusal.

Strict where two programs could read two names out of one greeting: one name, spelled once, not encrypted.
"""

from __future__ import annotations

from interlock.containment.egress.names import NameRefused, canonical
from interlock.containment.egress.refusal import Refused

LONGEST = 32 << 10  # bytes of a greeting; with post-quantum keys one has about two thousand
_MOST_RECORDS = 32  # each look starts at the front again, so what a stream can cost is bounded by both
_RECORD = 1 << 14  # RFC 8446, 5.1
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SERVER_NAME = 0
_ENCRYPTED = {0xFE0D: "an encrypted ClientHello", 0xFFCE: "an encrypted server name"}


def server_name(stream: bytes) -> str | None:
    """The name that a client greets, or None while more bytes are needed. Raises `Refused`."""
    message = bytearray()
    at = records = 0
    wanted = 4  # the head of a handshake message, which tells its length
    while len(message) < wanted:
        records += 1
        if records > _MOST_RECORDS or at > LONGEST:
            raise Refused("a TLS greeting in too many pieces")
        length = _record(stream[at : at + 5])
        if length is None:
            return None
        message += stream[at + 5 : at + 5 + length]
        if message and message[0] != _CLIENT_HELLO:
            raise Refused("no TLS greeting")
        if len(message) >= 4:
            wanted = 4 + int.from_bytes(message[1:4], "big")
            if wanted > LONGEST:
                raise Refused("a TLS greeting that is too long")
        at += 5 + length
        if len(stream) < at:
            return None
    if len(message) != wanted:
        raise Refused("more than a greeting in the TLS records of the greeting")
    try:
        return _name(_Reader(bytes(message[4:])))
    except NameRefused as error:
        raise Refused(f"a server name that cannot be used: {error}") from error


def _record(head: bytes) -> int | None:
    """The length that a record's head tells, None while the head is not whole."""
    if head and head[0] != _HANDSHAKE:
        raise Refused("no TLS greeting")
    if len(head) > 1 and head[1] != 3:
        raise Refused("no TLS greeting of a version in use")
    if len(head) < 5:
        return None
    length = int.from_bytes(head[3:], "big")
    if not 0 < length <= _RECORD:
        raise Refused("a malformed TLS record")
    return length


def _name(body: _Reader) -> str:
    body.take(2 + 32)  # version, random
    body.vector(1)  # session
    body.vector(2)  # ciphers
    body.vector(1)  # compression
    if body.empty():
        raise Refused("a TLS greeting without a server name")
    extensions = body.vector(2)
    if not body.empty():
        raise Refused("a malformed TLS greeting")
    seen: set[int] = set()
    found: str | None = None
    while not extensions.empty():
        kind = extensions.number(2)
        value = extensions.vector(2)
        if kind in seen:
            raise Refused("a TLS greeting with the same extension twice")
        seen.add(kind)
        if kind in _ENCRYPTED:
            raise Refused(f"{_ENCRYPTED[kind]}: the host cannot be seen")
        if kind == _SERVER_NAME:
            found = _one_name(value)
    if found is None:
        raise Refused("a TLS greeting without a server name")
    return found


def _one_name(value: _Reader) -> str:
    names = value.vector(2)
    kind = names.number(1)
    text = names.vector(2)
    if kind != 0 or not names.empty() or not value.empty():
        raise Refused("a TLS greeting with more than one server name")
    name = text.rest()
    if name.endswith(b"."):
        raise Refused("a server name with a dot at its end")  # RFC 6066 forbids it, and programs differ
    return canonical(name)


class _Reader:
    """Bytes taken from the front; running out of them is a refusal."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        if len(self._data) - self._at < length:
            raise Refused("a malformed TLS greeting")
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> _Reader:
        return _Reader(self.take(self.number(size)))

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def empty(self) -> bool:
        return self._at == len(self._data)
