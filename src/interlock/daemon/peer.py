"""Who is on the other end of the Unix socket, as the kernel says it, and whether that process is still the one.

SO_PEERCRED gives a number. A process that connects, hands the socket on and ends leaves its number free, and whoever
gets it next would be taken for the one that asks: a person's shell, say.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import struct
from collections.abc import Callable
from functools import cache, partial

import msgspec

from interlock.daemon.agents import process

_PEERPIDFD = 77  # SO_PEERPIDFD (Linux 6.5): a descriptor of the process that connected, which no later one can be
_UNKNOWN_OPTION = frozenset({errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EINVAL})


class Peer(msgspec.Struct, frozen=True):
    """Who the kernel says is on the other end. `gone` is set when that end hangs up; `login` is the entry of the
    panel's session that asks for them, -1 for a command. `afar` names who signed in to it from another machine: such a
    person has no uid here, and a process only where their browser runs on this machine.
    """

    pid: int
    uid: int
    gone: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    login: int = -1
    afar: str = ""
    # Whether the process that connected still lives. What `/proc` said of `pid` before this was asked, it said of it.
    lives: Callable[[], bool] = lambda: True


def peer_of(connection: socket.socket) -> Peer:
    """The other end of a connection that was just accepted."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", raw)
    # Before Linux 6.5 the number's present owner is named instead, by the moment it started.
    named = "" if _supported() else process(pid)
    return Peer(pid, uid, lives=partial(_lives, connection, named))


def _lives(connection: socket.socket, named: str) -> bool:
    if named:
        return process(int(named.partition(" ")[0])) == named
    try:
        descriptor = connection.getsockopt(socket.SOL_SOCKET, _PEERPIDFD)
    except OSError:
        return False  # it has ended, or the connection is closed: nobody can say any more who asked
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return not poll.poll(0)
    finally:
        os.close(descriptor)


@cache
def _supported() -> bool:
    """Whether this kernel knows the option; its answer does not change."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            os.close(ours.getsockopt(socket.SOL_SOCKET, _PEERPIDFD))
        except OSError as error:
            return error.errno not in _UNKNOWN_OPTION
    return True
