"""The two model protocols that the scripted model speaks, without any I/O: requests in, bytes out.

Anthropic Messages (what Claude Code speaks) and OpenAI Responses (what Codex CLI speaks), as much of each as the
agents use.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from interlock.drills.script import Place, ToolCall, ToolResult


class Asked(msgspec.Struct, frozen=True):
    """A model request, reduced to what a script needs to know.

    `tools` is empty for the small side requests (titles, summaries) that agents make of a cheaper model.
    """

    opening: str
    call_ids: tuple[str, ...]
    results: tuple[ToolResult, ...]
    tools: tuple[str, ...]
    model: str = ""


# --- Anthropic Messages --------------------


def read_messages(body: dict[str, Any]) -> Asked:
    """Read the body of `POST /v1/messages`."""
    ids: list[str] = []
    results: list[ToolResult] = []
    opening = ""
    for message in _dicts(body.get("messages")):
        content = message.get("content")
        if message.get("role") == "user" and not opening:
            opening = _text(content)
        for block in _dicts(content):
            if block.get("type") == "tool_use":
                ids.append(str(block.get("id", "")))
            elif block.get("type") == "tool_result":
                results.append(
                    ToolResult(
                        str(block.get("tool_use_id", "")), _text(block.get("content")), bool(block.get("is_error"))
                    )
                )
    tools = tuple(str(tool.get("name", "")) for tool in _dicts(body.get("tools")))
    return Asked(opening, tuple(ids), tuple(results), tools, str(body.get("model", "")))


def messages_answer(place: Place, model: str) -> dict[str, Any]:
    """The whole message, for a request without `stream`."""
    turn = place.turn
    content: list[dict[str, Any]] = [{"type": "text", "text": turn.text}] if turn.text else []
    content += [
        {"type": "tool_use", "id": identifier, "name": call.name, "input": call.input}
        for identifier, call in zip(place.ids(), turn.calls, strict=True)
    ]
    return {
        "id": f"msg_scripted_{place.talk}_{place.number}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": "tool_use" if turn.calls else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def messages_stream(place: Place, model: str) -> Iterator[bytes]:
    """The same message as server-sent events."""
    whole = messages_answer(place, model)
    blocks, reason = whole["content"], whole["stop_reason"]
    yield _named("message_start", {"message": {**whole, "content": [], "stop_reason": None}})
    for at, block in enumerate(blocks):
        if block["type"] == "text":
            start: dict[str, Any] = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        else:
            start = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield _named("content_block_start", {"index": at, "content_block": start})
        yield _named("content_block_delta", {"index": at, "delta": delta})
        yield _named("content_block_stop", {"index": at})
    yield _named(
        "message_delta", {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 1}}
    )
    yield _named("message_stop", {})


# --- OpenAI Responses --------------------


def read_responses(body: dict[str, Any]) -> Asked:
    """Read the body of `POST /v1/responses`."""
    ids: list[str] = []
    results: list[ToolResult] = []
    said: list[str] = []
    for item in _dicts(body.get("input")):
        kind = str(item.get("type", "message"))
        if kind == "message" and item.get("role") == "user":
            said.append(_text(item.get("content")))
        elif kind.endswith("_call_output"):
            results.append(ToolResult(str(item.get("call_id", "")), _text(item.get("output"))))
        elif kind.endswith("_call"):
            ids.append(str(item.get("call_id", "")))
    tools = tuple(str(tool.get("name") or tool.get("type") or "") for tool in _dicts(body.get("tools")))
    # Codex puts its own messages (environment, project notes) before the person's: the opening is all of them.
    return Asked("\n".join(said), tuple(ids), tuple(results), tools, str(body.get("model", "")))


def responses_stream(place: Place, model: str) -> Iterator[bytes]:
    """One response as server-sent events."""
    turn, name = place.turn, f"{place.talk}_{place.number}"
    items: list[dict[str, Any]] = []
    if turn.text or not turn.calls:
        content = [{"type": "output_text", "text": turn.text, "annotations": []}]
        items.append({"type": "message", "role": "assistant", "id": f"msg_{name}", "content": content})
    items += [_function_call(identifier, call) for identifier, call in zip(place.ids(), turn.calls, strict=True)]
    head = {"id": f"resp_scripted_{name}", "object": "response", "model": model}
    usage = {
        "input_tokens": 1,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 2,
    }
    yield _named("response.created", {"response": {**head, "status": "in_progress", "output": []}})
    for at, item in enumerate(items):
        yield _named("response.output_item.done", {"output_index": at, "item": item})
    yield _named("response.completed", {"response": {**head, "status": "completed", "output": items, "usage": usage}})


def _function_call(identifier: str, call: ToolCall) -> dict[str, Any]:
    """A call; `namespace/name` calls a tool of a namespace, such as Codex's `multi_agent_v1/spawn_agent`."""
    namespace, _, name = call.name.rpartition("/")
    item = {"type": "function_call", "id": f"fc_{identifier}", "call_id": identifier, "name": name}
    return {**item, **({"namespace": namespace} if namespace else {}), "arguments": json.dumps(call.input)}


# --- shared --------------------


def _named(event: str, fields: dict[str, Any]) -> bytes:
    return f"event: {event}\ndata: {json.dumps({'type': event, **fields})}\n\n".encode()


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _text(content: object) -> str:
    """The text of a content field, which both protocols write as a string or as a list of blocks."""
    if isinstance(content, str):
        return content
    return "\n".join(str(block.get("text", "")) for block in _dicts(content))
