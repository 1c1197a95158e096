"""Typed access to a tool's JSON input. What is not as the tool documents it becomes `Malformed`, and then `opaque`."""

from __future__ import annotations

from typing import Any

from interlock.model.errors import AgentError


class Malformed(AgentError):
    """A known tool with an input that it does not take: nobody can say what the agent's side will make of it."""


def required(data: dict[str, Any], *keys: str) -> str:
    """The text under the first of `keys` that is present.

    Raises:
        Malformed: none is there, or it is not text.
    """
    said = {value for key in keys if isinstance(value := data.get(key), str)}
    if len(said) > 1:
        raise Malformed(f"{' and '.join(f'`{key}`' for key in keys if key in data)} say different things")
    for key in keys:
        if key in data:
            value = data[key]
            if isinstance(value, str) and value:
                return value
            raise Malformed(f"`{key}` must be text that is not empty")
    raise Malformed(f"`{keys[0]}` is missing")


def optional(data: dict[str, Any], key: str, default: str = "") -> str:
    """The text under `key`, `default` when absent or null.

    Raises:
        Malformed: it is there and is not text.
    """
    value = data.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise Malformed(f"`{key}` must be text")
    return value


def path_of(text: str) -> str:
    """A path as agents' file tools take it: they trim white space, so ` /etc/passwd` is no file of the workspace."""
    return text.strip().strip("\ufeff").strip()
