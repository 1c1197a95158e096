"""Symbolic arguments of the kinds that a function's annotations name. Pure.

`int`, `bool`, `str`, None, unions of these, tuples and lists of them; a list is read in each length up to `LONGEST`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

import z3

from interlock.changes.formal.symbolic.values import NONE, Beyond, Kind, Value, boolean, integer, text

LONGEST = 3  # values of a list
_MOST = 16  # combinations of kinds
_BITS = 63  # numbers are of as many, and a sign: longer ones are not what an example should be about
_LISTS = frozenset({"list", "List", "Sequence", "Iterable", "Collection"})


class Shape(NamedTuple):
    """The kind of a value, and of those in it."""

    kind: Kind
    items: tuple[Shape, ...] = ()


def shapes(kind: str) -> list[Shape]:
    """The shapes that an annotation lets through. Raises Beyond for one that is not read here."""
    try:
        return _shapes(ast.parse(kind, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Beyond(f"an argument of the kind {kind[:40] or 'nobody says'}") from None


def _shapes(node: ast.expr) -> list[Shape]:
    if isinstance(node, ast.Constant) and node.value is None:
        return [Shape(Kind.NONE)]
    if isinstance(node, ast.Name) and node.id in ("int", "bool", "str"):
        return [Shape(Kind(node.id))]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_shapes(node.left), *_shapes(node.right)]
    if isinstance(node, ast.Subscript):
        outer = ast.unparse(node.value).rpartition(".")[2]
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer == "Optional":
            return [*_shapes(inner[0]), Shape(Kind.NONE)]
        if outer == "Union":
            return [shape for one in inner for shape in _shapes(one)]
        many = len(inner) == 2 and isinstance(inner[1], ast.Constant) and inner[1].value is ...
        if outer in _LISTS or (outer in ("tuple", "Tuple") and many):
            parts = _shapes(inner[0])
            outside = Kind.TUPLE if many else Kind.LIST
            return [Shape(outside, row) for size in range(LONGEST + 1) for row in product(parts, repeat=size)]
        if outer in ("tuple", "Tuple"):
            return [Shape(Kind.TUPLE, row) for row in product(*[_shapes(one) for one in inner])]
    raise Beyond(f"an argument of the kind {ast.unparse(node)[:40]}")


def rows(kinds: Mapping[str, str]) -> list[dict[str, Shape]]:
    """Every combination of the parameters' shapes. Raises Beyond for too many."""
    each = [shapes(kind) for kind in kinds.values()]
    count = 1
    for one in each:
        count *= len(one)
    if count > _MOST:
        raise Beyond("its arguments are of too many kinds")
    return [dict(zip(kinds, row, strict=True)) for row in product(*each)]


def value(name: str, shape: Shape, axioms: list[Any]) -> Value:
    """A value of a shape that could be any; `axioms` get its bounds."""
    if shape.kind is Kind.INT:
        term = z3.Int(name)
        axioms.append(z3.And(term >= -(2**_BITS), term < 2**_BITS))
        return integer(term)
    if shape.kind is Kind.BOOL:
        return boolean(z3.Bool(name))
    if shape.kind is Kind.TEXT:
        return text(z3.String(name))
    if shape.kind is Kind.NONE:
        return NONE
    return Value(shape.kind, items=tuple(value(f"{name}[{at}]", one, axioms) for at, one in enumerate(shape.items)))


def bound(kinds: Mapping[str, str]) -> str:
    """What the arguments were, as a sentence's part."""
    said = ", ".join(f"{name}: {kind}" for name, kind in kinds.items())
    lists = any(shape.kind is Kind.LIST for kind in kinds.values() for shape in shapes(kind))
    return said + (f"; lists of up to {LONGEST}" if lists else "")
