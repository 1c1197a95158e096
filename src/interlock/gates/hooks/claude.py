"""Claude Code's hooks, translated. Facts: docs/reference/conformance.md, made by driving the real agent.

What a no looks like differs by event, and the differences are the whole point of this file:

- a tool call: `permissionDecision: "deny"` inside `hookSpecificOutput` (outside it is ignored);
- a prompt, a change of configuration: `decision: "block"`;
- a permission dialog: `decision: {"behavior": "deny"}`; the exit status is not looked at;
- events that only tell: nothing can be stopped, and exit status 2 on Stop would make the agent run on for ever.

An allow prints nothing: Claude's own permission rules still have their say. Interlock only tightens.
"""

from __future__ import annotations

import json
from typing import Any

from interlock.gates.hooks.protocol import HookEvent, HookReply, Moment
from interlock.gates.hooks.strict import decode_object, directory_field, text_field
from interlock.model.action import Action, Principal
from interlock.model.errors import AgentError

MOMENTS: dict[str, Moment] = {
    "PreToolUse": Moment.TOOL_BEFORE,
    "PostToolUse": Moment.TOOL_AFTER,
    "PostToolUseFailure": Moment.TOOL_AFTER,
    "PostToolBatch": Moment.BATCH_AFTER,
    "UserPromptSubmit": Moment.PROMPT,
    "UserPromptExpansion": Moment.PROMPT,
    "SessionStart": Moment.SESSION_START,
    "SessionEnd": Moment.SESSION_END,
    "SubagentStart": Moment.SUBAGENT_START,
    "SubagentStop": Moment.SUBAGENT_STOP,
    "Stop": Moment.STOP,
    "ConfigChange": Moment.CONFIG_CHANGE,
    "PermissionRequest": Moment.PERMISSION,
}
# Events of Moment.OTHER at which something is about to happen: exit status 2 stops it. Every other one only tells.
STOPPABLE_OTHERS = frozenset({"TaskCreated", "Elicitation", "ElicitationResult", "PreCompact"})
TELLING_OTHERS = frozenset(
    {
        "Notification", "StopFailure", "PostCompact", "PermissionDenied", "Setup", "TeammateIdle", "TaskCompleted",
        "InstructionsLoaded", "CwdChanged", "FileChanged", "MessageDisplay", "WorktreeRemove",
    }
)  # fmt: skip

_WITH_ACTION = frozenset({Moment.TOOL_BEFORE, Moment.TOOL_AFTER, Moment.PERMISSION})
_CANNOT_STOP = frozenset(
    {Moment.STOP, Moment.SUBAGENT_STOP, Moment.SUBAGENT_START, Moment.SESSION_START, Moment.SESSION_END}
)


def render(answer: dict[str, Any] | None, *, exit_status: int = 0, stderr: str = "") -> HookReply:
    """The reply as bytes; an empty answer prints nothing at all (stdout of some events reaches the model)."""
    stdout = b"" if not answer else json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    text = stderr if not stderr or stderr.endswith("\n") else stderr + "\n"
    return HookReply(exit=exit_status, stdout=stdout, stderr=text.encode("utf-8", "replace"))


