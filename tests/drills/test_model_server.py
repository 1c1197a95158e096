"""The scripted model answers both model protocols from a script, and remembers what it was told."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from interlock.drills.dialects import Asked, read_messages, read_responses
from interlock.drills.model_server import ModelServer
from interlock.drills.script import Place, Script, ToolCall, Turn, call_id, turn_of
from interlock.model.errors import InternalError

TWO_CALLS = Turn("look", (ToolCall("Bash", {"command": "ls"}), ToolCall("Read", {"file_path": "/x"})))
SCRIPT = Script((TWO_CALLS, Turn("bye")), others={"MARK-B": (Turn("sub", (ToolCall("Bash", {"command": "id"}),)),)})


def post(url: str, body: object) -> str:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(answer.read().decode())


def events(stream: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]


def anthropic(*messages: dict[str, Any], tools: tuple[str, ...] = ("Bash",), stream: bool = True) -> dict[str, Any]:
    return {"model": "m", "stream": stream, "messages": messages, "tools": [{"name": name} for name in tools]}


USER = {"role": "user", "content": [{"type": "text", "text": "go"}]}


def test_messages_stream_carries_text_and_parallel_calls() -> None:
    with ModelServer(SCRIPT) as server:
        said = events(post(f"{server.url}/v1/messages?beta=true", anthropic(USER)))
    blocks = [e["content_block"] for e in said if e["type"] == "content_block_start"]
    assert [b["type"] for b in blocks] == ["text", "tool_use", "tool_use"]
    assert [b.get("id") for b in blocks[1:]] == [call_id(0, 0), call_id(0, 1)]
    inputs = [
        json.loads(e["delta"]["partial_json"]) for e in said if e.get("delta", {}).get("type") == "input_json_delta"
    ]
    assert inputs == [{"command": "ls"}, {"file_path": "/x"}]
    assert said[-2]["delta"]["stop_reason"] == "tool_use"
    assert said[-1]["type"] == "message_stop"


def test_the_place_in_the_script_is_read_from_the_conversation_so_a_retry_gets_the_same_turn() -> None:
    used = {"role": "assistant", "content": [{"type": "tool_use", "id": call_id(0, 0), "name": "Bash", "input": {}}]}
    told = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": call_id(0, 0), "content": "no", "is_error": True}],
    }
    with ModelServer(SCRIPT) as server:
        for _ in range(2):
            answer = json.loads(post(f"{server.url}/v1/messages", anthropic(USER, used, told, stream=False)))
            assert answer["content"] == [{"type": "text", "text": "bye"}]
        assert server.results()[call_id(0, 0)].text == "no"
        assert server.results()[call_id(0, 0)].error
        assert [x.turn for x in server.exchanges] == [1, 1]


def test_a_subagent_is_told_apart_by_the_marker_in_its_prompt() -> None:
    with ModelServer(SCRIPT) as server:
        opening = {"role": "user", "content": "You are a subagent. MARK-B"}
        answer = json.loads(post(f"{server.url}/v1/messages", anthropic(opening, stream=False)))
    assert answer["content"][0]["text"] == "sub"


def test_a_side_request_without_tools_takes_no_place_in_the_script() -> None:
    with ModelServer(SCRIPT) as server:
        answer = json.loads(post(f"{server.url}/v1/messages", anthropic(USER, tools=(), stream=False)))
        assert answer["stop_reason"] == "end_turn"
        assert server.exchanges[0].turn == -1


def test_past_its_end_a_script_closes() -> None:
    assert SCRIPT.turn("go", [call_id(7, 0)]) == Place(0, 8, Turn(text="Done."))


def test_responses_stream_carries_function_calls() -> None:
    body = {
        "model": "m",
        "stream": True,
        "tools": [{"type": "function", "name": "exec_command"}],
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]}],
    }
    with ModelServer(SCRIPT) as server:
        said = events(post(f"{server.url}/v1/responses", body))
        items = [e["item"] for e in said if e["type"] == "response.output_item.done"]
        assert [i["type"] for i in items] == ["message", "function_call", "function_call"]
        assert json.loads(items[1]["arguments"]) == {"command": "ls"}
        assert said[-1]["type"] == "response.completed"
        body["input"] += [
            {"type": "function_call", "call_id": call_id(0, 0), "name": "exec_command", "arguments": "{}"},
            {"type": "function_call_output", "call_id": call_id(0, 0), "output": "blocked: no"},
        ]
        post(f"{server.url}/v1/responses", body)
        assert server.results()[call_id(0, 0)].text == "blocked: no"
        assert server.exchanges[-1].turn == 1


def test_what_is_not_a_json_object_is_refused_and_the_server_lives_on() -> None:
    with ModelServer(SCRIPT) as server:
        for bad in (b"{", b"[1]", b"\xff\xfe"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                post(f"{server.url}/v1/messages", bad)
            assert refused.value.code == 400
            refused.value.close()
        assert post(f"{server.url}/v1/messages/count_tokens", anthropic(USER)) == '{"input_tokens": 1}'


def test_a_fault_in_a_watcher_is_raised_where_the_test_sees_it() -> None:
    def watcher(asked: Asked, place: Place) -> None:
        raise RuntimeError("the watcher broke")

    def run() -> None:
        with ModelServer(SCRIPT, watcher) as server, contextlib.suppress(OSError):
            post(f"{server.url}/v1/messages", anthropic(USER))

    with pytest.raises(InternalError, match="the watcher broke"):
        run()


@pytest.mark.parametrize(
    "body", [{}, {"messages": None}, {"messages": [None, 3]}, {"input": [{"type": 5}]}, {"input": "x"}]
)
def test_odd_bodies_read_as_empty(body: dict[str, Any]) -> None:
    assert read_messages(body).results == ()
    assert read_responses(body).results == ()


def test_only_our_own_ids_have_a_turn() -> None:
    assert turn_of(call_id(12, 3)) == 12
    assert turn_of("toolu_01ABC") == -1
