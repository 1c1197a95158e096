"""A condition's value on an example, by Python's own rules, over names and opaque terms. Pure; nothing is called."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from interlock.changes.formal.sorts import TEXT_METHODS, Sort, constant, variable


class Unknown(Exception):
    """A term has no value in the example."""


class Anything:
    """A value that equals nothing else; `truthy` is its truth."""

    def __init__(self, *, truthy: bool) -> None:
        self.truthy = truthy

    def __bool__(self) -> bool:
        return self.truthy

    def __repr__(self) -> str:
        return "some other value"


def holds(tree: ast.expr, example: Mapping[str, object], kinds: Mapping[str, Sort]) -> bool:
    """Whether the condition holds.

    Raises:
        Unknown: a term is not in the example, or its evaluation is an error.
    """
    return bool(_value(tree, example, kinds))


def _value(node: ast.expr, example: Mapping[str, object], kinds: Mapping[str, Sort]) -> object:
    if isinstance(node, ast.BoolOp):
        # All parts: an error in a part that Python would not come to is no matter, one that it comes to is.
        for value in node.values:
            held = bool(_value(value, example, kinds))
            if held is isinstance(node.op, ast.Or):
                return held
        return isinstance(node.op, ast.And)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _value(node.operand, example, kinds)
    if (literal := constant(node)) is not ...:
        return literal
    if isinstance(node, ast.Constant):
        return node.value
    name = variable(node)
    if name is not None and name in kinds:
        return example[name]
    text = ast.unparse(node)
    if text in example:
        return example[text]
    if isinstance(node, ast.Compare):
        return _compared(node, example, kinds)
    return _computed(node, example, kinds)


def _computed(node: ast.expr, example: Mapping[str, object], kinds: Mapping[str, Sort]) -> object:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        left, right = _value(node.left, example, kinds), _value(node.right, example, kinds)
        if isinstance(left, int) and isinstance(right, int):
            return left + right if isinstance(node.op, ast.Add) else left - right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and len(node.args) == 1:
        inner = _value(node.args[0], example, kinds)
        if isinstance(inner, str):
            return len(inner)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_METHODS:
        whole, part = _value(node.func.value, example, kinds), constant(node.args[0])
        if isinstance(whole, str) and isinstance(part, str):
            return whole.startswith(part) if node.func.attr == "startswith" else whole.endswith(part)
    raise Unknown(ast.unparse(node))


def _compared(node: ast.Compare, example: Mapping[str, object], kinds: Mapping[str, Sort]) -> bool:
    left = _value(node.left, example, kinds)
    for operator, side in zip(node.ops, node.comparators, strict=True):
        if isinstance(side, ast.Tuple | ast.List | ast.Set):
            right: object = [constant(e) for e in side.elts]
        else:
            right = _value(side, example, kinds)
        if not _related(left, operator, right):
            return False
        left = right
    return True


def _related(left: object, operator: ast.cmpop, right: object) -> bool:
    if isinstance(operator, ast.Eq | ast.NotEq):
        return (left == right) is isinstance(operator, ast.Eq)
    if isinstance(operator, ast.Is | ast.IsNot):
        return (left is right) is isinstance(operator, ast.Is)
    if isinstance(operator, ast.In | ast.NotIn):
        if isinstance(right, list) or (isinstance(right, str) and isinstance(left, str)):
            return (left in right) is isinstance(operator, ast.In)
        raise Unknown("membership in what is no collection")
    if isinstance(left, int) and isinstance(right, int):
        return {ast.Lt: left < right, ast.LtE: left <= right, ast.Gt: left > right, ast.GtE: left >= right}[
            type(operator)
        ]
    raise Unknown("an order of what has none")
