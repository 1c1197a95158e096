"""Syntax trees within bounds: a text that is too long, too deep or too slow to parse is not read.

A grammar is imported with the first text of its language. The bounds count bytes, brackets and the parser's own steps,
never the clock, so that a text is read on every machine or on none.
"""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MOST_BYTES = 64 * 1024
_MOST_LINE = 4_000  # the scanners of Ruby and Perl look along the line at every step
_MOST_DEPTH = 60  # brackets that stand open at once
_MOST_NODES = 12_000
_MOST_STEPS = 1_000  # reports of the parser's progress; one is about a hundred steps

_GRAMMARS = {
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "ruby": ("tree_sitter_ruby", "language"),
    "perl": ("tree_sitter_perl", "language"),
    "php": ("tree_sitter_php", "language_php_only"),
    "phpfile": ("tree_sitter_php", "language_php"),
    "go": ("tree_sitter_go", "language"),
}


class Unreadable(Exception):
    """The text is beyond what is read; the message says why."""


@cache
def _parser(grammar: str) -> Parser:
    from tree_sitter import Language, Parser

    module, function = _GRAMMARS[grammar]
    handle = getattr(importlib.import_module(module), function)()
    with warnings.catch_warnings():
        # Perl's package still hands out its language as a number and not as a capsule.
        warnings.simplefilter("ignore", DeprecationWarning)
        return Parser(Language(handle))


def parse(grammar: str, text: str) -> Node:
    """The tree of `text`.

    Raises:
        Unreadable: it is too long, too deep, or takes too many steps.
    """
    data = text.encode("utf-8", "replace") + b"\n"  # a here-document needs the end of its last line
    if len(data) > MOST_BYTES:
        raise Unreadable("the text is too long to be read")
    if grammar in ("ruby", "perl") and max(map(len, data.split(b"\n"))) > _MOST_LINE:
        raise Unreadable("a line is too long to be read")
    if _depth(data) > _MOST_DEPTH:
        raise Unreadable("the text is nested too deeply to be read")
    steps = 0

    def tired(_offset: int, _error: bool) -> bool:
        nonlocal steps
        steps += 1
        return steps > _MOST_STEPS

    def piece(offset: int, _point: object) -> bytes:
        return data[offset : offset + 4096]

    parser = _parser(grammar)
    try:
        root = parser.parse(piece, progress_callback=tired).root_node
    except ValueError as error:
        parser.reset()
        raise Unreadable("the text takes too long to be read") from error
    if root.descendant_count > _MOST_NODES:
        raise Unreadable("the text is too long to be read")
    return root


def _depth(data: bytes) -> int:
    """How many brackets stand open at most, those in texts and comments included."""
    depth = most = 0
    for byte in data:
        if byte in b"([{":
            depth += 1
            most = max(most, depth)
        elif byte in b")]}" and depth:
            depth -= 1
    return most
