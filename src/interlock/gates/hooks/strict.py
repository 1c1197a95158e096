"""JSON from an agent, read without doubt.

Two readers of one text must not see two different actions: the agent's parser and ours could disagree on duplicate
keys, on `NaN`, on lone surrogates, on bytes that are not UTF-8. Each of these is refused here, at the edge, instead of
being read in one of the possible ways (RFC 8259 section 4 leaves duplicate names open; section 8.2 lone surrogates).
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from interlock.model.errors import AgentError

EVENT_LIMIT = 8 * 1024 * 1024  # bytes; the hook client stops at the same number
NESTING_LIMIT = 64  # containers within containers; real tool inputs stay below ten

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def decode_object(raw: bytes) -> dict[str, Any]:
    """The one JSON object in `raw`. Raises AgentError with the reason when there is not exactly that."""
    if len(raw) > EVENT_LIMIT:
        raise AgentError(f"the event is larger than {EVENT_LIMIT // (1024 * 1024)} MiB")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AgentError(f"the event is not UTF-8 (byte {error.start})") from None
    if text.startswith("\ufeff"):
        raise AgentError("the event starts with a byte order mark")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise AgentError(f"the event is nested deeper than {NESTING_LIMIT} levels") from None
    except json.JSONDecodeError as error:
        raise AgentError(f"the event is not JSON: {error.msg} (character {error.pos})") from None
    except ValueError:  # an integer of more digits than Python converts
        raise AgentError("the event holds a number that is too long") from None
    if not isinstance(value, dict):
        raise AgentError("the event is not a JSON object")
    if text.count("{") + text.count("[") > NESTING_LIMIT:
        _check_nesting(value)
    if _SURROGATE.search(text):
        _check_text(json.dumps(value, ensure_ascii=False))
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise AgentError(f"the event has the name {key[:64]!r} twice in one object")
            seen.add(key)
    return found


def _constant(name: str) -> NoReturn:
    raise AgentError(f"the event holds {name}, which is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise AgentError("the event holds a number that is too large")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float)


def _check_nesting(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(NESTING_LIMIT):
        deeper: list[Any] = []
        for container in level:
            inner = container.values() if isinstance(container, dict) else container
            deeper.extend(item for item in inner if isinstance(item, dict | list))
        if not deeper:
            return
        level = deeper
    raise AgentError(f"the event is nested deeper than {NESTING_LIMIT} levels")


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise AgentError("the event holds half a surrogate pair, which is no text") from None


def text_field(body: dict[str, Any], name: str, *, limit: int = 256, required: bool = False) -> str:
    """The string member `name`, "" when it is absent or null.

    Raises AgentError: it has another type, is empty though required, or longer than `limit` characters.
    """
    value = body.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise AgentError(f"`{name}` of the event is not a string")
    if required and not value:
        raise AgentError(f"the event has no `{name}`")
    if len(value) > limit:
        raise AgentError(f"`{name}` of the event is longer than {limit} characters")
    return value


def directory_field(body: dict[str, Any], name: str, *, required: bool) -> str:
    """An absolute path without NUL in member `name` ("" when it may be absent and is). Raises AgentError."""
    value = text_field(body, name, limit=4096, required=required)
    if value and (not value.startswith("/") or "\0" in value):
        raise AgentError(f"`{name}` of the event is not an absolute path")
    return value
