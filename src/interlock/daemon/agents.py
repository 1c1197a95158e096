"""Which processes on this machine are agents: those that start hook clients.

A decision that comes from below such a process is not a person's. The check reads `/proc`; it is one defence among
others (an agent that reaches the socket in another way is also stopped by policy and, later, by its sandbox).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from interlock.broker.facts import MOST_ENVIRONMENT

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "fish", "env", "timeout"})
_DEPTH = 64
_AGENTS = 1_000
_FRESH_SECONDS = 5.0  # a parent looked at so recently is not looked at again: this runs for every hook


class AgentProcesses:
    """The agent processes seen so far, by pid and start time (so that a reused pid is not mistaken for the agent)."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._known: dict[tuple[int, str], str] = {}
        self._looked: dict[int, tuple[float, str]] = {}  # until when, and what `process` named it
        self._now = now

    def saw_hook(self, client: int, agent: str) -> str:
        """A hook client with this pid called: the process that started it is an agent. Gives what `process` names it;
        "" where it cannot be seen.
        """
        pid = client
        for _ in range(3):
            stat = _stat(pid)
            if stat is None or stat.parent <= 1:
                return ""
            until, named = self._looked.get(stat.parent, (0.0, ""))
            if until > self._now():
                return named
            name = _name(stat.parent)
            if name and name not in _SHELLS:
                return self._remember(stat.parent, agent)
            pid = stat.parent
        return ""

    def started(self, pid: int) -> None:
        """The daemon itself started this process for a look: what comes from below it is no person's decision."""
        self._remember(pid, "a look of the daemon's")

    def ancestor(self, pid: int) -> str:
        """The agent that this process descends from; "" for none, "?" where that cannot be seen.

        INVARIANT: who cannot be seen is not taken for a person. A process that is gone when it is looked at, or that
        lives in another pid namespace (the kernel then gives 0 for it), may have been anybody's.
        """
        for _ in range(_DEPTH):
            stat = _stat(pid)
            if stat is None:
                return "?"
            agent = self._known.get((pid, stat.started))
            if agent is not None:
                return agent
            if stat.parent <= 1:
                return ""
            pid = stat.parent
        return "?"  # deeper than any real tree: not a person

    def nearest(self, pid: int) -> str:
        """The agent process at or above this one, as `process` names it; "" where none can be seen."""
        return above(pid, {f"{known} {started}": f"{known} {started}" for known, started in self._known}) or ""

    def _remember(self, pid: int, agent: str) -> str:
        stat = _stat(pid)
        if stat is None:
            return ""
        while len(self._known) >= _AGENTS:
            self._known.pop(next(iter(self._known)))
        while len(self._looked) >= _AGENTS:
            self._looked.pop(next(iter(self._looked)))
        self._known[pid, stat.started] = agent
        named = f"{pid} {stat.started}"
        self._looked[pid] = (self._now() + _FRESH_SECONDS, named)
        return named


class _Stat(NamedTuple):
    parent: int
    started: str


def _stat(pid: int) -> _Stat | None:
    # /proc/PID/stat (proc(5)): pid (comm) state ppid ... ; comm may hold anything, so split after the last ")".
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(4_096)
    except OSError:
        return None
    fields = text[text.rfind(b")") + 2 :].split()
    if len(fields) < 20:
        return None
    return _Stat(int(fields[1]), fields[19].decode())


def environment(pid: int) -> bytes:
    """The environment that a process was started with, as `/proc/PID/environ` shows it; b"" where it cannot be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
            return file.read(MOST_ENVIRONMENT)
    except OSError:
        return b""


def above(pid: int, processes: Mapping[str, str]) -> str | None:
    """What stands for the one of these, named as `process` names them, from which a process descends."""
    for _ in range(_DEPTH):
        stat = _stat(pid)
        if stat is None or pid <= 1:
            return None
        if (found := processes.get(f"{pid} {stat.started}")) is not None:
            return found
        pid = stat.parent
    return None


def process(pid: int) -> str:
    """A name of this process that no later one of the same number has; "" where it is gone."""
    stat = _stat(pid)
    return f"{pid} {stat.started}" if stat is not None else ""


def alive(name: str) -> bool:
    """Whether the process of this name, as `process` gives it, is there still."""
    return bool(name) and process(int(name.partition(" ")[0])) == name


def _name(pid: int) -> str:
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""
