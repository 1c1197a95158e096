"""Agent name -> translator. The name is the hook client's argument, so it is part of every installed configuration."""

from __future__ import annotations

from interlock.gates.hooks.claude import ClaudeGate
from interlock.gates.hooks.codex import CodexGate
from interlock.gates.hooks.protocol import HookGate

_GATES: dict[str, HookGate] = {gate.agent: gate for gate in (ClaudeGate(), CodexGate())}

AGENTS: tuple[str, ...] = tuple(sorted(_GATES))


def gate(agent: str) -> HookGate | None:
    """The translator for `agent`; None when there is none, and then the caller must refuse the event."""
    return _GATES.get(agent)
