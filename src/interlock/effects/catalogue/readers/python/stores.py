"""Which database a Python text opens: one in memory, a file of the project's, or one that nobody can tell."""

from __future__ import annotations

import ast
from collections.abc import Callable
from enum import Enum
from typing import Any

_OPENS = frozenset({"sqlite3.connect", "duckdb.connect", "aiosqlite.connect", "apsw.Connection"})
_ENGINES = ("create_engine", "create_async_engine")


class Store(Enum):
    """Where the rows are."""

    UNKNOWN = 0
    OURS = 1
    MEMORY = 2


def store(
    nodes: list[ast.AST], name: Callable[[ast.AST], str], value: Callable[[ast.AST], Any], ours: Callable[[str], bool]
) -> Store:
    """The one kind of database that every connection of the text opens."""
    found = {_opened(node, name, value, ours) for node in nodes if isinstance(node, ast.Call)} - {None}
    return found.pop() or Store.UNKNOWN if len(found) == 1 else Store.UNKNOWN


def _opened(
    node: ast.Call, name: Callable[[ast.AST], str], value: Callable[[ast.AST], Any], ours: Callable[[str], bool]
) -> Store | None:
    called = name(node.func)
    engine = called.rpartition(".")[2] in _ENGINES
    if called not in _OPENS and not engine and called.rpartition(".")[2] not in ("connect", "Connection", "Redis"):
        return None
    where = value(node.args[0]) if node.args else None
    if called not in _OPENS and not engine:
        return None if called == "" and not node.args else Store.UNKNOWN
    if not isinstance(where, str):
        return Store.MEMORY if where is None and called == "duckdb.connect" else Store.UNKNOWN
    if engine:
        scheme, _, where = where.partition("://")
        if scheme.split("+", maxsplit=1)[0] not in ("sqlite", "duckdb"):
            return Store.UNKNOWN
        where = where.removeprefix("/")
    if where in ("", ":memory:") or where.startswith("file::memory:"):
        return Store.MEMORY
    return Store.OURS if "://" not in where and not where.startswith("file:") and ours(where) else Store.UNKNOWN
