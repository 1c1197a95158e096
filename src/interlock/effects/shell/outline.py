"""The syntax of a shell text in lines, as a person reads it: commands, what joins them, what could not be read."""

from __future__ import annotations

from typing import Any

import msgspec

from interlock.effects.shell import syntax
from interlock.effects.shell.parse import Parser

_LINES = 200
_WORDS = {
    "AndOr": "one after the other, as it comes out",
    "Pipeline": "pipeline",
    "Group": "group",
    "If": "if",
    "While": "loop",
    "For": "for each",
    "CFor": "counting loop",
    "Case": "case",
    "Function": "function",
    "Test": "test",
    "ArithCommand": "arithmetic",
    "Coproc": "coprocess",
}


class Piece(msgspec.Struct, frozen=True):
    """One line: how deep it stands, what it is, and its stretch of the text."""

    depth: int
    kind: str
    start: int
    end: int
    note: str = ""


def outline(text: str) -> list[Piece]:
    """The pieces of a text, outer ones first; at most 200 of them."""
    found: list[Piece] = []
    _walk(Parser(text).text_of(), 0, found)
    return found[:_LINES]


def _walk(node: Any, depth: int, found: list[Piece]) -> None:
    if len(found) > _LINES:
        return
    if isinstance(node, syntax.Bad):
        found.append(Piece(depth, "cannot be read", node.start, node.end, node.reason))
    elif isinstance(node, syntax.Simple):
        found.append(Piece(depth, "command", node.start, node.end))
        _inside(node, depth + 1, found)
    elif type(node).__name__ in _WORDS:
        found.append(Piece(depth, _WORDS[type(node).__name__], node.start, node.end))
        _inside(node, depth + 1, found)
    elif isinstance(node, syntax.Redir):
        found.append(Piece(depth, f"redirection {node.op}", node.start, node.end))
        _inside(node, depth + 1, found)
    elif isinstance(node, msgspec.Struct):
        _inside(node, depth, found)


def _inside(node: msgspec.Struct, depth: int, found: list[Piece]) -> None:
    for name in node.__struct_fields__:
        _each(getattr(node, name), depth, found)


def _each(value: Any, depth: int, found: list[Piece]) -> None:
    if isinstance(value, tuple):
        for one in value:
            _each(one, depth, found)
    elif isinstance(value, msgspec.Struct):
        _walk(value, depth, found)
