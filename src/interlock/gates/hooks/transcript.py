"""Reads the tool calls out of an agent's own record, to compare them with the calls that reached the daemon.

An agent whose hooks were switched off says nothing; its transcript does. Pure: text in, calls out. Lines that are not
understood are passed over, since the format is the agent's and may grow.
"""

from __future__ import annotations

import json
from typing import Any

from interlock.gates.hooks.codex import PATCH_TOOLS, SHELL_TOOLS

LINE_LIMIT = 16 * 1024 * 1024  # bytes; a record line with a whole file in it stays below

# What Claude writes as the result of a call that it rejected before asking any hook: nothing ran.
_NEVER_RAN = ("<tool_use_error>InputValidationError", "<tool_use_error>Error: No such tool available")
# Codex asks no hook for these: they go on with a command that was asked for, or keep the agent's own books.
_WITHOUT_HOOK = frozenset({"write_stdin", "update_plan"})


def calls(agent: str, raw: bytes) -> list[tuple[str, str]]:
    """(call id, canonical tool) of each tool call recorded in the whole lines of `raw`, in order, each id once.

    `agent` is "claude" (session JSONL) or "codex" (rollout JSONL); any other gives [].
    """
    find = {"claude": _claude, "codex": _codex}.get(agent)
    if find is None:
        return []
    found: dict[str, str] = {}
    for line in raw.split(b"\n"):
        record = _record(line)
        if record is not None:
            find(record, found)
    return list(found.items())


def _record(line: bytes) -> dict[str, Any] | None:
    if not line.strip() or len(line) > LINE_LIMIT:
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _claude(record: dict[str, Any], found: dict[str, str]) -> None:
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else ():
        if not isinstance(block, dict):
            continue
        if block.get("type") == "tool_use" and record.get("type") == "assistant":
            call, name = block.get("id"), block.get("name")
            if isinstance(call, str) and isinstance(name, str) and call:
                found.setdefault(call, name)
        elif block.get("type") == "tool_result" and block.get("is_error") is True:
            call = block.get("tool_use_id")
            if isinstance(call, str) and _text(block.get("content")).startswith(_NEVER_RAN):
                found.pop(call, None)


def _text(content: Any) -> str:
    if isinstance(content, list):
        content = next((part.get("text") for part in content if isinstance(part, dict)), "")
    return content if isinstance(content, str) else ""


def _codex(record: dict[str, Any], found: dict[str, str]) -> None:
    item = record.get("payload") if record.get("type") == "response_item" else None
    if not isinstance(item, dict):
        return
    kind, call = item.get("type"), item.get("call_id")
    if not isinstance(call, str) or not call:
        return
    if kind == "function_call_output" and call in found and _rejected(_text(item.get("output")), found[call]):
        del found[call]
    if kind not in ("function_call", "custom_tool_call", "local_shell_call"):
        return
    name = "local_shell" if kind == "local_shell_call" else item.get("name")
    if not isinstance(name, str) or name in _WITHOUT_HOOK:
        return
    canonical = "Bash" if name in SHELL_TOOLS else "apply_patch" if name in PATCH_TOOLS else name
    found.setdefault(call, canonical)


def _rejected(output: str, tool: str) -> bool:
    """Whether Codex turned the call down before any hook. A tool of an MCP server could write these words itself."""
    if tool.startswith("mcp__"):
        return False
    return output.startswith("failed to parse function arguments: ") or output == f"unsupported call: {tool}"
