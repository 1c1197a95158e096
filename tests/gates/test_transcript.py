"""Tool calls are found in the agents' own records."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interlock.gates.hooks.transcript import calls


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def use(call: str, name: str = "Bash") -> dict[str, Any]:
    block = {"type": "tool_use", "id": call, "name": name, "input": {}}
    return {"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": "x"}, block]}}


def result(call: str, content: Any, error: bool) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": call, "content": content, "is_error": error}
    return {"type": "user", "message": {"role": "user", "content": [block]}}


def test_claude() -> None:
    raw = lines({"type": "summary"}, use("a"), result("a", "ok", False), use("b", "Read"), use("a"))
    assert calls("claude", raw) == [("a", "Bash"), ("b", "Read")]


def test_claude_calls_that_were_rejected_before_any_hook_did_not_run() -> None:
    rejected = "<tool_use_error>InputValidationError: Bash failed"
    raw = lines(
        use("a"), result("a", rejected, True), use("b"), result("b", [{"type": "text", "text": rejected}], True)
    )
    assert calls("claude", raw) == []


def test_output_that_only_looks_like_a_rejection_does_not_hide_a_call() -> None:
    raw = lines(use("a"), result("a", "<tool_use_error>InputValidationError", False), use("b"), result("b", "no", True))
    assert calls("claude", raw) == [("a", "Bash"), ("b", "Bash")]


def test_codex() -> None:
    def item(**payload: Any) -> dict[str, Any]:
        return {"timestamp": "t", "type": "response_item", "payload": payload}

    raw = lines(
        item(type="message", role="user", content=[]),
        item(type="function_call", name="exec_command", arguments="{}", call_id="1"),
        item(type="custom_tool_call", name="apply_patch", input="x", call_id="2"),
        item(type="local_shell_call", call_id="3", action={}),
        item(type="function_call", name="write_stdin", arguments="{}", call_id="4"),
        item(type="function_call_output", call_id="1", output="x"),
        {"type": "event_msg", "payload": {"type": "function_call", "name": "x", "call_id": "9"}},
    )
    assert calls("codex", raw) == [("1", "Bash"), ("2", "apply_patch"), ("3", "Bash")]


def test_codex_calls_that_were_rejected_before_any_hook_did_not_run() -> None:
    def pair(call: str, name: str, output: str) -> list[dict[str, Any]]:
        return [
            {"type": "response_item", "payload": {"type": "function_call", "name": name, "call_id": call}},
            {"type": "response_item", "payload": {"type": "function_call_output", "call_id": call, "output": output}},
        ]

    raw = lines(
        *pair("1", "exec_command", "failed to parse function arguments: missing field `cmd` at line 1 column 20"),
        *pair("2", "no_such_tool", "unsupported call: no_such_tool"),
        *pair("3", "exec_command", "Chunk ID: 1\nOutput:\nfailed to parse function arguments: x"),
        *pair("4", "mcp__x__y", "unsupported call: mcp__x__y"),
        *pair("5", "other", "unsupported call: no_such_tool"),
    )
    assert calls("codex", raw) == [("3", "Bash"), ("4", "mcp__x__y"), ("5", "other")]


def test_unknown_agents_have_no_record() -> None:
    assert calls("gemini", lines(use("a"))) == []


def test_broken_lines_are_passed_over() -> None:
    raw = b"{\n[]\nnull\n\xff\n" + b"[" * 100_000 + b"\n" + lines(use("a")) + b'{"type":"assistant"'
    assert calls("claude", raw) == [("a", "Bash")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("tool_use") | st.just("assistant"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "message", "content", "payload", "id", "name"]), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.lists(JSON, max_size=5), st.sampled_from(["claude", "codex"]))
def test_no_record_breaks_it(records: list[Any], agent: str) -> None:
    calls(agent, lines(*records))
