"""Fields that a fixed list picks of something, so that no others come along; and what takes all of it. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_COPIES = ("items", "copy")


def picked(target: ast.expr, fields: ast.expr, body: Iterable[ast.AST]) -> set[str]:
    """Of what `body` takes only the fields that a loop over a fixed list names: `{f: data[f] for f in EDITABLE}`."""
    if not isinstance(target, ast.Name) or not _fixed(fields):
        return set()
    nodes = [node for part in body for node in ast.walk(part)]
    taken = {ast.unparse(n.value) for n in nodes if isinstance(n, ast.Subscript) and _named(n.slice, target.id)}
    asked = (n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "get")
    return taken | {ast.unparse(n.func)[: -len(".get")] for n in asked if n.args and _named(n.args[0], target.id)}


def each(target: ast.expr, fields: ast.expr, body: Iterable[ast.AST]) -> set[str]:
    """Of what `body` takes every field that is there: `for f in data: setattr(user, f, data[f])`."""
    source = ast.unparse(fields)
    if not isinstance(target, ast.Name) or not isinstance(fields, ast.Name | ast.Attribute):
        return set()
    nodes = (node for part in body for node in ast.walk(part) if isinstance(node, ast.Subscript))
    return {source for n in nodes if _named(n.slice, target.id) and ast.unparse(n.value) == source}


def whole(node: ast.Dict | ast.Call) -> Iterator[str]:
    """What is taken with all its fields: `{**data}`, `f(**data)`, `dict(data)`, `data.items()`."""
    if isinstance(node, ast.Dict):
        yield from (ast.unparse(v) for k, v in zip(node.keys, node.values, strict=True) if k is None)
        return
    yield from (ast.unparse(k.value) for k in node.keywords if k.arg is None)
    if isinstance(node.func, ast.Name) and node.func.id == "dict":
        yield from map(ast.unparse, node.args)
    elif isinstance(node.func, ast.Attribute):
        if node.func.attr in _COPIES and not node.args:
            yield ast.unparse(node.func.value)
        elif node.func.attr == "update":
            yield from map(ast.unparse, node.args)


def _fixed(fields: ast.expr) -> bool:
    if isinstance(fields, ast.Tuple | ast.List | ast.Set):
        return bool(fields.elts) and all(isinstance(e, ast.Constant) for e in fields.elts)
    name = fields.attr if isinstance(fields, ast.Attribute) else getattr(fields, "id", "")
    return name.isupper()


def _named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
