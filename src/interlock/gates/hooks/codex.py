"""Codex CLI's hooks, translated. The protocol is modelled on Claude Code's, and differs where it matters:

- `permissionDecision: "ask"` and `continue: false` on a tool call are unsupported: the tool would RUN;
- exit status 2 without text on stderr is ignored: the tool would RUN;
- an answer with an unknown member is no answer;
- its tools have names of their own, brought here to the names that the readers know.
"""

from __future__ import annotations

import posixpath
import shlex
from typing import Any

from interlock.gates.hooks.claude import denial, outcome, render, rewritten
from interlock.gates.hooks.protocol import HookEvent, HookReply, Moment
from interlock.gates.hooks.strict import decode_object, directory_field, text_field
from interlock.model.action import Action, Principal
from interlock.model.errors import AgentError

MOMENTS: dict[str, Moment] = {
    "PreToolUse": Moment.TOOL_BEFORE,
    "PostToolUse": Moment.TOOL_AFTER,
    "UserPromptSubmit": Moment.PROMPT,
    "SessionStart": Moment.SESSION_START,
    "SessionEnd": Moment.SESSION_END,
    "SubagentStart": Moment.SUBAGENT_START,
    "SubagentStop": Moment.SUBAGENT_STOP,
    "Stop": Moment.STOP,
    "PermissionRequest": Moment.PERMISSION,
}
TELLING_OTHERS = frozenset({"PreCompact", "PostCompact", "Interrupt"})

SHELL_TOOLS = frozenset(
    {"exec_command", "shell", "shell_command", "local_shell", "container.exec", "unified_exec", "Bash"}
)
PATCH_TOOLS = frozenset({"apply_patch", "ApplyPatch"})

_WITH_ACTION = frozenset({Moment.TOOL_BEFORE, Moment.TOOL_AFTER, Moment.PERMISSION})
_CANNOT_STOP = frozenset(
    {Moment.STOP, Moment.SUBAGENT_STOP, Moment.SUBAGENT_START, Moment.SESSION_START, Moment.SESSION_END}
)


class CodexGate:
    """Translator for Codex CLI (0.169)."""

    agent = "codex"

    def parse(self, raw: bytes) -> HookEvent:
        """One event of Codex. Raises AgentError: malformed, contradictory, too large, too deep."""
        body = decode_object(raw)
        name = text_field(body, "hook_event_name", limit=64, required=True)
        moment = MOMENTS.get(name, Moment.OTHER)
        principal = Principal(
            agent=self.agent,
            session=text_field(body, "session_id"),
            subagent=text_field(body, "agent_id"),
            subagent_type=text_field(body, "agent_type"),
            model=text_field(body, "model"),
        )
        cwd = directory_field(body, "cwd", required=moment in _WITH_ACTION)
        return HookEvent(
            moment=moment,
            name=name,
            principal=principal,
            cwd=cwd,
            body=body,
            action=_action(body, cwd, principal) if moment in _WITH_ACTION else None,
            transcript=text_field(body, "transcript_path", limit=4096),
            outcome=outcome(body) if moment is Moment.TOOL_AFTER else None,
        )

    def allow(self, event: HookEvent, note: str = "", *, context: str = "") -> HookReply:  # noqa: ARG002 - the same for every event
        """Say nothing (`permissionDecision: "allow"` alone is an error to Codex), or show the note, or the context.

        Before a tool call Codex has no member that reaches the model: the context stands where its user reads it.
        """
        shown = " ".join(text for text in (note, context) if text)
        return render({"systemMessage": shown} if shown else None)

    def run_instead(self, event: HookEvent, command: str, *, context: str = "") -> HookReply | None:
        """Rewrite a command under the name that Codex gave it, as words where it gave words; show the context."""
        given = event.body.get("tool_input")
        name = next((key for key in ("command", "cmd") if isinstance(given, dict) and given.get(key) is not None), "")
        if not name or not isinstance(given, dict):
            return None
        words = ["bash", "-c", command] if isinstance(given[name], list) else command
        return rewritten(event, {name: words}, shown=context)

    def deny(self, event: HookEvent, message: str) -> HookReply:
        """The form of no that this event has; for events that only tell, the message is shown to the person."""
        return self._stop(event, message, end=False)

    def defers(self, environment: bytes) -> bool:  # noqa: ARG002 - whatever it says
        """Codex has no such answer."""
        return False

    def defer(self, event: HookEvent, message: str) -> HookReply:
        """A no."""
        return self.deny(event, message)

    def end(self, event: HookEvent, message: str) -> HookReply:
        """No, and the loop ends where Codex can: after a tool call and at a prompt, not before a tool call."""
        return self._stop(event, message, end=True)

    def refuse(self, message: str) -> HookReply:
        """Exit status 2 with text; without text Codex would go on."""
        return render(None, exit_status=2, stderr=message.strip() or "Interlock refused this event.")

    @staticmethod
    def _stop(event: HookEvent, message: str, *, end: bool) -> HookReply:
        message = message.strip() or "Interlock stopped this."  # a deny without a reason is no deny to Codex
        more: dict[str, Any] = {"continue": False, "stopReason": message} if end else {}
        match event.moment:
            case Moment.TOOL_BEFORE:
                # Twice no: the answer in JSON, and the exit status for an agent that cannot read it.
                answer: dict[str, Any] = {"hookSpecificOutput": denial(event.name, message)}
                return render(answer, exit_status=2, stderr=message)
            case Moment.PERMISSION:
                verdict = {"behavior": "deny", "message": message}
                return render({"hookSpecificOutput": {"hookEventName": event.name, "decision": verdict}})
            case Moment.PROMPT:
                return render({"decision": "block", "reason": message} | more, exit_status=2, stderr=message)
            case Moment.TOOL_AFTER:
                return render({"decision": "block", "reason": message} | more)
            case moment if moment in _CANNOT_STOP or event.name in TELLING_OTHERS:
                return render({"systemMessage": message} | (more if moment is not Moment.SESSION_END else {}))
            case _:
                return render(None, exit_status=2, stderr=message)


