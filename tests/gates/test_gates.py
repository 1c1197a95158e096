"""Claude's and Codex's events, there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.gates.hooks import registry
from interlock.gates.hooks.protocol import HookEvent, HookGate, HookReply, Moment
from interlock.model.errors import AgentError

NO = "Interlock: no. Instead: ask."


def gate(name: str) -> HookGate:
    found = registry.gate(name)
    assert found is not None
    return found


def parse(agent: str, name: str, **more: Any) -> HookEvent:
    body = {"hook_event_name": name, "session_id": "s1", "cwd": "/w", "transcript_path": "/t.jsonl", **more}
    return gate(agent).parse(json.dumps(body).encode())


def tool(agent: str, tool_name: str, tool_input: Any, event: str = "PreToolUse", **more: Any) -> HookEvent:
    return parse(agent, event, tool_name=tool_name, tool_input=tool_input, tool_use_id="c1", **more)


def answer(reply: HookReply) -> dict[str, Any]:
    found = json.loads(reply.stdout)
    assert isinstance(found, dict)
    return found


def test_registry() -> None:
    assert registry.AGENTS == ("claude", "codex")
    assert registry.gate("nobody") is None


@pytest.mark.parametrize(
    ("agent", "name", "moment"),
    [
        ("claude", "PreToolUse", Moment.TOOL_BEFORE),
        ("claude", "PostToolUse", Moment.TOOL_AFTER),
        ("claude", "PostToolUseFailure", Moment.TOOL_AFTER),
        ("claude", "PostToolBatch", Moment.BATCH_AFTER),
        ("claude", "UserPromptSubmit", Moment.PROMPT),
        ("claude", "SessionStart", Moment.SESSION_START),
        ("claude", "SessionEnd", Moment.SESSION_END),
        ("claude", "SubagentStart", Moment.SUBAGENT_START),
        ("claude", "SubagentStop", Moment.SUBAGENT_STOP),
        ("claude", "Stop", Moment.STOP),
        ("claude", "ConfigChange", Moment.CONFIG_CHANGE),
        ("claude", "PermissionRequest", Moment.PERMISSION),
        ("claude", "Notification", Moment.OTHER),
        ("claude", "PreCompact", Moment.OTHER),
        ("claude", "FutureEvent", Moment.OTHER),
        ("codex", "PreToolUse", Moment.TOOL_BEFORE),
        ("codex", "PostToolUse", Moment.TOOL_AFTER),
        ("codex", "UserPromptSubmit", Moment.PROMPT),
        ("codex", "PermissionRequest", Moment.PERMISSION),
        ("codex", "Stop", Moment.STOP),
        ("codex", "ConfigChange", Moment.OTHER),
    ],
)
def test_moments(agent: str, name: str, moment: Moment) -> None:
    event = parse(agent, name, tool_name="Bash", tool_input={"command": "ls"})
    assert (event.moment, event.name) == (moment, name)


def test_a_tool_call_of_a_subagent() -> None:
    event = tool("claude", "Bash", {"command": "ls"}, agent_id="a9", agent_type="Explore", permission_mode="plan")
    assert event.action is not None
    assert event.action.tool == "Bash"
    assert event.action.input == {"command": "ls"}
    assert (event.action.cwd, event.action.call_id, event.action.permission_mode) == ("/w", "c1", "plan")
    principal = event.action.principal
    assert (principal.agent, principal.session, principal.subagent, principal.subagent_type) == (
        "claude", "s1", "a9", "Explore",
    )  # fmt: skip
    assert event.transcript == "/t.jsonl"


def test_what_came_out() -> None:
    event = tool("claude", "Write", {"file_path": "/w/a"}, "PostToolUse", tool_response={"originalFile": "old"})
    assert event.outcome == {"ok": True, "response": {"originalFile": "old"}}
    event = tool("claude", "Bash", {"command": "x"}, "PostToolUseFailure", error="boom", is_interrupt=True)
    assert event.outcome == {"ok": False, "error": "boom", "interrupted": True}


@pytest.mark.parametrize("agent", registry.AGENTS)
@pytest.mark.parametrize(
    "change",
    [
        {"hook_event_name": None}, {"hook_event_name": ""}, {"hook_event_name": 7}, {"cwd": None}, {"cwd": "rel"},
        {"tool_name": ""}, {"tool_name": 5}, {"tool_input": "ls"}, {"tool_input": ["ls"]}, {"session_id": {}},
        {"agent_id": 1}, {"tool_use_id": []}, {"transcript_path": 1}, {"permission_mode": {}},
    ],
    ids=str,
)  # fmt: skip
def test_contradictory_tool_events_are_refused(agent: str, change: dict[str, Any]) -> None:
    body = {"hook_event_name": "PreToolUse", "cwd": "/w", "tool_name": "Bash", "tool_input": {"command": "x"}} | change
    with pytest.raises(AgentError):
        gate(agent).parse(json.dumps(body).encode())


@pytest.mark.parametrize("agent", registry.AGENTS)
def test_allow_says_nothing_that_would_loosen_the_agents_own_rules(agent: str) -> None:
    event = tool(agent, "Bash", {"command": "ls"})
    assert gate(agent).allow(event) == HookReply()
    assert answer(gate(agent).allow(event, "seen")) == {"systemMessage": "seen"}


@pytest.mark.parametrize("agent", registry.AGENTS)
def test_a_denied_tool_call_is_denied_twice(agent: str) -> None:
    reply = gate(agent).deny(tool(agent, "Bash", {"command": "ls"}), NO)
    specific = answer(reply)["hookSpecificOutput"]
    assert specific == {
        "hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": NO,
    }  # fmt: skip
    assert (reply.exit, reply.stderr.decode()) == (2, NO + "\n")


@pytest.mark.parametrize("agent", registry.AGENTS)
def test_an_empty_reason_would_be_no_deny(agent: str) -> None:
    event = tool(agent, "Bash", {"command": "ls"})
    for message in ("",) if agent == "claude" else ("", " \n"):
        reply = gate(agent).deny(event, message)
        assert answer(reply)["hookSpecificOutput"]["permissionDecisionReason"].strip()
        assert reply.stderr.strip()
        assert gate(agent).refuse(message).stderr.strip()


@pytest.mark.parametrize("agent", registry.AGENTS)
@pytest.mark.parametrize("name", ["Stop", "SubagentStop", "SessionStart", "SessionEnd", "SubagentStart", "PostCompact"])
def test_a_no_never_becomes_a_loop(agent: str, name: str) -> None:
    for reply in (gate(agent).deny(parse(agent, name), NO), gate(agent).end(parse(agent, name), NO)):
        assert reply.exit == 0
        assert "decision" not in answer(reply)
        assert answer(reply)["systemMessage"] == NO


def test_claude_ends_its_loop() -> None:
    claude = gate("claude")
    reply = answer(claude.end(tool("claude", "Bash", {"command": "ls"}), NO))
    assert reply["continue"] is False
    assert reply["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert answer(claude.end(parse("claude", "PostToolBatch"), NO))["continue"] is False
    assert answer(claude.end(parse("claude", "Stop"), NO))["continue"] is False


def test_codex_would_ignore_a_deny_that_says_continue_false() -> None:
    reply = answer(gate("codex").end(tool("codex", "Bash", {"command": "ls"}), NO))
    assert set(reply) == {"hookSpecificOutput"}
    after = tool("codex", "Bash", {"command": "ls"}, "PostToolUse", tool_response="x")
    assert answer(gate("codex").end(after, NO))["continue"] is False


@pytest.mark.parametrize("agent", registry.AGENTS)
def test_other_forms_of_no(agent: str) -> None:
    one = gate(agent)
    prompt = one.deny(parse(agent, "UserPromptSubmit", prompt="x"), NO)
    assert (answer(prompt)["decision"], prompt.exit) == ("block", 2)
    dialog = one.deny(tool(agent, "Bash", {"command": "x"}, "PermissionRequest"), NO)
    assert answer(dialog)["hookSpecificOutput"]["decision"] == {"behavior": "deny", "message": NO}
    assert dialog.exit == 0
    unknown = one.deny(parse(agent, "FutureEvent"), NO)
    assert (unknown.exit, unknown.stdout, unknown.stderr.decode()) == (2, b"", NO + "\n")
    assert one.refuse("bad").exit == 2


def test_a_change_of_configuration_is_blocked() -> None:
    reply = gate("claude").deny(parse("claude", "ConfigChange", source="user_settings"), NO)
    assert (answer(reply)["decision"], reply.exit) == ("block", 2)


@pytest.mark.parametrize(
    ("name", "given", "text", "cwd"),
    [
        ("Bash", {"command": "ls -l"}, "ls -l", "/w"),
        ("exec_command", {"cmd": "ls", "workdir": "/x"}, "ls", "/x"),
        ("exec_command", {"cmd": "ls", "workdir": "sub/../.."}, "ls", "/"),
        ("shell", {"command": ["bash", "-lc", "rm -rf 'a b'"]}, "bash -lc 'rm -rf '\"'\"'a b'\"'\"''", "/w"),
        ("local_shell", {"command": ["rm", "-rf", "a b"]}, "rm -rf 'a b'", "/w"),
        ("container.exec", {"cmd": ["echo", "$(id)"]}, "echo '$(id)'", "/w"),
    ],
)
def test_codex_commands_get_one_shape(name: str, given: dict[str, Any], text: str, cwd: str) -> None:
    action = tool("codex", name, given).action
    assert action is not None
    assert (action.tool, action.input["command"], action.cwd) == ("Bash", text, cwd)
    assert "cmd" not in action.input


@pytest.mark.parametrize(
    "given",
    [
        {}, {"command": None}, {"command": "ls", "cmd": "rm"}, {"command": []}, {"command": ["ls", 1]},
        {"command": 5}, {"command": "ls", "workdir": 5}, {"command": "ls", "workdir": "/a\0"},
    ],
    ids=str,
)  # fmt: skip
def test_codex_commands_in_doubt_are_refused(given: dict[str, Any]) -> None:
    """Two spellings of the command: which one would run is the agent's secret."""
    with pytest.raises(AgentError):
        tool("codex", "Bash", given)


