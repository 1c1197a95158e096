"""Edits of a JSON text that leave everything else as its owner wrote it: order, indentation, line ends.

A settings file is somebody's own: parsing and printing it again would reformat it. So the text is parsed for the places
of its parts only, and changes are insertions and removals of text. Pure.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from interlock.model.errors import OperatorError

DOCUMENT_LIMIT = 4 * 1024 * 1024  # bytes; settings are some KiB
_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCALAR = re.compile(r"[^,\]}\s]+")


class Part(msgspec.Struct):
    """One member of an object or one element of an array: where it starts (its key, if it has one) and its value."""

    key: str | None
    start: int
    node: Node


class Node(msgspec.Struct):
    """A value and its place in the text; `parts` for objects and arrays."""

    start: int
    end: int
    kind: str  # object | array | scalar
    parts: list[Part]

    def member(self, key: str) -> Node | None:
        """The value of a member, or None."""
        return next((part.node for part in self.parts if part.key == key), None)


class Document:
    """A JSON object as text, with edits."""

    def __init__(self, raw: bytes, name: str) -> None:
        """Take `raw`; `name` is for messages. Raises OperatorError when it is not one JSON object without doubt."""
        self.name = name
        self.text = _decoded(raw, name)
        self.value: dict[str, Any] = {}
        self.root = Node(0, 0, "object", [])
        self._read()

    def _read(self) -> None:
        self.value = _loaded(self.text, self.name)
        self.root = _node(self.text, _SPACE.match(self.text, 0).end())  # type: ignore[union-attr]  # matches always

    @property
    def raw(self) -> bytes:
        """The text as bytes."""
        return self.text.encode("utf-8")

    def ensure(self, path: tuple[str, ...], empty: Any) -> None:
        """Add the member at `path` with the value `empty` unless it is there. Raises OperatorError: in the way."""
        node = self.root
        for depth, key in enumerate(path):
            if node.kind != "object":
                raise OperatorError(
                    f"{self.name}: `{'.'.join(path[:depth])}` is not an object. Mend it, then try again."
                )
            inner = node.member(key)
            if inner is None:
                self._insert(node, key, empty if depth == len(path) - 1 else {})
                return self.ensure(path, empty)
            node = inner
        if node.kind != ("object" if isinstance(empty, dict) else "array"):
            raise OperatorError(f"{self.name}: `{'.'.join(path)}` is not of the kind that the agent expects. Mend it.")
        return None

    def append(self, path: tuple[str, ...], value: Any) -> None:
        """Add `value` at the end of the array at `path`, which must be there."""
        self._insert(self._at(path), None, value)

    def remove(self, path: tuple[str | int, ...]) -> None:
        """Take the part at `path` out of its container."""
        container = self._at(path[:-1])
        last = path[-1]
        index = last if isinstance(last, int) else [part.key for part in container.parts].index(last)
        parts = container.parts
        if len(parts) == 1:
            start, end = container.start + 1, container.end - 1
        elif index > 0:
            start, end = parts[index - 1].node.end, parts[index].node.end
        else:
            start, end = parts[0].start, parts[1].start
        self.text = self.text[:start] + self.text[end:]
        self._read()

    def _at(self, path: tuple[str | int, ...]) -> Node:
        node = self.root
        for step in path:
            inner = node.parts[step].node if isinstance(step, int) else node.member(step)
            if inner is None:
                raise OperatorError(f"{self.name}: `{step}` is not there any more")
            node = inner
        return node

    def _insert(self, container: Node, key: str | None, value: Any) -> None:
        lead = "" if key is None else json.dumps(key, ensure_ascii=False) + ": "
        if "\n" not in self.text.strip():
            compact = lead + json.dumps(value, ensure_ascii=False)
            position = container.parts[-1].node.end if container.parts else container.start + 1
            self._put(position, position, (", " if container.parts else "") + compact)
            return
        newline = "\r\n" if "\r\n" in self.text else "\n"
        if container.parts:
            last = container.parts[-1]
            margin, position = self._margin(last.start), last.node.end
            self._put(position, position, f",{newline}{margin}{lead}{self._rendered(value, margin, newline)}")
            return
        outer = self._margin(container.start)
        margin = outer + self._unit()
        body = f"{newline}{margin}{lead}{self._rendered(value, margin, newline)}{newline}{outer}"
        self._put(container.start + 1, container.end - 1, body)

    def _put(self, start: int, end: int, text: str) -> None:
        self.text = self.text[:start] + text + self.text[end:]
        self._read()

    def _rendered(self, value: Any, margin: str, newline: str) -> str:
        text = json.dumps(value, ensure_ascii=False, indent=self._unit())
        return text.replace("\n", newline + margin)

    def _margin(self, position: int) -> str:
        """The white space before the first word of the line on which `position` is."""
        start = self.text.rfind("\n", 0, position) + 1
        found = re.compile(r"[ \t]*").match(self.text, start)
        return found.group() if found else ""

    def _unit(self) -> str:
        found = re.search(r"\n([ \t]+)\S", self.text)
        return found.group(1) if found else "  "


def fresh(value: dict[str, Any]) -> bytes:
    """A new file with this content."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _decoded(raw: bytes, name: str) -> str:
    if len(raw) > DOCUMENT_LIMIT:
        raise OperatorError(f"{name} is larger than {DOCUMENT_LIMIT // (1024 * 1024)} MiB; that is no settings file.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OperatorError(f"{name} is not UTF-8 (byte {error.start}). Mend it, then try again.") from None


def _loaded(text: str, name: str) -> dict[str, Any]:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(found)
        if len(value) != len(found):
            raise OperatorError(f"{name} has a name twice in one object; which one counts is anybody's guess. Mend it.")
        return value

    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise OperatorError(
            f"{name} is not valid JSON (line {error.lineno}, column {error.colno}: {error.msg}). "
            "The agent may be ignoring it already. Mend it, then try again."
        ) from None
    except (RecursionError, ValueError):
        raise OperatorError(f"{name} cannot be read as JSON. Mend it, then try again.") from None
    if not isinstance(value, dict):
        raise OperatorError(f"{name} does not hold a JSON object. Mend it, then try again.")
    return value


def _node(text: str, start: int) -> Node:
    """The value that starts at `start`; the text is known to be valid JSON."""
    opening = text[start]
    if opening not in "{[":
        pattern = _STRING if opening == '"' else _SCALAR
        return Node(start, pattern.match(text, start).end(), "scalar", [])  # type: ignore[union-attr]  # valid JSON
    node = Node(start, start, "object" if opening == "{" else "array", [])
    position = _skip(text, start + 1)
    while text[position] not in "}]":
        key, begin = None, position
        if node.kind == "object":
            end = _STRING.match(text, position).end()  # type: ignore[union-attr]  # valid JSON
            key = json.loads(text[position:end])
            position = _skip(text, _skip(text, end) + 1)
        inner = _node(text, position)
        node.parts.append(Part(key, begin, inner))
        position = _skip(text, inner.end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    node.end = position + 1
    return node


def _skip(text: str, position: int) -> int:
    return _SPACE.match(text, position).end()  # type: ignore[union-attr]  # matches always