def _action(body: dict[str, Any], cwd: str, principal: Principal) -> Action:
    tool, tool_input, where = canonical(text_field(body, "tool_name", required=True), body.get("tool_input"), cwd)
    return Action(
        tool=tool,
        input=tool_input,
        cwd=where,
        principal=principal,
        call_id=text_field(body, "tool_use_id"),
        permission_mode=text_field(body, "permission_mode", limit=64),
    )


def canonical(tool: str, given: Any, cwd: str) -> tuple[str, dict[str, Any], str]:
    """Codex's tool, input and working directory under the names that Interlock uses.

    An argv becomes the shell text that means the same, so that there is one reader of commands. `workdir` moves the
    cwd. Raises AgentError: contradictory input.
    """
    if tool in SHELL_TOOLS:
        if not isinstance(given, dict):
            raise AgentError("`tool_input` of a command is not an object")
        return "Bash", _shell_input(given), _workdir(given, cwd)
    if tool in PATCH_TOOLS:
        return "apply_patch", _patch_input(given), cwd
    if isinstance(given, dict):
        return tool, given, cwd
    return tool, {} if given is None else {"input": given}, cwd


def _shell_input(given: dict[str, Any]) -> dict[str, Any]:
    named = [given[key] for key in ("command", "cmd") if given.get(key) is not None]
    if len(named) != 1:
        raise AgentError("a command must be given once, as `command` or as `cmd`")
    command = named[0]
    if isinstance(command, list):
        if not command or not all(isinstance(word, str) for word in command):
            raise AgentError("the words of a command are not all strings")
        command = shlex.join(command)
    if not isinstance(command, str):
        raise AgentError("a command is neither a string nor a list of words")
    return {key: value for key, value in given.items() if key not in ("command", "cmd")} | {"command": command}


def _patch_input(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        return {"input": given}
    if not isinstance(given, dict):
        raise AgentError("`tool_input` of apply_patch is neither text nor an object")
    named = [given[key] for key in ("input", "patch", "command") if given.get(key) is not None]
    if len(named) != 1 or not isinstance(named[0], str):
        raise AgentError("apply_patch must be given exactly one patch, as text")
    return {"input": named[0]}


def _workdir(given: dict[str, Any], cwd: str) -> str:
    workdir = text_field(given, "workdir", limit=4096)
    if "\0" in workdir:
        raise AgentError("`workdir` of a command holds a NUL")
    return posixpath.normpath(posixpath.join(cwd, workdir)) if workdir else cwd
