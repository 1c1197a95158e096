"""The parts of a condition that are true or false on their own; negation and order do not count. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import lru_cache

_MOST = 4_000  # characters of a condition that is taken apart
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.NotEq: ast.Eq,
    ast.IsNot: ast.Is,
    ast.NotIn: ast.In,
    ast.GtE: ast.Lt,
    ast.LtE: ast.Gt,
}
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}


def parsed(condition: str) -> ast.expr | None:
    """The condition's tree, chains of comparisons taken apart; or None where it is no Python expression."""
    if len(condition) > _MOST:
        return None
    try:
        tree = ast.parse(condition, mode="eval").body
        tree = _Named().visit(tree) if ":=" in condition else tree
        return (
            _Chains().visit(tree) if any(len(n.ops) > 1 for n in ast.walk(tree) if isinstance(n, ast.Compare)) else tree
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Named(ast.NodeTransformer):
    """`(n := count()) > most` as `n > most`: the name is what is asked about."""

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        return ast.Name(node.target.id, ast.Load())


class _Chains(ast.NodeTransformer):
    """`0 < n <= most` as `0 < n and n <= most`: each of the two is true or false on its own."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        links: list[ast.expr] = [
            ast.Compare(left, [sign], [right]) for left, sign, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return ast.BoolOp(ast.And(), links) if len(links) > 1 else node


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
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return ast.unparse(node)
    left, sign, right = node.left, type(node.ops[0]), node.comparators[0]
    if isinstance(left, ast.Constant) and not isinstance(right, ast.Constant) and sign in _MIRRORED:
        left, sign, right = right, _MIRRORED[sign], left  # `0 < n` is `n > 0`
    elif not isinstance(right, ast.Constant) and sign in _ORDER and ast.unparse(right) < ast.unparse(left):
        left, sign, right = right, _MIRRORED[sign], left  # one of two is written: `a < b`, never `b > a`
    return ast.unparse(ast.Compare(left, [_OPPOSITE.get(sign, sign)()], [right]))


def turned(node: ast.expr) -> bool:
    """Whether a condition is true where its atom is not: `a != b`, whose atom is `a == b`."""
    return isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPPOSITE


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


_VARIABLE = re.compile(r"(?<![\w$.'\"])[a-z_$][\w$]*(?![\w$(])")


@lru_cache(maxsize=16384)
def variables(condition: str) -> frozenset[str]:
    """What a condition is about: names that stand at the beginning, neither called nor constants."""
    tree = parsed(condition)
    if tree is None:
        return frozenset()
    found: set[str] = set()
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    own = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            text = re.sub(r"'[^']*'|\"[^\"]*\"", "", str(getattr(node.args[0], "value", "")) if node.args else "")
            found.update(_VARIABLE.findall(text))
        elif isinstance(node, ast.Name) and id(node) not in called and not node.id.isupper():
            found.add(node.id)
    return frozenset(found - own)


def bounds(before: str, after: str) -> bool:
    """Whether two conditions differ in comparisons by order alone: a bound was moved."""
    different = atoms(before) ^ atoms(after)
    trees = [parsed(atom) for atom in different]
    order = ast.Lt | ast.LtE | ast.Gt | ast.GtE
    return bool(trees) and all(isinstance(t, ast.Compare) and any(isinstance(o, order) for o in t.ops) for t in trees)


def another_case(fresh: Iterable[str], known: Iterable[str]) -> bool:
    """Whether each fresh atom asks for another value of something that a known one asks for a value of already."""
    asked = {subject for atom in known if (subject := _dispatched(atom))}
    return all(_dispatched(atom) in asked for atom in fresh)


def _dispatched(atom: str) -> str:
    """What is compared with a value that the program names: `code` in `code == sre.IN`."""
    tree = parsed(atom)
    if not isinstance(tree, ast.Compare) or not isinstance(tree.ops[0], ast.Eq | ast.In | ast.Is) or len(tree.ops) > 1:
        return ""
    right = tree.comparators[0]
    values = right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else [right]
    named = all(isinstance(one, ast.Constant) or re.fullmatch(r"[\w.]+", ast.unparse(one)) for one in values)
    return ast.unparse(tree.left) if named else ""


_KINDS = re.compile(
    r"(?:isinstance|issubclass|isArray|isString|isNumber|isPlainObject|isFunction|isBuffer|isObject)\(([\w.$\[\]]+)"
    r"|typeof\s*\(?([\w.$\[\]]+)|([\w.$\[\]]+) instanceof\b"
)


_ONE_KIND = re.compile(
    r"""(?:_\(['"])?[\w.$]+ instanceof (?P<one>[A-Za-z_$][\w$]*)(?:['"]\))?"""
    r"|isinstance\([\w.]+, (?P<other>[A-Za-z_]\w*)\)"
)


@lru_cache(maxsize=16384)
def kinds(condition: str) -> frozenset[str]:
    """Of what a condition asks of which kind it is."""
    return frozenset(next(filter(None, match.groups())) for match in _KINDS.finditer(condition))


def signs(condition: str) -> dict[str, bool]:
    """Atom -> whether the condition leans to true where the atom is."""
    found: dict[str, bool] = {}
    tree = parsed(condition)
    stack = [(tree, True)] if tree is not None else []
    while stack:
        node, sign = stack.pop()
        if isinstance(node, ast.BoolOp):
            stack += [(value, sign) for value in node.values]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            stack.append((node.operand, not sign))
        elif not isinstance(node, ast.Constant):
            text = ast.unparse(node)
            (atom,) = atoms(text) or {text}
            found[atom] = sign is not turned(node)
    return found


def kind_of(condition: str) -> str:
    """The kind for which a condition asks, where it holds for that kind and for nothing else; else nothing."""
    tree = parsed(condition) if condition else None
    found = _ONE_KIND.fullmatch(ast.unparse(tree)) if tree is not None else None
    return (found["one"] or found["other"]) if found else ""
