"""What is minded of a run that has no first process of Interlock's: the lease, the time, and the memory of all of it.

Bubblewrap keeps none of them, so the process that started it looks several times a second. It is outside: what it
stops, wakes and counts are the processes that descend from the sandbox's first one.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

_LOOK = 0.2  # seconds between two looks, as of the launcher
_BUSY = 0.05  # and where a quarter of the memory is taken already
_GRACE = 2.0  # seconds between asking to end and ending
_PAGE = os.sysconf("SC_PAGESIZE")


class Word(StrEnum):
    """What the lease says of a run."""

    GO = "go"
    STAND = "stand"  # an order freezes it, or there is no good lease
    END = "end"


class End(StrEnum):
    """Why a run was over."""

    BY_ITSELF = ""
    LATE = "late"
    OVER = "over"  # it used more memory than it may
    HALTED = "halted"


class Bounds(msgspec.Struct, frozen=True):
    """What it may use up; 0: no bound. `fresh` are its directories in memory."""

    wall: int = 0  # seconds
    memory: int = 0  # bytes, of all processes together
    fresh: tuple[str, ...] = ()


def mind(
    handle: int, first: int, bounds: Bounds, word: Callable[[], Word], kill: Callable[[], None], *, look: float = _LOOK
) -> End:
    """Wait until the process of this handle has ended, and see to it that it does.

    `first` is the sandbox's first process, `kill` ends all of it at once.
    """
    ends = time.monotonic() + bounds.wall if bounds.wall else None
    held, asked, pause, why = False, False, look, End.BY_ITSELF
    while not select.select([handle], [], [], pause)[0]:
        said = word()
        if said is Word.END:
            kill()
            why = End.HALTED
        held = _hold(first, said is Word.STAND, held)
        taken = used(first, bounds.fresh) if bounds.memory else 0
        if bounds.memory and taken > bounds.memory:
            kill()
            why = End.OVER
        pause = min(look, _BUSY) if taken > bounds.memory / 4 else look
        if ends is not None and time.monotonic() >= ends:
            if asked:
                kill()
            else:
                asked, why, ends = True, End.LATE, time.monotonic() + _GRACE
                _signal(_children(first), signal.SIGTERM)
    return why


def _hold(first: int, hold: bool, held: bool) -> bool:
    if hold:  # again at each look: somebody outside could have let it go on
        _signal(below(first), signal.SIGSTOP)
    elif held:
        _signal(reversed(below(first)), signal.SIGCONT)
    return hold


def below(first: int) -> list[int]:
    """A process and all that descend from it, parents first. Orphans in the sandbox are children of its first one."""
    found: list[int] = []
    waiting = [first] if first else []
    while waiting:
        pid = waiting.pop(0)
        if pid in found:
            continue
        found.append(pid)
        waiting += _children(pid)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    return found


def used(first: int, fresh: Iterable[str]) -> int:
    """Bytes: of each process what is its own (heap and stacks), and what lies in the directories in memory."""
    total = 0
    for pid in below(first):
        with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/statm", "rb") as file:
            _, resident, shared, *_ = map(int, file.read().split())
            total += max(0, resident - shared) * _PAGE
    for path in fresh:
        with contextlib.suppress(OSError):
            room = os.statvfs(f"/proc/{first}/root{path}")
            total += (room.f_blocks - room.f_bfree) * room.f_frsize
    return total


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
