"""A condition of JavaScript, TypeScript or Go as a Python expression, as far as it has one. Pure.

`a && !b` becomes `(a) and (not (b))`, `x === "y"` becomes `x == 'y'`, `s.length` becomes `len(s)`. What has no faithful
form becomes a call of `_` on its text: the same text is the same unknown, and nothing else is known about it.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_COMPARING = {"===": "==", "!==": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_GO = {"==": "==", "!=": "!="}
_MOST_DEPTH = 60


def written(node: Node, data: bytes) -> str:
    """The expression; texts of the program stay as they are."""
    return _written(node, data, _MOST_DEPTH)


def _text(node: Node, data: bytes) -> str:
    return " ".join(data[node.start_byte : node.end_byte].decode("utf-8", "replace").split())


def _written(node: Node, data: bytes, left: int) -> str:
    kind = node.type
    if left and kind == "parenthesized_expression" and node.named_child_count == 1:
        return _written(node.named_children[0], data, left - 1)
    inner = node.child_by_field_name("argument") or node.child_by_field_name("operand")
    if left and kind == "unary_expression" and inner is not None and _text(node, data).startswith("!"):
        return f"not ({_written(inner, data, left - 1)})"
    if left and kind == "binary_expression":
        return _binary(node, data, left)
    return _term(node, data)


def _binary(node: Node, data: bytes, left: int) -> str:
    one, other = node.child_by_field_name("left"), node.child_by_field_name("right")
    sign = node.child_by_field_name("operator")
    if one is None or other is None or sign is None:
        return _term(node, data)
    operator = _text(sign, data)
    if operator in ("&&", "||"):
        word = "and" if operator == "&&" else "or"
        return f"({_written(one, data, left - 1)}) {word} ({_written(other, data, left - 1)})"
    # `==` of JavaScript converts its sides: `0 == ''`. Only `===` is a comparison of values; Go's `==` is one.
    strict = _COMPARING.get(operator) or (_GO.get(operator) if _is_go(node) else None)
    if strict:
        return f"{_term(one, data)} {strict} {_term(other, data)}"
    return _term(node, data)


def _is_go(node: Node) -> bool:
    while node.parent is not None:
        node = node.parent
    return node.type == "source_file"


def _term(node: Node, data: bytes) -> str:
    text = _text(node, data)
    if node.type in ("string", "interpreted_string_literal"):
        return repr(unquoted(text))
    if node.type in ("number", "int_literal") and re.fullmatch(r"\d{1,15}", text):
        return text
    if node.type in ("identifier", "true", "false") and text.isidentifier() and not _reserved(text):
        return {"true": "True", "false": "False"}.get(text, text)
    length = re.fullmatch(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.length|len\(([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\)", text)
    if length:
        return f"len({length[1] or length[2]})"
    if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", text) and not any(map(_reserved, text.split("."))):
        return text
    return f"_({text!r})"


def _reserved(word: str) -> bool:
    try:
        ast.parse(word, mode="eval")
    except SyntaxError:
        return True
    return word in ("None", "True", "False")


def unquoted(text: str) -> str:
    """A literal's value, as far as the common escapes go."""
    if len(text) < 2 or text[0] not in "'\"`":
        return text
    inner = text[1:-1]
    if text[0] == "`":
        return inner
    plain = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}

    def one(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if code[0] in "xu" and len(code) > 1 else plain.get(code, code)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", one, inner, flags=re.DOTALL)
