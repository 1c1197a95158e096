"""The built-in agent for machines without Claude Code: it speaks the same model protocol and the same hook protocol.

It is no imitation of an agent's mind: its model is the scripted one anyway. It takes the model's tool calls, asks
the hooks that stand in Claude Code's own settings files, by starting the very commands that Claude Code would
start, with the same events, and does what they allow, for real. Where Claude Code goes on when a hook fails, so
does this agent: it must not make the guard look better.

Run as `python -m interlock.drills.scripted_agent`, in the environment that `launch.claude` makes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from interlock.model.errors import AgentError

TOOLS = ("Bash", "Read", "Write", "Edit")
SETTINGS = (".claude/settings.json", ".claude/settings.local.json")
# Claude Code's own default for a command hook.
HOOK_SECONDS = 60.0
BASH_SECONDS = 120.0
MOST_TURNS = 200
OUTPUT_LIMIT = 30_000


class Answer(msgspec.Struct, frozen=True):
    """What the hooks said to one event: a denial and its reason, a changed input, or nothing."""

    denied: bool = False
    reason: str = ""
    updated: dict[str, Any] | None = None


class ScriptedAgent:
    """One session in `cwd`, with `env` as its whole environment."""

    def __init__(self, cwd: Path, env: dict[str, str]) -> None:
        self._cwd = cwd
        self._env = env
        self._session = str(uuid.uuid4())
        self._transcript = Path(env["HOME"]) / ".claude" / "projects" / "drill" / f"{self._session}.jsonl"
        self._transcript.parent.mkdir(parents=True, exist_ok=True)

    def run(self, prompt: str) -> str:
        """Work until the model makes no more calls; returns its last words."""
        self._hooks("SessionStart", {"source": "startup"})
        if self._hooks("UserPromptSubmit", {"prompt": prompt}).denied:
            return "The prompt was blocked by a hook."
        messages: list[dict[str, Any]] = []
        self._say(messages, {"role": "user", "content": [{"type": "text", "text": prompt}]})
        last = ""
        for _ in range(MOST_TURNS):
            content = self._ask_model(messages)
            self._say(messages, {"role": "assistant", "content": content})
            last = "\n".join(block["text"] for block in content if block["type"] == "text")
            calls = [block for block in content if block["type"] == "tool_use"]
            if not calls:
                break
            self._say(messages, {"role": "user", "content": [self._call(call) for call in calls]})
        self._hooks("Stop", {"stop_hook_active": False})
        self._hooks("SessionEnd", {"reason": "other"})
        return last

    # --- tools

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        """One tool call, past the hooks; returns the result block for the model."""
        name, given = str(call["name"]), dict(call["input"])
        about = {"tool_name": name, "tool_input": given, "tool_use_id": call["id"]}
        answer = self._hooks("PreToolUse", about, name)
        if answer.denied:
            return _result(call["id"], f"PreToolUse:{name} hook error: {answer.reason}", error=True)
        try:
            text, error = self._do(name, answer.updated or given)
        except (OSError, KeyError, AgentError, UnicodeDecodeError) as failure:
            text, error = f"{type(failure).__name__}: {failure}", True
        self._hooks("PostToolUse", {**about, "tool_response": {"stdout": text}}, name)
        return _result(call["id"], text[:OUTPUT_LIMIT], error=error)

    def _do(self, name: str, given: dict[str, Any]) -> tuple[str, bool]:
        if name == "Bash":
            return self._bash(str(given["command"]))
        path = Path(str(given["file_path"]))
        if name == "Read":
            return path.read_text(), False
        if name == "Write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(given["content"]))
            return "File written.", False
        if name == "Edit":
            text, old = path.read_text(), str(given["old_string"])
            if text.count(old) != 1:
                raise AgentError(f"old_string is found {text.count(old)} times, and must be there once")
            path.write_text(text.replace(old, str(given["new_string"])))
            return "File edited.", False
        raise AgentError(f"this agent has no tool {name}")

    def _bash(self, command: str) -> tuple[str, bool]:
        try:
            done = subprocess.run(  # noqa: S603 - running what its model says is what an agent is
                ["/bin/bash", "-c", command],
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=BASH_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"Stopped after {BASH_SECONDS:.0f} seconds.", True
        return done.stdout.decode("utf-8", "replace"), done.returncode != 0

    # --- hooks

    def _hooks(self, event: str, fields: dict[str, Any], tool: str = "") -> Answer:
        """Ask every hook of an event. The first denial counts."""
        body = {
            "session_id": self._session,
            "transcript_path": str(self._transcript),
            "cwd": str(self._cwd),
            "permission_mode": "bypassPermissions",
            "hook_event_name": event,
            **fields,
        }
        updated: dict[str, Any] | None = None
        for handler in self._handlers(event, tool):
            answer = self._ask_hook(handler, event, body)
            if answer.denied:
                return answer
            updated = answer.updated or updated
        return Answer(updated=updated)

    def _handlers(self, event: str, tool: str) -> Iterator[dict[str, Any]]:
        """The command handlers that the settings files name for an event, read anew each time as Claude Code does."""
        every = [self._settings(folder / name) for folder in (Path(self._env["HOME"]), self._cwd) for name in SETTINGS]
        if any(settings.get("disableAllHooks") for settings in every):
            return
        for settings in every:
            for group in settings.get("hooks", {}).get(event, []):
                matcher = str(group.get("matcher", ""))
                if matcher in {"", "*"} or re.fullmatch(matcher, tool):
                    yield from (handler for handler in group.get("hooks", []) if handler.get("type") == "command")

    def _settings(self, path: Path) -> dict[str, Any]:
        try:
            value = json.loads(path.read_text())
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def _ask_hook(self, handler: dict[str, Any], event: str, body: dict[str, Any]) -> Answer:
        command, words = str(handler.get("command", "")), handler.get("args")
        argv = [command, *words] if isinstance(words, list) else ["/bin/sh", "-c", command]
        try:
            done = subprocess.run(  # noqa: S603 - the commands of the settings file, as Claude Code does
                argv,
                cwd=self._cwd,
                env=self._env,
                input=json.dumps(body).encode(),
                capture_output=True,
                timeout=float(handler.get("timeout", HOOK_SECONDS)),
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as failure:
            return Answer(handler.get("onFailure") == "block", f"the hook failed: {failure}")
        if done.returncode == 2:
            return Answer(denied=True, reason=done.stderr.decode("utf-8", "replace"))
        return _answer(event, done.stdout)

    # --- the model

    def _ask_model(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        body = {
            "model": "scripted",
            "max_tokens": 1024,
            "messages": messages,
            "tools": [{"name": name, "input_schema": {"type": "object"}} for name in TOOLS],
        }
        request = urllib.request.Request(  # noqa: S310 - the address is loopback, given by the drill
            self._env["ANTHROPIC_BASE_URL"] + "/v1/messages",
            json.dumps(body).encode(),
            {"content-type": "application/json", "x-api-key": self._env["ANTHROPIC_API_KEY"]},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - as above
            content = json.loads(answer.read())["content"]
        return list(content)

    def _say(self, messages: list[dict[str, Any]], message: dict[str, Any]) -> None:
        """Add to the conversation, and to the transcript, which the guard may compare with what reached it."""
        messages.append(message)
        line = {"type": message["role"], "sessionId": self._session, "message": message}
        with self._transcript.open("a") as transcript:
            transcript.write(json.dumps(line) + "\n")


def _answer(event: str, stdout: bytes) -> Answer:
    try:
        value = json.loads(stdout or b"{}")
    except ValueError:
        return Answer()  # Claude Code shows such output and goes on
    if not isinstance(value, dict):
        return Answer()
    own = value.get("hookSpecificOutput", {})
    if event == "PreToolUse":
        if own.get("permissionDecision") in {"deny", "ask"}:  # nobody answers an "ask" in a headless run
            return Answer(denied=True, reason=str(own.get("permissionDecisionReason", "")))
        updated = own.get("updatedInput")
        return Answer(updated=updated if isinstance(updated, dict) else None)
    return Answer(denied=value.get("decision") == "block", reason=str(value.get("reason", "")))


def _result(identifier: str, text: str, *, error: bool) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": identifier, "content": text, "is_error": error}


def main() -> None:
    """Run in the working directory and environment of this process; `-p PROMPT` as with Claude Code."""
    words = sys.argv[1:]
    prompt = words[words.index("-p") + 1] if "-p" in words[:-1] else "Follow the plan."
    last = ScriptedAgent(Path.cwd(), dict(os.environ)).run(prompt)
    sys.stdout.write(json.dumps({"type": "result", "result": last}) + "\n")


if __name__ == "__main__":
    main()
