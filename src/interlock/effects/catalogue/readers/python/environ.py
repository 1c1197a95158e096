"""Single variables of the environment in Python text, by name: what such a name says flows, not the environment."""

from __future__ import annotations

import ast
from collections.abc import Callable

_TAKES_ONE = frozenset(("get", "pop", "setdefault", "__getitem__"))


def single_variables(nodes: list[ast.AST], name_of: Callable[[ast.expr], object]) -> tuple[set[int], set[str]]:
    """The nodes of `os.environ` from which no more than one variable is taken (by `id`), and those variables.

    Args:
        name_of: the dotted name that an expression stands for, its imports followed.
    """
    single: set[int] = set()
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Subscript):
            base, key = node.value, node.slice
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            single.add(id(node.comparators[0]))
            continue
        elif isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Attribute):
            if name_of(node.func) == "os.getenv":
                base, key = node.func, node.args[0]
            elif node.func.attr in _TAKES_ONE:
                base, key = node.func.value, node.args[0]
            else:
                continue
        else:
            continue
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            single.add(id(base))
            if name_of(base) in ("os.environ", "os.getenv"):
                names.add(key.value)
    return single, names
