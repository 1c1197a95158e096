"""What a hook gate is: a translator between one agent's hook protocol and the broker's nouns. No rule, no I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol

import msgspec

from interlock.model.action import Action, Principal


class Moment(StrEnum):
    """When in the agent's life the event happens, in words that all agents share."""

    TOOL_BEFORE = "tool.before"
    TOOL_AFTER = "tool.after"
    BATCH_AFTER = "batch.after"
    PROMPT = "prompt"
    SESSION_START = "session.start"
    SESSION_END = "session.end"
    SUBAGENT_START = "subagent.start"
    SUBAGENT_STOP = "subagent.stop"
    STOP = "stop"
    CONFIG_CHANGE = "config.change"
    PERMISSION = "permission"
    OTHER = "other"


class HookEvent(msgspec.Struct, frozen=True):
    """One event of an agent, translated.

    `action` is set for tool events. `transcript` is the path of the agent's own record, if it names one.
    """

    moment: Moment
    name: str  # the agent's own name of the event
    principal: Principal
    cwd: str
    body: dict[str, Any]
    action: Action | None = None
    transcript: str = ""
    outcome: dict[str, Any] | None = None  # for TOOL_AFTER: what the agent says came out


class HookReply(msgspec.Struct, frozen=True):
    """What the hook process must print and return; `epoch` of the halts under which it lets something happen."""

    exit: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    epoch: int | None = None


class HookGate(Protocol):
    """One agent's translator."""

    agent: str

    def parse(self, raw: bytes) -> HookEvent:
        """Translate one event. Raises AgentError: malformed, duplicate keys, too large, too deep."""

    def allow(self, event: HookEvent, note: str = "", *, context: str = "") -> HookReply:
        """Let it happen (for events that cannot be stopped: acknowledge). `note` is shown to the person; `context` is
        what a person said along with their yes, for the model.
        """

    def run_instead(self, event: HookEvent, command: str, *, context: str = "") -> HookReply | None:
        """Let the agent run this command in place of the one it asked for; None where its protocol cannot.

        `context` is told to the model, where the protocol has a way, else shown to the agent's user.
        """

    def deny(self, event: HookEvent, message: str) -> HookReply:
        """The agent's own form of no, with the message where the model sees it."""

    def defers(self, environment: bytes) -> bool:
        """Whether the agent can put a tool call aside and be started again for it later, by what the environment of its
        hook says (as in `/proc/PID/environ`).
        """

    def defer(self, event: HookEvent, message: str) -> HookReply:
        """Put the call aside; a no where the agent cannot."""

    def end(self, event: HookEvent, message: str) -> HookReply:
        """No, and the agent's loop is ended where its protocol can."""

    def refuse(self, message: str) -> HookReply:
        """The no for an event that could not be read at all: must stop whatever it was."""
