"""Syntax trees of whole source files within bounds, for JavaScript, TypeScript and Go. Pure.

The bounds count bytes, nodes and the parser's own steps, never the clock.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from interlock.changes.guards.guard import Unreadable

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MOST_BYTES = 2 << 20
_MOST_NODES = 600_000
_MOST_STEPS = 60_000  # reports of the parser's progress; one is about a hundred steps

_GRAMMARS = {
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
}


@cache
def _parser(grammar: str) -> Parser:
    from tree_sitter import Language, Parser

    module, function = _GRAMMARS[grammar]
    return Parser(Language(getattr(importlib.import_module(module), function)()))


def parse(grammar: str, path: str, data: bytes) -> Node:
    """The tree of `data`.

    Raises:
        Unreadable: it is too long, takes too many steps, or large parts of it are no such language.
    """
    if len(data) > MOST_BYTES:
        raise Unreadable(f"{path} is too long to be read for guards")
    steps = 0

    def tired(_offset: int, _error: bool) -> bool:
        nonlocal steps
        steps += 1
        return steps > _MOST_STEPS

    parser = _parser(grammar)
    try:
        root = parser.parse(lambda offset, _point: data[offset : offset + 65536], progress_callback=tired).root_node
    except ValueError as error:
        parser.reset()
        raise Unreadable(f"{path} takes too long to be parsed") from error
    if root.descendant_count > _MOST_NODES:
        raise Unreadable(f"{path} is too long to be read for guards")
    if root.type == "ERROR" or sum(c.end_byte - c.start_byte for c in root.children if c.type == "ERROR") * 4 > len(
        data
    ):
        raise Unreadable(f"{path} cannot be parsed as {grammar}")
    return root
