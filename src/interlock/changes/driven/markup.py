"""JSX written as plain calls: `__jsx(type, props, ...children)`, which `elements.js` makes a plain object of. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.entities import name2codepoint
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

KINDS = frozenset({"jsx_element", "jsx_self_closing_element"})
_TEXTS = frozenset({"jsx_text", "html_character_reference", "comment"})  # in a text, what looks like a comment is none
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]\w*));")


class Unknown(Exception):
    """A part of JSX that has no known meaning; the message names it."""


class Markup:
    """Writes the elements of one file. `render`: writes any part that is no JSX."""

    def __init__(self, data: bytes, render: Callable[[Node], str]) -> None:
        self._data, self._render = data, render

    def element(self, node: Node) -> str:
        """An element with all that is in it, or a fragment. Raises Unknown."""
        opening = node.children[0] if node.type == "jsx_element" else node
        children = list(self._children(node)) if node.type == "jsx_element" else []
        return f"__jsx({', '.join([self._type(opening), self._props(opening), *children])})"

    def _text(self, node: Node) -> str:
        return self._between(node.start_byte, node.end_byte)

    def _between(self, start: int, end: int) -> str:
        return self._data[start:end].decode("utf-8", "replace")

    def _type(self, opening: Node) -> str:
        """A name that begins small, or is none of the language's, is the browser's; a fragment has none."""
        name = opening.child_by_field_name("name")
        if name is None:
            return '""'
        text = self._text(name)
        own = name.type == "member_expression" or (name.type == "identifier" and not re.match(r"[a-z]|.*-", text))
        return self._render(name) if own else json.dumps(text)

    def _props(self, opening: Node) -> str:
        out: list[str] = []
        for child in opening.named_children:
            if child.type == "jsx_attribute":
                out.append(self._attribute(child))
            elif child.type == "jsx_expression":
                out += self._expression(child)
            elif child.type not in ("comment", "type_arguments") and child != opening.child_by_field_name("name"):
                raise Unknown(child.type)
        return f"{{ {', '.join(out)} }}"

    def _attribute(self, node: Node) -> str:
        inside = [child for child in node.named_children if child.type != "comment"]
        name, value = inside[0], inside[1] if len(inside) > 1 else None
        if value is None:
            said = "true"
        elif value.type == "string":
            said = json.dumps(referred(re.sub(r"\s*\n\s*", " ", self._text(value)[1:-1])))
        elif value.type == "jsx_expression":
            said = next(self._expression(value), "undefined")
        else:
            said = self._render(value)
        return f"[{json.dumps(self._text(name))}]: {said}"  # a computed name: `__proto__` is one like any other

    def _expression(self, node: Node) -> Iterator[str]:
        """What stands in braces; nothing where that is a comment."""
        for child in node.named_children:
            if child.type == "sequence_expression":
                yield f"({self._render(child)})"
            elif child.type != "comment":
                yield self._render(child)

    def _children(self, node: Node) -> Iterator[str]:
        start = node.children[0].end_byte
        for child in node.children[1:]:
            if child.type in _TEXTS:
                continue
            text = told(self._between(start, child.start_byte))
            if text:
                yield json.dumps(text)
            start = child.end_byte
            if child.type == "jsx_expression":
                yield from self._expression(child)
            elif child.type in KINDS:
                yield self._render(child)
            elif child.type != "jsx_closing_element":
                raise Unknown(child.type)


def told(text: str) -> str:
    """What a text between elements says: lines without what is around them, and none that is empty."""
    lines = text.split("\n")
    parts = []
    for number, line in enumerate(lines):
        part = line if number == 0 else line.lstrip(" \t")
        part = part.rstrip("\r") if number == len(lines) - 1 else part.rstrip(" \t\r")
        if part:
            parts.append(part)
    return referred(" ".join(parts))


def referred(text: str) -> str:
    """A text with the characters that its references name (`&amp;`, `&#38;`)."""

    def one(match: re.Match[str]) -> str:
        number, hexadecimal, name = match.groups()
        code = int(number) if number else int(hexadecimal, 16) if hexadecimal else name2codepoint.get(name, 0)
        return chr(code) if 0 < code < 0x110000 else "'" if name == "apos" else match[0]

    return _REFERENCE.sub(one, text)
