"""Every file-system call of a piece of code, in turn, kills the process or fails: in a child, so that nothing leaks."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from interlock.containment import system

CALLS = (
    *("open", "stat", "fstat", "mkdir", "rename", "unlink", "rmdir", "utime", "chmod", "scandir", "readlink"),
    *("write", "pread", "fsync", "ftruncate", "removexattr", "setxattr", "listxattr", "getxattr"),
)
KILLED = 99


class Fault(NamedTuple):
    """What happens at the chosen call."""

    name: str
    number: int = 0  # an errno; 0 kills
    done: bool = False  # the call takes effect all the same
    lasting: bool = False  # and everything after it fails as well


FAULTS = (
    Fault("killed"),
    Fault("full disk", errno.ENOSPC),
    Fault("failing disk", errno.EIO),
    Fault("failed though done", errno.EIO, done=True),
    Fault("dead disk", errno.EIO, lasting=True),
)


def each(fault: Fault, act: Callable[[], int]) -> Iterator[int]:
    """Run `act` in a child once for each of its calls, which meets the fault; yields how the child ended.

    Ends when a child got through without meeting it.
    """
    turn = 1
    while (status := once(fault, act, turn)) is not None:
        yield status
        turn += 1


def once(fault: Fault, act: Callable[[], int], turn: int) -> int | None:
    """Run `act` in a child whose call number `turn` meets the fault; None when it has fewer calls."""
    child = os.fork()
    if child == 0:
        status = 98
        try:
            met = _arm(fault, turn)
            status = act()
            if not met():
                status += 100
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status != 98, f"an unexpected error at call {turn}"
    if status < 100:
        return status
    assert status == 100
    return None


def _arm(fault: Fault, turn: int) -> Callable[[], bool]:
    count = 0

    def hit() -> bool:
        nonlocal count
        count += 1
        if count != turn and not (fault.lasting and count > turn):
            return False
        if not fault.number:
            os._exit(KILLED)
        return True

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **options: Any) -> Any:
            if not hit():
                return real(*words, **options)
            if fault.done:
                real(*words, **options)
            raise OSError(fault.number, os.strerror(fault.number))

        return call

    def raw(*words: Any) -> int:
        if not hit():
            return int(real_raw(*words))
        if fault.done:
            real_raw(*words)
        ctypes.set_errno(fault.number)
        return -1

    for name in CALLS:
        setattr(os, name, around(getattr(os, name)))
    real_raw = system._CALL
    system._CALL = raw
    return lambda: count >= turn