def test_codex_patches_and_others() -> None:
    patch = "*** Begin Patch\n*** End Patch"
    for given in ({"command": patch}, {"input": patch}, {"patch": patch}, patch):
        action = tool("codex", "apply_patch", given).action
        assert action is not None
        assert (action.tool, action.input) == ("apply_patch", {"input": patch})
    for given in ({}, {"input": patch, "command": "other"}, {"input": [patch]}, 5):
        with pytest.raises(AgentError):
            tool("codex", "apply_patch", given)
    action = tool("codex", "mcp__db__query", {"sql": "select 1"}).action
    assert action is not None
    assert (action.tool, action.input) == ("mcp__db__query", {"sql": "select 1"})
    action = tool("codex", "freeform", "text").action
    assert action is not None
    assert action.input == {"input": "text"}


def test_nothing_written_can_break_the_answer() -> None:
    """A message with half a surrogate pair (from an agent's input) must still be a valid answer."""
    reply = gate("claude").deny(tool("claude", "Bash", {"command": "ls"}), 'a\ud800"\n\x00b')
    assert answer(reply)["hookSpecificOutput"]["permissionDecision"] == "deny"


def test_a_command_is_rewritten_and_the_rest_of_the_input_stays() -> None:
    given = tool("claude", "Bash", {"command": "rm -rf src", "description": "clean", "timeout": 5})
    reply = gate("claude").run_instead(given, "interlock-run --ticket t")
    assert reply is not None
    inside = answer(reply)["hookSpecificOutput"]
    assert inside["permissionDecision"] == "allow"
    assert inside["updatedInput"] == {"command": "interlock-run --ticket t", "description": "clean", "timeout": 5}


@pytest.mark.parametrize(
    ("given", "become"),
    [
        ({"command": "ls"}, {"command": "run --ticket t"}),
        ({"cmd": "ls", "workdir": "x"}, {"cmd": "run --ticket t", "workdir": "x"}),
        ({"command": ["bash", "-lc", "ls"]}, {"command": ["bash", "-c", "run --ticket t"]}),
    ],
)
def test_codex_gets_the_command_in_the_form_it_gave(given: dict[str, Any], become: dict[str, Any]) -> None:
    reply = gate("codex").run_instead(tool("codex", "exec_command", given), "run --ticket t")
    assert reply is not None
    assert answer(reply)["hookSpecificOutput"]["updatedInput"] == become


def test_only_a_call_before_it_happens_can_be_rewritten() -> None:
    after = tool("claude", "Bash", {"command": "ls"}, "PostToolUse", tool_response={})
    assert gate("claude").run_instead(after, "true") is None
    assert gate("codex").run_instead(tool("codex", "apply_patch", {"input": "x"}), "true") is None
