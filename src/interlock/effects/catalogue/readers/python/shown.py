"""Python's innards where a text only shows them: `print(user.__dict__)`, `obj.__class__.__name__`."""

from __future__ import annotations

import ast
from collections.abc import Callable

from interlock.effects.catalogue.readers.python import names as N  # noqa: N812 - the names are used on every line

_SHOWS = frozenset({"print", "repr", "str", "len", "sorted", "dir", "list", "pprint.pprint", "pprint.pp", "json.dumps"})
_NAMES = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})
_SHOWN = frozenset({"__dict__", "__class__", "__mro__", "__bases__"})


def shown(nodes: list[ast.AST], name: Callable[[ast.AST], str]) -> set[int]:
    """Ids of the nodes that name innards whose value only becomes text; a standard module's own do not count."""
    out: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.FormattedValue) or (isinstance(node, ast.Attribute) and node.attr in _NAMES):
            _add(out, node.value, name)
        elif isinstance(node, ast.Call) and name(node.func) in _SHOWS:
            for argument in node.args:
                _add(out, argument, name)
    return out


def _add(out: set[int], node: ast.expr, name: Callable[[ast.AST], str]) -> None:
    if isinstance(node, ast.Attribute) and node.attr in _SHOWN and not _standard(name(node.value)):
        out.add(id(node))
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "vars"
        and len(node.args) == 1
        and not _standard(name(node.args[0]))
    ):
        out.add(id(node.func))


def _standard(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in N.STANDARD
