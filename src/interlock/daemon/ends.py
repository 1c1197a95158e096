"""Which process is the other end of a TCP connection on this machine, as the kernel's tables in `/proc` say.

A Unix socket says so by itself (SO_PEERCRED); of a loopback connection it takes two looks: `/proc/net/tcp` names the
socket's inode and owner (proc(5)), and `/proc/PID/fd` who holds it.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

from interlock.daemon.agents import process

End = tuple[str, int]
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_ESTABLISHED = b"01"


class Socket(NamedTuple):
    """Their socket: its inode, and the uid that made it."""

    inode: str
    uid: int


def other_end(client: End, server: End) -> Socket | None:
    """Their socket of a connection from `client` to `server`; None where it is not on this machine."""
    wanted = {(_hex(*mine), _hex(*theirs)) for mine, theirs in _spellings(client, server)}
    for table in _TABLES:
        try:
            with open(table, "rb") as file:
                rows = file.read().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if len(fields) > 9 and fields[3] == _ESTABLISHED and (fields[1], fields[2]) in wanted:
                return Socket(fields[9].decode(), int(fields[7]))
    return None


def holders(found: Socket) -> tuple[str, ...]:
    """All processes that hold this socket and that can be seen, as `agents.process` names them."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return tuple(filter(None, (process(pid) for pid in pids if _holds(pid, found.inode))))


def holds(name: str, client: End, server: End) -> bool:
    """Whether the process of this name is the other end of a connection."""
    pid = int(name.split(maxsplit=1)[0])
    found = other_end(client, server)
    return found is not None and process(pid) == name and _holds(pid, found.inode)


def _holds(pid: int, inode: str) -> bool:
    wanted = f"socket:[{inode}]"
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            if os.readlink(f"/proc/{pid}/fd/{descriptor}") == wanted:
                return True
        except OSError:
            continue
    return False


def _spellings(client: End, server: End) -> Iterator[tuple[End, End]]:
    """The pair as it is, and as a socket for both families writes an IPv4 address."""
    yield client, server
    if "." in client[0] and ":" not in client[0]:
        yield (f"::ffff:{client[0]}", client[1]), (f"::ffff:{server[0]}", server[1])


def _hex(host: str, port: int) -> bytes:
    """An address as the table writes it: words in the machine's byte order, the port in the network's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        packed = socket.inet_pton(family, host.partition("%")[0])
    except OSError:
        return b""
    order = "<" if sys.byteorder == "little" else ">"
    words = struct.unpack(f"{order}{len(packed) // 4}I", packed)
    return ("".join(f"{word:08X}" for word in words) + f":{port:04X}").encode()
