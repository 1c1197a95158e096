"""The parts of a condition that are true or false on their own; negation and order do not count. Pure."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

_MOST = 4_000  # characters of a condition that is taken apart
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.NotEq: ast.Eq,
    ast.IsNot: ast.Is,
    ast.NotIn: ast.In,
    ast.GtE: ast.Lt,
    ast.LtE: ast.Gt,
}


def parsed(condition: str) -> ast.expr | None:
    """The condition's tree, or None where it is no Python expression."""
    if len(condition) > _MOST:
        return None
    try:
        return ast.parse(condition, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@lru_cache(maxsize=16384)
def atoms(condition: str) -> frozenset[str]:
    """The atoms of a condition; of one that cannot be taken apart, itself."""
    tree = parsed(condition)
    if tree is None:
        return frozenset({condition})
    found: set[str] = set()
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.BoolOp):
            stack += node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            stack.append(node.operand)
        elif not isinstance(node, ast.Constant):
            found.add(_plain(node))
    return frozenset(found)


def _plain(node: ast.expr) -> str:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        opposite = _OPPOSITE.get(type(node.ops[0]))
        if opposite is not None:
            return ast.unparse(ast.Compare(node.left, [opposite()], node.comparators))
    return ast.unparse(node)


@lru_cache(maxsize=16384)
def names(condition: str) -> frozenset[str]:
    """The identifiers and texts in a condition, by which two conditions are seen to be about the same."""
    tree = parsed(condition)
    if tree is None:
        return frozenset(condition.split())
    return words(tree)


def words(tree: ast.expr) -> frozenset[str]:
    """The same of a tree; of what another language's reader kept as text (`_('…')`), the identifiers in it."""
    found: set[str] = set()
    opaque: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            opaque.update(map(id, (node.func, *node.args)))
            found.update(re.findall(r"[A-Za-z_$][\w$]*", str(getattr(node.args[0], "value", "")) if node.args else ""))
        elif id(node) in opaque:
            continue
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant):
            found.add(repr(node.value))
    return frozenset(found)


def bounds(before: str, after: str) -> bool:
    """Whether two conditions differ in comparisons by order alone: a bound was moved."""
    different = atoms(before) ^ atoms(after)
    trees = [parsed(atom) for atom in different]
    order = ast.Lt | ast.LtE | ast.Gt | ast.GtE
    return bool(trees) and all(isinstance(t, ast.Compare) and any(isinstance(o, order) for o in t.ops) for t in trees)


_KINDS = re.compile(
    r"(?:isinstance|issubclass|isArray|isString|isNumber|isPlainObject|isFunction|isBuffer|isObject)\(([\w.$\[\]]+)"
    r"|typeof\s*\(?([\w.$\[\]]+)|([\w.$\[\]]+) instanceof\b"
)


@lru_cache(maxsize=16384)
def kinds(condition: str) -> frozenset[str]:
    """Of what a condition asks of which kind it is."""
    return frozenset(next(filter(None, match.groups())) for match in _KINDS.finditer(condition))
