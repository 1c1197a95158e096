"""A question whether there is anything to do, before a loop that does nothing where there is nothing. Pure.

`if not rows: return` before `for row in rows: …` answers what the loop answers by itself, where the loop is the last
that the function does: with anything behind it, what was left out for nothing would be done for nothing.
"""

from __future__ import annotations

import ast
import re

from interlock.changes.guards import verbs
from interlock.changes.guards.atoms import atoms, parsed
from interlock.changes.guards.guard import Function, Guard

_ENDS = re.compile(r"[\s)\]};,]*$")
_MOST_TEXT = 40_000  # characters of a function that is looked through


def needless(guard: Guard, after: Function) -> bool:
    """Whether an early end asked only if something is empty that the rest of the function goes through."""
    if guard.family not in ("nothing", "skip") or verbs.personal(guard.condition) or len(after.source) > _MOST_TEXT:
        return False
    held = _emptiness(guard.condition)
    if not held:
        return False
    lines = after.source.split("\n")
    loop = re.compile(rf"\s*for\b.*(?<![\w$.]){re.escape(held)}(?:\.length\b|\s*\)?\s*[:{{]?\s*$)")
    at = max((n for n, line in enumerate(lines) if loop.match(line)), default=-1)
    if at < 0:
        return False
    depth = _indent(lines[at])
    return all(_ENDS.match(line) or _indent(line) > depth for line in lines[at + 1 :])


def _emptiness(condition: str) -> str:
    """What a condition asks to be empty, where it asks nothing else."""
    tree = parsed(condition)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return _name(tree.operand)
    if isinstance(tree, ast.Compare) and len(atoms(condition)) == 1 and isinstance(tree.ops[0], ast.Eq):
        left, right = tree.left, tree.comparators[0]
        if isinstance(left, ast.Call) and left.args and ast.unparse(right) == "0" and ast.unparse(left.func) == "len":
            return _name(left.args[0])
    return ""


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "len" and node.args:
        node = node.args[0]
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
