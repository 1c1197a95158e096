"""Which kind of value each name of a condition has, as far as the conditions themselves tell. Pure.

A name that is compared by order with numbers is a number; one that is asked for its beginning or its end is a text; one
that is only compared for equality can be anything. Two kinds at once is a contradiction, and nothing is proved then.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable, Iterable, Mapping


class Sort(enum.StrEnum):
    """What a value is."""

    NUMBER = "number"  # whole or not, or not a number at all
    INT = "int"
    TEXT = "str"
    BOOL = "bool"
    VALUE = "value"  # anything, only compared for equality


_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult)
TEXT_METHODS = ("startswith", "endswith")
_ANNOTATED = {"int": Sort.INT, "str": Sort.TEXT, "bool": Sort.BOOL, "float": Sort.NUMBER}


class Contradiction(Exception):
    """A name is used as two kinds of value."""


def variable(node: ast.expr) -> str | None:
    """The name of `a` or `a.b.c`; None for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def constant(node: ast.expr) -> object:
    """The value of a literal number, text, truth value or None; Ellipsis for what is none."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = constant(node.operand)
        return -inner if isinstance(inner, int) and not isinstance(inner, bool) else ...
    if isinstance(node, ast.Constant) and isinstance(node.value, int | str | None):
        return node.value
    return ...


def sorts(trees: Iterable[ast.expr], annotated: Mapping[str, str] | None = None) -> dict[str, Sort]:
    """The sort of each name; what the function's annotations say goes first.

    Raises:
        Contradiction: a name is a number here and a text there.
    """
    found = {name: _ANNOTATED[kind] for name, kind in (annotated or {}).items() if kind in _ANNOTATED}
    fixed = set(found)

    def claim(node: ast.expr, sort: Sort) -> None:
        name = variable(node)
        if name is None or name in fixed:
            return
        known = found.get(name)
        if known not in (None, sort, Sort.VALUE):
            raise Contradiction(f"{name} is used as {known} and as {sort}")
        found[name] = sort

    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare):
                _compared(node, claim)
            elif isinstance(node, ast.BinOp) and isinstance(node.op, _ARITHMETIC):
                if not any(isinstance(constant(s), str) for s in (node.left, node.right)):
                    for side in (node.left, node.right):
                        claim(side, Sort.NUMBER)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_METHODS:
                claim(node.func.value, Sort.TEXT)
    return found


def _compared(node: ast.Compare, claim: Callable[[ast.expr, Sort], None]) -> None:
    sides = [node.left, *node.comparators]
    for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
        if isinstance(operator, _ORDER):
            kinds = {Sort.TEXT if isinstance(constant(s), str) else Sort.NUMBER for s in (left, right)
                     if constant(s) is not ... }  # fmt: skip
            for side in (left, right):
                claim(side, Sort.TEXT if kinds == {Sort.TEXT} else Sort.NUMBER)
        elif isinstance(operator, ast.In | ast.NotIn) and isinstance(constant(left), str) and variable(right):
            claim(right, Sort.TEXT)
