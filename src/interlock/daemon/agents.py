"""Which processes on this machine are agents: those that start hook clients.

A decision that comes from below such a process is not a person's. The check reads `/proc`; it is one defence among
others (an agent that reaches the socket in another way is also stopped by policy and, later, by its sandbox).
"""

from __future__ import annotations

import os
from pathlib import Path

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "fish", "env", "timeout"})
_DEPTH = 64
_AGENTS = 1_000


class AgentProcesses:
    """The agent processes seen so far, by pid and start time (so that a reused pid is not mistaken for the agent)."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], str] = {}

    def saw_hook(self, client: int, agent: str) -> None:
        """A hook client with this pid called: the process that started it is an agent."""
        pid = client
        for _ in range(3):
            facts = _facts(pid)
            if facts is None:
                return
            parent = _facts(facts.parent)
            if parent is None or facts.parent <= 1:
                return
            if parent.name not in _SHELLS:
                if len(self._known) >= _AGENTS:
                    self._known.pop(next(iter(self._known)))
                self._known[facts.parent, parent.started] = agent
                return
            pid = facts.parent

    def ancestor(self, pid: int) -> str:
        """The agent that this process descends from; "" for none."""
        for _ in range(_DEPTH):
            facts = _facts(pid)
            if facts is None:
                return ""
            agent = self._known.get((pid, facts.started))
            if agent is not None:
                return agent
            if facts.parent <= 1:
                return ""
            pid = facts.parent
        return "?"  # deeper than any real tree: not a person


class _Facts:
    __slots__ = ("name", "parent", "started")

    def __init__(self, name: str, parent: int, started: str) -> None:
        self.name = name
        self.parent = parent
        self.started = started


def _facts(pid: int) -> _Facts | None:
    # /proc/PID/stat (proc(5)): pid (comm) state ppid ... ; comm may hold anything, so split after the last ")".
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None
    fields = text[text.rfind(")") + 2 :].split()
    return _Facts(name, int(fields[1]), fields[19])
