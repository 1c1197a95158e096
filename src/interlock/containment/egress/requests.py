"""The requests of one plain HTTP connection (sans-IO): a client's bytes in, what may go on out, or a refusal.

Every request of the connection is held to one host, not only the first. What goes on is written anew from what was
understood, so that the server cannot read another request out of it: one Host, one framing, CRLF alone, no change of
protocol.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from interlock.containment.egress.names import NameRefused, canonical, shown
from interlock.containment.egress.refusal import Refused

LONGEST_HEAD = 64 << 10  # bytes; servers take 8 to 64 KiB
_LONGEST_LINE = 1 << 10  # bytes of a chunk's size with its extensions
_MOST_FIELDS = 200
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD = re.compile(rb"[A-Z][A-Z-]{0,31}")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(rb"[\x21\x22\x24-\x7e]+")  # visible ASCII without the `#` of a fragment
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e]*)?")
_AUTHORITY = re.compile(rb"([^:@\[\]/\\?#\s]+)(?::([0-9]{1,5}))?")
_FRAMING = {b"host", b"content-length", b"transfer-encoding"}
# Fields that speak to the next hop of a change of protocol: left out, so the connection stays what was read here.
_DROPPED = {b"upgrade", b"http2-settings", b"proxy-connection", b"proxy-authorization"}


class Requests:
    """One connection's requests, all to `name` at `port`."""

    def __init__(self, name: str, port: int) -> None:
        self._name = name
        self._port = port
        self._buffer = bytearray()
        self._left = 0  # bytes of the body, or of the chunk, that are still to come
        self._step: Callable[[], bytes | None] = self._head
        self.heads = 0  # whole requests seen

    def feed(self, data: bytes | memoryview) -> bytes:
        """Take what the client sent; give what goes on. Raises `Refused`, after which nothing may go on."""
        self._buffer += data
        parts = []
        while (part := self._step()) is not None:
            parts.append(part)
        return b"".join(parts)

    def _line(self, longest: int) -> bytes | None:
        """The next line without its CRLF, None while it is not whole."""
        end = self._buffer.find(b"\n", 0, longest + 2)
        if end < 0:
            if len(self._buffer) > longest:
                raise Refused("a line that is too long")
            return None
        if end == 0 or self._buffer[end - 1] != 0x0D:
            raise Refused("a line that does not end in CRLF")
        line = bytes(self._buffer[: end - 1])
        del self._buffer[: end + 1]
        return line

    def _head(self) -> bytes | None:
        end = self._buffer.find(b"\r\n\r\n", 0, LONGEST_HEAD)
        if end < 0:
            if len(self._buffer) >= LONGEST_HEAD:
                raise Refused("a request whose head is too long")
            if b"\0" in self._buffer:
                raise Refused("a request with a control character")
            return None
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        fields = self._fields(lines[1:])
        written = [self._request_line(lines[0]), b"Host: " + self._host(fields)]
        self._frame(fields, lines[0].endswith(b"1.0"))
        written += [name + b": " + value for name, value in fields if name.lower() not in _DROPPED | {b"host"}]
        self.heads += 1
        return b"\r\n".join(written) + b"\r\n\r\n"

    def _request_line(self, line: bytes) -> bytes:
        parts = line.split(b" ")
        if len(parts) != 3 or not _METHOD.fullmatch(parts[0]) or not _TARGET.fullmatch(parts[1]):
            raise Refused("no HTTP request")
        method, target, version = parts
        if version not in {b"HTTP/1.0", b"HTTP/1.1"}:
            raise Refused("no HTTP of version 1")
        if method in {b"CONNECT", b"PRI"}:
            raise Refused(f"the method {shown(method)}")
        scheme, absolute, rest = target.partition(b"://")
        if absolute and scheme.lower() == b"http":
            authority, slash, path = rest.partition(b"/")
            self._same(authority, "an address line")
            target = slash + path if slash else b"/"
        elif not target.startswith(b"/") and (target, method) != (b"*", b"OPTIONS"):
            raise Refused("a request for something that is no path")
        return b" ".join((method, target, version))

    def _fields(self, lines: list[bytes]) -> list[tuple[bytes, bytes]]:
        if len(lines) > _MOST_FIELDS:
            raise Refused("a request with too many fields")
        fields = []
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon or not _TOKEN.fullmatch(name):  # folded lines and blanks before the colon too
                raise Refused("a malformed field")
            value = value.strip(b" \t")
            if not _VALUE.fullmatch(value):
                raise Refused("a field with a control character")
            plain = name.lower()
            if plain.replace(b"_", b"-") in _FRAMING and plain not in _FRAMING:
                raise Refused(f"a field that some servers take for {shown(plain.replace(b'_', b'-'))}")
            if plain == b"connection":
                value = self._connection(value)
            if plain != b"connection" or value:
                fields.append((name, value))
        return fields

    @staticmethod
    def _connection(value: bytes) -> bytes:
        tokens = [token.strip(b" \t") for token in value.split(b",")]
        if any(token.lower() in _FRAMING for token in tokens):
            raise Refused("a request that asks the next hop to drop its framing")
        return b", ".join(token for token in tokens if token and token.lower() not in _DROPPED)

    def _host(self, fields: list[tuple[bytes, bytes]]) -> bytes:
        hosts = [value for name, value in fields if name.lower() == b"host"]
        if len(hosts) != 1:
            raise Refused("a request with more than one Host" if hosts else "a request without a Host")
        self._same(hosts[0], "a Host")
        return self._name.encode() + (b"" if self._port == 80 else b":%d" % self._port)

    def _same(self, authority: bytes, what: str) -> None:
        match = _AUTHORITY.fullmatch(authority)
        try:
            name = canonical(match[1]) if match else None
        except NameRefused as error:
            raise Refused(f"{what} that cannot be used: {error}") from error
        if match is None or name is None:
            raise Refused(f"{what} that cannot be used")
        if name != self._name or int(match[2] or 80) != self._port:
            raise Refused(f"{what} that names {shown(authority)}, on a connection to {self._name}")

    def _frame(self, fields: list[tuple[bytes, bytes]], old: bool) -> None:
        """What follows the head: nothing, a counted body, or chunks."""
        lengths = [value for name, value in fields if name.lower() == b"content-length"]
        codings = [value for name, value in fields if name.lower() == b"transfer-encoding"]
        if codings:
            if lengths or len(codings) > 1 or codings[0].lower() != b"chunked" or old:
                raise Refused("a request whose length can be read in two ways")
            self._step = self._chunk_size
            return
        if len(lengths) > 1 or (lengths and not _LENGTH.fullmatch(lengths[0])):
            raise Refused("a request whose length can be read in two ways")
        self._left = int(lengths[0]) if lengths else 0
        self._step = self._body if self._left else self._head

    def _taken(self) -> bytes | None:
        if not self._buffer:
            return None
        part = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        self._left -= len(part)
        return part

    def _body(self) -> bytes | None:
        part = self._taken()
        if not self._left:
            self._step = self._head
        return part

    def _chunk_size(self) -> bytes | None:
        line = self._line(_LONGEST_LINE)
        if line is None:
            return None
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise Refused("a malformed chunk")
        self._left = int(match[1], 16)
        self._step = self._chunk if self._left else self._trailer
        return b"%x\r\n" % self._left

    def _chunk(self) -> bytes | None:
        part = self._taken()
        if not self._left:
            self._step = self._chunk_end
        return part

    def _chunk_end(self) -> bytes | None:
        if len(self._buffer) < 2:
            return None
        if self._buffer[:2] != b"\r\n":
            raise Refused("a malformed chunk")
        del self._buffer[:2]
        self._step = self._chunk_size
        return b"\r\n"

    def _trailer(self) -> bytes | None:
        """Fields after the last chunk are left out: servers differ in what they take from them."""
        line = self._line(_LONGEST_LINE * 8)
        if line is None:
            return None
        if line:
            self._fields([line])
            return b""
        self._step = self._head
        return b"\r\n"
