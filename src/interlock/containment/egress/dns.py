"""DNS for a contained run (sans-IO): a question in, an answer out. Nothing is ever passed on to a real resolver.

An allowed name's A is the fake address that stands for it in this run, its AAAA is empty, another name does not
exist, and every other kind of question is refused: a name is all that a run may ask for, so a question carries
nothing out.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import NamedTuple

LONGEST = 4096  # bytes of a question; a real one has less than 300
_A, _AAAA, _OPT, _IN = 1, 28, 41, 1
_FORMERR, _SERVFAIL, _NXDOMAIN, _NOTIMP, _REFUSED = 1, 2, 3, 4, 5
_TTL = 600  # an address stands for its name as long as the run lasts
_HEAD = struct.Struct("!6H")

Lookup = Callable[[bytes], IPv4Address | None]
"""The fake address that stands for a name (as on the wire, dots between labels); None: not allowed."""


class TooMany(Exception):
    """A lookup says that this run has asked for more names than it may."""


class Answer(NamedTuple):
    """What goes back (nothing: the message was no question), what was asked, and whether it was answered."""

    message: bytes | None
    name: bytes
    allowed: bool
    why: str


class _Question(NamedTuple):
    name: bytes
    kind: int
    klass: int
    raw: bytes
    extended: bool


def respond(message: bytes, lookup: Lookup) -> Answer:
    """Answer one message. Total: any bytes are answered or dropped."""
    if len(message) < _HEAD.size or len(message) > LONGEST:
        return Answer(None, b"", False, "no DNS message")
    ident, flags, *counts = _HEAD.unpack_from(message)
    if flags & 0x8000:  # an answer; answering it could start a storm
        return Answer(None, b"", False, "an answer where a question belongs")

    def reply(code: int, question: _Question | None = None, address: IPv4Address | None = None) -> bytes:
        raw = question.raw if question else b""
        record = struct.pack("!HHHIH4s", 0xC00C, _A, _IN, _TTL, 4, address.packed) if address else b""
        extended = b"\0" + struct.pack("!HHIH", _OPT, 1232, 0, 0) if question and question.extended else b""
        # A response, authoritative, recursion as it was desired, recursion available.
        head = 0x8480 | (flags & 0x7900) | code
        tally = (1 if question else 0, 1 if record else 0, 0, 1 if extended else 0)
        return _HEAD.pack(ident, head, *tally) + raw + record + extended

    if flags & 0x7800:
        return Answer(reply(_NOTIMP), b"", False, "no plain DNS question")
    question = _question(message, counts)
    if question is None:
        return Answer(reply(_FORMERR), b"", False, "a malformed DNS question")
    if question.klass != _IN or question.kind not in {_A, _AAAA}:
        return Answer(reply(_REFUSED, question), question.name, False, f"a DNS question of type {question.kind}")
    try:
        address = lookup(question.name)
    except TooMany:
        return Answer(reply(_SERVFAIL, question), question.name, False, "more names than a run may ask for")
    if address is None:
        return Answer(reply(_NXDOMAIN, question), question.name, False, "not on the list of hosts")
    return Answer(reply(0, question, address if question.kind == _A else None), question.name, True, "")


def _question(message: bytes, counts: list[int]) -> _Question | None:
    """The one question of a message; at most one further record, which says that the asker knows EDNS."""
    questions, answers, authorities, additional = counts
    if (questions, answers, authorities) != (1, 0, 0) or additional > 1:
        return None
    labels, at, total = [], _HEAD.size, 1
    while True:
        if at >= len(message):
            return None
        length = message[at]
        at += 1
        if length == 0:
            break
        total += length + 1
        # Above 63 it would be a pointer: there is nothing before the first name to point to.
        if length > 63 or total > 255 or at + length > len(message):
            return None
        labels.append(message[at : at + length])
        at += length
    if at + 4 > len(message) or not labels:
        return None
    kind, klass = struct.unpack_from("!HH", message, at)
    end = at + 4
    rest = message[end:]
    if additional and not (len(rest) >= 11 and rest[0] == 0 and rest[1:3] == _OPT.to_bytes(2, "big")):
        return None
    # A dot inside a label would make two names out of one: such a label is no host's.
    name = b".".join(label.replace(b".", b"\\") for label in labels)
    return _Question(name, kind, klass, message[_HEAD.size : end], bool(additional))
