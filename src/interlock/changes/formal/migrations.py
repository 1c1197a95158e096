"""Whether a database migration can be taken back, and what it locks that `static` does not know: Django and Alembic.

Pure. Lost data and lossy or locking statements are rules of `static.toml`; here is what needs the syntax tree.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

# What takes nothing away: without a way back a person drops it again by hand.
_ADDS = frozenset({"create_index", "create_table", "add_column", "batch_alter_table", "f"})
_TYPES = frozenset({"sa", "sqlalchemy", "postgresql", "mysql", "sqlite"})
_CONSTRAINTS = frozenset({"create_foreign_key", "create_check_constraint", "AddConstraint"})
_INDEX = "Building this index stops all writes to the table."


class Doubt(NamedTuple):
    """One thing to look at: its rule's name, line, sentence and what to do. `grave`: before it is merged."""

    rule: str
    line: int
    title: str
    fix: str
    grave: bool = True


def is_migration(path: str) -> bool:
    """Whether a Python file is a migration by where it lies."""
    return path.endswith(".py") and ("/migrations/" in f"/{path}" or "/versions/" in f"/{path}")


def doubts(text: str) -> Iterator[Doubt]:
    """What is doubtful in one migration; nothing where it does not parse (other stages say so)."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    up = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if "upgrade" in up and any(not isinstance(part, ast.Pass) for part in _said(up["upgrade"])):
        down = up.get("downgrade")
        if down is None or all(isinstance(part, ast.Pass | ast.Raise) for part in _said(down)):
            yield Doubt(
                "one-way", up["upgrade"].lineno, "This migration cannot be taken back: its downgrade does not go back.",
                "Write the downgrade, or say how the data is restored.", grave=not _adds_only(up["upgrade"]),
            )  # fmt: skip
    created = _created(tree)
    for node in ast.walk(up.get("upgrade", tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield from _call(node, created)


def _said(node: ast.FunctionDef) -> list[ast.stmt]:
    return [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]


def _created(tree: ast.AST) -> set[str]:
    """Tables that the migration makes itself: nobody waits for them."""
    return {
        str(node.args[0].value).lower()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node) in ("create_table", "CreateModel")
        for _ in node.args[:1]
        if isinstance(node.args[0], ast.Constant)
    } | {
        str(k.value.value).lower()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node) == "CreateModel"
        for k in node.keywords
        if k.arg == "name" and isinstance(k.value, ast.Constant)
    }


def _name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _call(node: ast.Call, created: set[str]) -> Iterator[Doubt]:
    name, given = _name(node), {k.arg: k.value for k in node.keywords}
    table = _table(node, given, 1 if name in ("create_index", "create_foreign_key", "create_check_constraint") else 0)
    if name == "RunPython" and "reverse_code" not in given and len(node.args) < 2:
        yield Doubt("one-way", node.lineno, "RunPython has no reverse_code: this cannot be taken back.", "Give one.")
    elif name == "RunSQL" and "reverse_sql" not in given and len(node.args) < 2:
        yield Doubt("one-way", node.lineno, "RunSQL has no reverse_sql: this cannot be taken back.", "Give one.")
    elif name == "create_index" and table not in created and not _true(given.get("postgresql_concurrently")):
        yield _locks(node, _INDEX, "postgresql_concurrently=True", grave=False)
    elif name == "AddIndex" and table not in created:
        yield _locks(node, _INDEX, "AddIndexConcurrently", grave=False)
    elif name in _CONSTRAINTS and table not in created and not _true(given.get("postgresql_not_valid")):
        yield _locks(node, "This constraint is checked on every row while others wait.", "NOT VALID first")


def _locks(node: ast.Call, title: str, instead: str, *, grave: bool = True) -> Doubt:
    return Doubt(
        "locks", node.lineno, title, f"Do it without the lock ({instead}), and apart from other changes.", grave
    )


def _adds_only(node: ast.FunctionDef) -> bool:
    """Whether every call in it adds something, or describes what is added."""
    called = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
    operations = [part for part in called if not _describes(part.func)]
    return bool(operations) and all(isinstance(p.func, ast.Attribute) and p.func.attr in _ADDS for p in operations)


def _describes(node: ast.expr) -> bool:
    """Whether this is a type or a column of SQLAlchemy's."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in _TYPES


def _true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _table(node: ast.Call, given: dict[str | None, ast.expr], place: int) -> str:
    for key in ("table_name", "model_name", "source_table"):
        value = given.get(key)
        if isinstance(value, ast.Constant):
            return str(value.value).lower()
    at = node.args[place] if len(node.args) > place else None
    return str(at.value).lower() if isinstance(at, ast.Constant) else ""
