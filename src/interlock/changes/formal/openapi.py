"""What a change of an OpenAPI description (JSON) takes from those who call the service. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def described(text: str) -> dict[str, Any] | None:
    """The description in a text, or None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and ("openapi" in found or "swagger" in found) else None


def broken(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Sentences on what callers had and have no more, or must give and need not have."""
    old, new = _operations(before), _operations(after)
    for route, was in sorted(old.items()):
        now = new.get(route)
        if now is None:
            yield f"{route} is gone."
            continue
        had, has = _parameters(was), _parameters(now)
        for name in sorted(has.keys() - had.keys()):
            if has[name]:
                yield f"{route} needs {name} now."
        for name in sorted(had.keys() & has.keys()):
            if has[name] and not had[name]:
                yield f"{route} needs {name} now, which could be left out."
        lost = _answers(was) - _answers(now)
        for code in sorted(lost):
            yield f"{route} has no answer {code} any more."


def _operations(whole: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {}
    paths = whole.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        for method, operation in item.items() if isinstance(item, dict) else ():
            if method in _METHODS and isinstance(operation, dict):
                found[f"{method.upper()} {path}"] = operation
    return found


def _parameters(operation: dict[str, Any]) -> dict[str, bool]:
    """Name -> whether it has to be given: parameters, and fields of a JSON body."""
    found = {}
    listed = operation.get("parameters")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and "name" in one:
            found[f"the parameter {one['name']}"] = bool(one.get("required"))
    body = operation.get("requestBody")
    content = body.get("content") if isinstance(body, dict) else None
    for media in content.values() if isinstance(content, dict) else ():
        schema = media.get("schema") if isinstance(media, dict) else None
        if isinstance(schema, dict):
            required = schema.get("required")
            needed = set(required) if isinstance(required, list) else set()
            fields = schema.get("properties")
            for name in {*(fields if isinstance(fields, dict) else ()), *needed}:
                found[f"the field {name}"] = name in needed
    return found


def _answers(operation: dict[str, Any]) -> set[str]:
    answers = operation.get("responses")
    return {str(code) for code in answers if str(code).startswith("2")} if isinstance(answers, dict) else set()
