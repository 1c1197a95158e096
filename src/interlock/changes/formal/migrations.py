"""Whether a migration can be taken back, and what it locks or loses that `static` does not see: Django, Alembic, SQL.

Pure. Most lossy and locking statements are rules of `static.toml`; here is what needs the syntax tree.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from typing import NamedTuple

from interlock.changes.formal import ddl
from interlock.changes.forward import forward

# What takes nothing away: without a way back a person drops it again by hand.
_ADDS = frozenset({"create_index", "create_table", "add_column", "batch_alter_table", "f"})
_TYPES = frozenset({"sa", "sqlalchemy", "postgresql", "mysql", "sqlite"})
_CONSTRAINTS = frozenset({"create_foreign_key", "create_check_constraint", "AddConstraint"})
_REVERSED = {"RunPython": "reverse_code", "RunSQL": "reverse_sql"}
_RENAMES = dict.fromkeys(
    ("rename_table", "RenameField", "RenameModel", "AlterModelTable"),
    "Add the new name beside it, and drop the old one in a later release.",
)
_KEEP = "Stop using it first, keep a copy, and drop it in a later release."
_FILL = "Add it nullable or with a default, fill it in steps, then tighten it."
_CHECKED = "This constraint is checked on every row while others wait."
_INDEX = "Building this index stops all writes to the table."


class Doubt(NamedTuple):
    """One thing to look at: its rule's name, line, sentence and what to do. `grave`: before it is merged."""

    rule: str
    line: int
    title: str
    fix: str
    grave: bool = True


def is_migration(path: str) -> bool:
    """Whether a file is a migration by where it lies: Python, or SQL."""
    return path.endswith((".py", ".sql")) and any(
        f"/{name}/" in f"/{path}" for name in ("migrations", "migration", "migrate", "versions")
    )


def doubts(path: str, text: str, paths: Container[str] = ()) -> Iterator[Doubt]:
    """What is doubtful in one migration; nothing where it does not parse (other stages say so). `paths`: the tree's."""
    if path.endswith(".sql"):
        yield from _plain(path, text, paths)
    else:
        yield from _python(text)


def _plain(path: str, text: str, paths: Container[str]) -> Iterator[Doubt]:
    ahead = forward(text, text, path)
    for one in ddl.doubtful(ahead):
        yield Doubt(one.rule, ahead.count("\n", 0, one.at) + 1, one.title, one.fix, one.grave)
    stem = path.removesuffix(".up.sql")
    if stem != path and f"{stem}.down.sql" not in paths:
        title = "This migration cannot be taken back: nothing lies beside it that goes back."
        fix = "Write it (.down.sql), or say how the data is restored."
        yield Doubt("one-way", 1, title, fix, grave=not ddl.adds_only(text))


def _python(text: str) -> Iterator[Doubt]:
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
    yield from _reversed(node, name, given)
    if name in ("execute", "RunSQL"):
        yield from _embedded(node)
    elif name == "drop_column" and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) != "op":
        yield Doubt("loses", node.lineno, "A migration takes data away for good.", _KEEP)
    elif name in _RENAMES:
        yield Doubt("locks", node.lineno, "What runs while this is rolled out asks for the old name.", _RENAMES[name])
    elif name == "AlterField":
        yield _locks(
            node, "Where its type changes, every row is written anew while others wait.", "a new field", grave=False
        )
    elif name in ("add_column", "alter_column"):
        yield from _column(node, name, given)
    elif name == "create_index" and table not in created and not _says(given.get("postgresql_concurrently"), True):
        yield _locks(node, _INDEX, "postgresql_concurrently=True", grave=False)
    elif name == "AddIndex" and table not in created:
        yield _locks(node, _INDEX, "AddIndexConcurrently", grave=False)
    elif name in _CONSTRAINTS and table not in created and not _says(given.get("postgresql_not_valid"), True):
        yield _locks(node, _CHECKED, "NOT VALID first")
    elif name == "create_unique_constraint" and table not in created:
        yield _locks(node, _CHECKED, "from an index that was built CONCURRENTLY")


def _reversed(node: ast.Call, name: str, given: dict[str | None, ast.expr]) -> Iterator[Doubt]:
    if name in _REVERSED:
        back = given.get(_REVERSED[name], node.args[1] if len(node.args) > 1 else None)
        if back is None or (isinstance(back, ast.Constant) and not back.value):
            title = f"{name} has no {_REVERSED[name]}: this cannot be taken back."
            yield Doubt("one-way", node.lineno, title, "Give one.")


def _column(node: ast.Call, name: str, given: dict[str | None, ast.expr]) -> Iterator[Doubt]:
    """What is done to a column; `static` sees what stands on one line."""
    if name == "alter_column" and _says(given.get("nullable"), False):
        yield _locks(node, _CHECKED, "a CHECK that is NOT VALID first")
    if node.lineno == node.end_lineno:
        return
    if name == "add_column" and _needed(node):
        yield Doubt("locks", node.lineno, "This column fails on rows that are there.", _FILL)
    elif name == "alter_column" and given.keys() & {"type_", "new_column_name"}:
        yield _locks(
            node, "Rows are written anew while others wait, or running code asks for the old name.", "a new column"
        )


def _embedded(node: ast.Call) -> Iterator[Doubt]:
    """SQL that a migration hands on as it stands."""
    for part in ast.walk(node.args[0] if node.args else node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            for one in ddl.doubtful(part.value, embedded=True):
                yield Doubt(one.rule, node.lineno, one.title, one.fix, one.grave)


def _needed(node: ast.Call) -> bool:
    """Whether the column that is added may not be empty and has nothing for the rows that are there."""
    column = next((part for part in ast.walk(node) if isinstance(part, ast.Call) and _name(part) == "Column"), None)
    given = {} if column is None else {k.arg: k.value for k in column.keywords}
    return _says(given.get("nullable"), False) and "server_default" not in given


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


def _says(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _table(node: ast.Call, given: dict[str | None, ast.expr], place: int) -> str:
    for key in ("table_name", "model_name", "source_table"):
        value = given.get(key)
        if isinstance(value, ast.Constant):
            return str(value.value).lower()
    at = node.args[place] if len(node.args) > place else None
    return str(at.value).lower() if isinstance(at, ast.Constant) else ""
