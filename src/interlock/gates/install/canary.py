"""A canary: a tool call that must be stopped, and would do no harm if it were not. Pure."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from interlock.gates.install.handlers import called

MARK = "interlock-doctor"  # sessions of this name are the doctor's, not an agent's


class Verdict(msgspec.Struct, frozen=True):
    """What a canary call showed: `guarded`, and in words why (not)."""

    guarded: bool
    text: str


def command(state: str) -> str:
    """A command that policy must deny, as it writes among Interlock's own files; at worst it makes one empty file."""
    return f"touch {state}/{MARK}-canary"


def event(tool_command: str, cwd: str, nonce: str) -> bytes:
    """The event an agent would send before it runs `tool_command`; Claude's and Codex's members together."""
    body = {
        "session_id": f"{MARK}-{nonce}",
        "transcript_path": "",
        "turn_id": nonce,
        "cwd": cwd,
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "model": MARK,
        "tool_name": "Bash",
        "tool_input": {"command": tool_command},
        "tool_use_id": f"canary-{nonce}",
    }
    return json.dumps(body).encode()


def argv(handler: dict[str, Any]) -> list[str]:
    """How the agent starts this handler."""
    args = handler.get("args")
    if isinstance(args, list):
        return [str(handler["command"]), *map(str, args)]
    return ["/bin/sh", "-c", str(handler["command"])]


def client_path(handler: dict[str, Any]) -> str:
    """The path of the hook client in one of our handlers."""
    found = called(handler)
    return found[0] if found else ""


def judge(status: int, out: bytes, err: bytes) -> Verdict:
    """What the answer to a canary means. The daemon's no is told from the client's own no by its JSON."""
    words = err.decode(errors="replace").strip()
    reason = _denial(out)
    if status == 0 and reason is None:
        return Verdict(False, "the canary was let through: Interlock answered, and did not stop it")
    if reason is not None and reason.startswith("Interlock cannot answer safely"):
        return Verdict(False, reason)
    if reason is not None:
        return Verdict(True, "the canary reached the daemon and was denied")
    if status == 2 and words:
        return Verdict(False, f"everything is refused, since the client got no answer: {words}")
    return Verdict(False, f"the hook failed (exit status {status}), and the agent would go on: {words or 'no words'}")


def _denial(out: bytes) -> str | None:
    try:
        answer = json.loads(out)
        specific = answer["hookSpecificOutput"]
        if specific["permissionDecision"] == "deny":
            return str(specific["permissionDecisionReason"])
    except (ValueError, KeyError, TypeError):
        pass
    return None
