"""Stopping processes and hearing it from the kernel: all that descend from some, until none is found that runs.

A parent is stopped before its children are looked for, so that what is found once stays all there is. In a process
namespace of its own, whose orphans go to its first process, the descendants of that one are all of them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

# Two states that are not of proc(5). Frozen: the cgroup that holds it says so. Awaiting: who started a child by
# vfork(2), as shells do, waits in the kernel until the child has become its program or ended, and stops only then.
# Where the child was stopped before, that is never, but it can do as little.
FROZEN, AWAITING = "F", "V"
_STOPPED = frozenset("TtZXxFV")  # these, stopped, traced, and those that are dead: proc(5)
_IN_VFORK = frozenset({"kernel_clone", "_do_fork"})  # where the kernel waits for such a child, since 5.10 and before
_GONE = frozenset("ZXx")
_TURN = 0.001  # seconds between two looks
_PATIENCE = 2.0  # seconds; a process in an uninterruptible call of the kernel stops when it comes back


class Held(Protocol):
    """A cgroup that can be frozen: `interlock.containment.cgroups.Group` is one."""

    def members(self) -> tuple[int, ...]:
        """Its processes."""

    def freeze(self, patience: float) -> bool:
        """Stop all of it; true once the kernel says that it is."""

    def kill(self, patience: float) -> bool:
        """End all of it; true once nothing is left."""


class Seen(NamedTuple):
    """What the kernel said of one process: its state as in proc(5) ("-": there is none any more), and when."""

    pid: int
    started: int  # clock ticks since boot: with the pid, the name of one process
    state: str
    at: int  # CLOCK_BOOTTIME, ns

    @property
    def stopped(self) -> bool:
        """Whether it cannot do anything."""
        return self.state in _STOPPED or self.state == "-"

    @property
    def gone(self) -> bool:
        """Whether it never will."""
        return self.state in _GONE or self.state == "-"


def look(pid: int) -> tuple[str, int]:
    """The state and the start of a process; ("-", 0) where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(4_096)
    except OSError:
        return "-", 0
    fields = text[text.rfind(b")") + 2 :].split()
    return (fields[0].decode(), int(fields[19])) if len(fields) > 19 else ("-", 0)


def children(pid: int) -> list[int]:
    """The processes that this one started and that live."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:
                while part := file.read(65_536):
                    found += map(int, part.split())
    return found


def descendants(tops: Iterable[int]) -> Iterator[int]:
    """The processes themselves, then all below them."""
    waiting = list(tops)
    seen: set[int] = set()
    while waiting:
        pid = waiting.pop()
        if pid not in seen:
            seen.add(pid)
            yield pid
            waiting += children(pid)


def stop(tops: Iterable[int], *, patience: float = _PATIENCE) -> list[Seen]:
    """Stop them and all below; the kernel's word for each. What is not stopped in time is said as it is."""
    tops = tuple(tops)
    return _until_still(lambda: _stop_once(tops), patience)


def tell(tops: Iterable[int]) -> None:
    """Tell them and all below to stop, once, without looking whether they did."""
    for pid in descendants(tops):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGSTOP)


def _stop_once(tops: tuple[int, ...]) -> list[Seen]:
    """One walk. Each is stopped before its children are asked for."""
    found: dict[int, Seen] = {}
    waiting = list(tops)
    while waiting:
        pid = waiting.pop()
        if pid in found:
            continue
        state, started = look(pid)
        if state not in _STOPPED and state != "-":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGSTOP)
            state, started = look(pid)
        below = children(pid)
        if state == "D" and below and _awaits(pid):
            state = AWAITING
        found[pid] = Seen(pid, started, state, _now())
        waiting += below
    return list(found.values())


def _awaits(pid: int) -> bool:
    """Whether it waits for a child of its vfork, and will stop before it does anything else."""
    try:
        with open(f"/proc/{pid}/wchan", "rb", buffering=0) as where, open(f"/proc/{pid}/status", "rb") as status:
            pending = [int(line.split()[1], 16) for line in status if line.startswith((b"SigPnd:", b"ShdPnd:"))]
            told = any(one >> signal.SIGSTOP - 1 & 1 for one in pending)
            return told and where.read(64).decode("ascii", "replace") in _IN_VFORK
    except (OSError, ValueError, IndexError):
        return False


def _until_still(walk: Callable[[], list[Seen]], patience: float) -> list[Seen]:
    """Walk until two walks see the same processes, all of them stopped."""
    deadline = time.monotonic() + patience
    before: set[tuple[int, int]] = set()
    while True:
        seen = walk()
        names = {(one.pid, one.started) for one in seen if one.state != "-"}
        still = all(one.stopped for one in seen)
        if (still and names <= before) or time.monotonic() >= deadline:
            return seen
        before = names if still else set()
        if not still:
            time.sleep(_TURN)


def held(group: Held, *, patience: float = _PATIENCE) -> list[Seen]:
    """Freeze a cgroup, whose kernel keeps all of it together; the kernel's word for the group is that for each."""
    frozen = group.freeze(patience)
    found = [(pid, *look(pid)) for pid in group.members()]
    return [
        Seen(pid, started, FROZEN if frozen and state not in _STOPPED else state, _now())
        for pid, state, started in found
    ]


def ended(group: Held, *, patience: float = _PATIENCE) -> list[Seen]:
    """End a cgroup, frozen or not; the kernel's word for each of its processes."""
    before = named(group.members())
    group.kill(patience)
    return gone(before, patience=patience)


def named(pids: Iterable[int]) -> list[Seen]:
    """Who they are: those that live, with their start."""
    found = [(pid, *look(pid)) for pid in pids]
    return [Seen(pid, started, state, _now()) for pid, state, started in found if state != "-"]


def go_on(tops: Iterable[int]) -> None:
    """Let them go on: the youngest first, so that nobody waits for a child that is not told yet."""
    for pid in reversed(list(descendants(tops))):
        wake(pid)


def wake(pid: int) -> None:
    """Let one process go on."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGCONT)


def end(tops: Iterable[int], *, patience: float = _PATIENCE) -> list[Seen]:
    """End them and all below: stopped first, so that none is born meanwhile. The kernel's word for each."""
    stopped = stop(tops, patience=patience)
    for one in stopped:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(one.pid, signal.SIGKILL)
    return gone(stopped, patience=patience)


def gone(were: list[Seen], *, patience: float = _PATIENCE) -> list[Seen]:
    """Wait until they are gone; the kernel's word for each. What lives on after this time is said as it is."""
    deadline = time.monotonic() + patience
    while True:
        seen = [_again(one) for one in were]
        if all(one.gone for one in seen) or time.monotonic() >= deadline:
            return seen
        time.sleep(_TURN)


def _again(one: Seen) -> Seen:
    state, started = look(one.pid)
    return Seen(one.pid, one.started, state if started == one.started else "-", _now())


def _now() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
