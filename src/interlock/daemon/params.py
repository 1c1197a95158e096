"""What a call of the daemon brings along, taken strictly: a wrong type is the caller's error, never a guess."""

from __future__ import annotations

import json
from typing import Any

from interlock.model.errors import AgentError

_TEXTS = 32  # texts in one list


def parse(payload: bytes) -> tuple[str, dict[str, Any]]:
    """Method and parameters of one call. Raises AgentError."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise AgentError(f"the call is not JSON: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        raise AgentError("the call is no {method, params} object.")
    params = message.get("params", {})
    if not isinstance(params, dict):
        raise AgentError("params is no object.")
    return message["method"], params


def integer(params: dict[str, Any], name: str, otherwise: int | None = None) -> int:
    """A whole number of at most 63 bits. Raises AgentError."""
    value = params.get(name, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 63:
        raise AgentError(f"{name} is no integer, or too large.")
    return value


def text(params: dict[str, Any], name: str, otherwise: str | None = None) -> str:
    """A text. Raises AgentError."""
    value = params.get(name, otherwise)
    if not isinstance(value, str):
        raise AgentError(f"{name} is no text.")
    return value


def texts(params: dict[str, Any], name: str) -> list[str]:
    """A short list of texts; empty where there is none. Raises AgentError."""
    values = params.get(name, [])
    if not isinstance(values, list) or len(values) > _TEXTS or not all(isinstance(value, str) for value in values):
        raise AgentError(f"{name} is no list of at most {_TEXTS} texts.")
    return values
