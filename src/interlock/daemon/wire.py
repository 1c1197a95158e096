"""The bytes on the daemon's socket. Sans-IO: text and bytes in, frames out.

    request   ILK1 <hook|rpc|run> <agent or -> <nonce> <deadline ms> <length>\\n  payload
    response  ILK1 hold <nonce> <ms>\\n                                       zero or more times
              ILK1 done <nonce> <exit> <stdout length> <stderr length> <epoch>\\n   stdout, stderr, end of stream

The nonce (16 hex digits, the client's) comes back in each frame, so that bytes from anything else are seen to be
garbage. The hook client speaks the same in C; `tests/daemon/test_wire.py` holds the two together.

The epoch is that of the halts under which the answer was given: a client that lets something happen compares it with
the lease (interlock/halt/lease.py) first.

The door `run` is the launcher's. `open TICKET\\n` is answered with exit 0 and the plan on stdout, or with another exit
and a sentence on stderr; `close TICKET STATUS\\n` with what there is to say on stderr.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from interlock.model.errors import AgentError, DaemonUnreachable

HEADER_LIMIT = 160  # bytes; the longest legal header is under 100
PAYLOAD_LIMIT = 8 << 20  # 8 MiB: the largest tool input seen is a file of a few hundred KiB

_REQUEST = re.compile(rb"ILK1 (hook|rpc|run) ([a-z0-9-]{1,32}) ([0-9a-f]{16}) ([0-9]{1,9}) ([0-9]{1,10})")
_DONE = re.compile(rb"ILK1 done ([0-9a-f]{16}) ([0-9]{1,3}) ([0-9]{1,10}) ([0-9]{1,10}) ([0-9]{1,16})")
_HOLD = re.compile(rb"ILK1 hold ([0-9a-f]{16}) ([0-9]{1,9})")


class Door(StrEnum):
    """Who is calling: an agent's hook, a person's command, or the launcher of a contained run."""

    HOOK = "hook"
    RPC = "rpc"
    RUN = "run"


class Header(msgspec.Struct, frozen=True):
    """A request's first line. `deadline` in milliseconds, `length` in bytes."""

    door: Door
    agent: str
    nonce: str
    deadline: int
    length: int


class Reply(msgspec.Struct, frozen=True):
    """What the client prints and returns."""

    exit: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    epoch: int = 0


def parse_header(line: bytes) -> Header:
    """Raises AgentError when the line is no request, or announces more than `PAYLOAD_LIMIT`."""
    match = _REQUEST.fullmatch(line)
    if match is None:
        raise AgentError("the request line is not of the ILK1 form.")
    door, agent, nonce, deadline, length = match.groups()
    header = Header(Door(door.decode()), agent.decode(), nonce.decode(), int(deadline), int(length))
    if header.length > PAYLOAD_LIMIT:
        raise AgentError(f"the event has {header.length} bytes; the limit is {PAYLOAD_LIMIT}.")
    return header


def request(door: Door, agent: str, nonce: str, deadline: int, payload: bytes) -> bytes:
    """A whole request."""
    return f"ILK1 {door.value} {agent} {nonce} {deadline} {len(payload)}\n".encode() + payload


def hold(nonce: str, milliseconds: int) -> bytes:
    """The daemon is alive and at work: wait up to this much longer."""
    return f"ILK1 hold {nonce} {milliseconds}\n".encode()


def done(nonce: str, reply: Reply) -> bytes:
    """The whole answer."""
    head = f"ILK1 done {nonce} {reply.exit} {len(reply.stdout)} {len(reply.stderr)} {reply.epoch}\n"
    return head.encode() + reply.stdout + reply.stderr


def parse_response(raw: bytes, nonce: str) -> Reply | None:
    """The answer in everything received so far; None while it is incomplete. Raises DaemonUnreachable on garbage."""
    while raw:
        line, found, rest = raw.partition(b"\n")
        if not found:
            if len(line) > HEADER_LIMIT:
                raise DaemonUnreachable("the daemon's answer is garbled.")
            return None
        if (held := _HOLD.fullmatch(line)) and held.group(1).decode() == nonce:
            raw = rest
            continue
        match = _DONE.fullmatch(line)
        if match is None or match.group(1).decode() != nonce:
            raise DaemonUnreachable("the daemon's answer is garbled.")
        out, err = int(match.group(3)), int(match.group(4))
        if len(rest) > out + err:
            raise DaemonUnreachable("the daemon's answer is longer than it announced.")
        if len(rest) < out + err:
            return None
        return Reply(int(match.group(2)), rest[:out], rest[out:], int(match.group(5)))
    return None
