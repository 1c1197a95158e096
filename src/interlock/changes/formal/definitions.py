"""Which names of a condition mean something else in the new version of its function. Pure.

A name means the same while every statement that gives it a value has the same text in both versions. What a called
function, or another thread, does to it is not seen; the finding says what was assumed.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections import Counter

_ASSIGNED = r"(?<![\w$.=!<>]){name}(?:\.[\w$]+|\[[^\]\n]*\])*\s*(?::=|[-+*/|&^%]?=(?!=)|\+\+|--)[^\n;]*"


def moved(before: str, after: str, names: frozenset[str]) -> frozenset[str]:
    """The names that are given other values in `after` than in `before`, both texts of one function."""
    one, other = _given(before), _given(after)
    if one is None or other is None:
        return frozenset(name for name in names if _written(before, name) != _written(after, name))
    return frozenset(name for name in names if one[name] != other[name])


def _given(source: str) -> dict[str, Counter[str]] | None:
    """name -> the texts of the statements that give it a value, of a Python function."""
    try:
        tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found: dict[str, Counter[str]] = _Given()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            continue
        for target in _targets(node):
            for part in ast.walk(target):
                if isinstance(part, ast.Name):
                    found[part.id][_text(node)] += 1
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    found[argument.arg]["a parameter"] += 1
    return found


class _Given(dict[str, Counter[str]]):
    def __missing__(self, name: str) -> Counter[str]:
        self[name] = Counter()
        return self[name]


def _targets(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.Assign):
        return list(node.targets)
    if isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr | ast.For | ast.AsyncFor | ast.comprehension):
        return [node.target]
    if isinstance(node, ast.With | ast.AsyncWith):
        return [item.optional_vars for item in node.items if item.optional_vars is not None]
    return list(node.targets) if isinstance(node, ast.Delete) else []


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
    if isinstance(node, ast.With | ast.AsyncWith):
        return "with " + ", ".join(ast.unparse(item) for item in node.items)
    return ast.unparse(node)


def _written(source: str, name: str) -> Counter[str]:
    """The same for a text of another language, by the shape of an assignment."""
    pattern = _ASSIGNED.format(name=re.escape(name))
    return Counter(" ".join(match.split()) for match in re.findall(pattern, source[:200_000]))