class ClaudeGate:
    """Translator for Claude Code (2.1)."""

    agent = "claude"

    def parse(self, raw: bytes) -> HookEvent:
        """One event of Claude Code. Raises AgentError: malformed, contradictory, too large, too deep."""
        body = decode_object(raw)
        name = text_field(body, "hook_event_name", limit=64, required=True)
        moment = MOMENTS.get(name, Moment.OTHER)
        principal = Principal(
            agent=self.agent,
            session=text_field(body, "session_id"),
            subagent=text_field(body, "agent_id"),
            subagent_type=text_field(body, "agent_type"),
            model=self._model(body),
        )
        cwd = directory_field(body, "cwd", required=moment in _WITH_ACTION)
        return HookEvent(
            moment=moment,
            name=name,
            principal=principal,
            cwd=cwd,
            body=body,
            action=self._action(body, cwd, principal) if moment in _WITH_ACTION else None,
            transcript=text_field(body, "transcript_path", limit=4096),
            outcome=outcome(body) if moment is Moment.TOOL_AFTER else None,
        )

    @staticmethod
    def _model(body: dict[str, Any]) -> str:
        model = body.get("model")
        if isinstance(model, dict):
            model = model.get("id")
        return model[:256] if isinstance(model, str) else ""

    @staticmethod
    def _action(body: dict[str, Any], cwd: str, principal: Principal) -> Action:
        tool_input = body.get("tool_input")
        if not isinstance(tool_input, dict):
            raise AgentError("`tool_input` of the event is not an object")
        return Action(
            tool=text_field(body, "tool_name", required=True),
            input=tool_input,
            cwd=cwd,
            principal=principal,
            call_id=text_field(body, "tool_use_id"),
            permission_mode=text_field(body, "permission_mode", limit=64),
        )

    def allow(self, event: HookEvent, note: str = "", *, context: str = "") -> HookReply:
        """Say nothing, or show the person the note, or tell the model the context.

        Never `permissionDecision: "allow"`: that would skip Claude's own permission rules.
        """
        answer: dict[str, Any] = {"systemMessage": note} if note else {}
        if context and event.moment is Moment.TOOL_BEFORE:
            answer["hookSpecificOutput"] = {"hookEventName": event.name, "additionalContext": context}
        return render(answer)

    def run_instead(self, event: HookEvent, command: str, *, context: str = "") -> HookReply | None:
        """Rewrite a command, and tell the model the context.

        Here an allow must be said: Claude takes a rewritten input only with one.

        Its own permission rules would be asked about the launcher, not about the command; what runs is contained or was
        approved by a person, and a `deny` of its settings is heard all the same.
        """
        return rewritten(event, {"command": command}, {"additionalContext": context} if context else {})

    def deny(self, event: HookEvent, message: str) -> HookReply:
        """The form of no that this event has; for events that only tell, the message is shown to the person."""
        return self._stop(event, message, {})

    def defers(self, environment: bytes) -> bool:
        """Headless only (`claude -p`, the SDK): the run ends, and `claude -p --resume` asks the hook again."""
        return any(line.startswith(b"CLAUDE_CODE_ENTRYPOINT=sdk-") for line in environment.split(b"\0"))

    def defer(self, event: HookEvent, message: str) -> HookReply:
        """`defer` ends the run with `deferred_tool_use`. Of several calls in one turn Claude keeps the last alone."""
        if event.moment is not Moment.TOOL_BEFORE:
            return self.deny(event, message)
        inside = {"hookEventName": event.name, "permissionDecision": "defer", "permissionDecisionReason": message}
        return render({"hookSpecificOutput": inside})

    def end(self, event: HookEvent, message: str) -> HookReply:
        """No, and the loop ends: Claude reads `continue: false` on every event that it waits for."""
        return self._stop(event, message, {"continue": False, "stopReason": message})

    def refuse(self, message: str) -> HookReply:
        """Exit status 2 stops every event that can be stopped, whatever it was."""
        return render(None, exit_status=2, stderr=message or "Interlock refused this event.")

    def _stop(self, event: HookEvent, message: str, more: dict[str, Any]) -> HookReply:
        message = message or "Interlock stopped this."  # an empty reason is taken for none
        match event.moment:
            case Moment.TOOL_BEFORE:
                # Twice no: the answer in JSON, and the exit status for an agent that cannot read it.
                answer = {"hookSpecificOutput": denial(event.name, message)} | more
                return render(answer, exit_status=2, stderr=message)
            case Moment.PERMISSION:
                verdict = {"behavior": "deny", "message": message} | ({"interrupt": True} if more else {})
                return render({"hookSpecificOutput": {"hookEventName": event.name, "decision": verdict}})
            case Moment.PROMPT:
                return render({"decision": "block", "reason": message} | more, exit_status=2, stderr=message)
            case Moment.TOOL_AFTER:
                return render({"decision": "block", "reason": message} | more)
            case Moment.BATCH_AFTER:
                return render({"continue": False, "stopReason": message})
            case Moment.CONFIG_CHANGE:
                return render({"decision": "block", "reason": message}, exit_status=2, stderr=message)
            case moment if moment in _CANNOT_STOP or event.name in TELLING_OTHERS:
                return render({"systemMessage": message} | more)
            case _:
                return render(None, exit_status=2, stderr=message)


def denial(event_name: str, message: str) -> dict[str, str]:
    """The inside of `hookSpecificOutput` that denies a tool call; Codex reads the same."""
    return {"hookEventName": event_name, "permissionDecision": "deny", "permissionDecisionReason": message}


def rewritten(
    event: HookEvent, change: dict[str, Any], more: dict[str, str] | None = None, *, shown: str = ""
) -> HookReply | None:
    """The reply by which the tool runs with a changed input; None for an event that is no call before it happens.

    `more` goes with it to the agent, `shown` to its user.
    """
    tool_input = event.body.get("tool_input")
    if event.moment is not Moment.TOOL_BEFORE or not isinstance(tool_input, dict):
        return None
    inside = {
        "hookEventName": event.name,
        "permissionDecision": "allow",
        "permissionDecisionReason": "Interlock starts this itself.",
        "updatedInput": tool_input | change,
    } | (more or {})
    return render({"hookSpecificOutput": inside} | ({"systemMessage": shown} if shown else {}))


def outcome(body: dict[str, Any]) -> dict[str, Any]:
    """What the agent says came out: `ok`, and `response` or `error`."""
    if body.get("hook_event_name") == "PostToolUseFailure":
        return {"ok": False, "error": body.get("error"), "interrupted": body.get("is_interrupt") is True}
    return {"ok": True, "response": body.get("tool_response")}
