"""Statements about the database rather than about rows: CREATE, ALTER, DROP, GRANT, COPY, ATTACH, SET, USE, PRAGMA."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from interlock.effects.environments import hinted
from interlock.effects.sql.context import Scope
from interlock.effects.sql.names import packaged
from interlock.model import labels
from interlock.model.effect import ALL, MANY, Effect, Environment, Resource, Reversibility, Verb

Effects = Iterator[Effect]
_PRAGMA = re.compile(r"\s*pragma\s+(?:\w+\s*\.\s*)?(\w+)\s*([=(]?)", re.IGNORECASE)
_CODE_KINDS = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "MACRO", "TASK"})


def effects(tree: exp.Expr, text: str, scope: Scope, targets: set[int]) -> Effects:
    """The effects of the root when it defines, changes rights or moves files; none for a plain query."""
    for kind, reader in _READERS.items():
        if isinstance(tree, kind):
            yield from reader(tree, text, scope, targets)
            return
    if not isinstance(tree, _ROWS):
        yield scope.unread(text, f"a statement that is not understood ({type(tree).__name__})")


def knows(tree: exp.Expr) -> bool:
    """Whether the root is a statement that this file or the row changes have words for."""
    return isinstance(tree, (*_READERS, *_ROWS))


_ROWS = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable, exp.Values)


def _drop(node: exp.Drop, text: str, scope: Scope, targets: set[int]) -> Effects:
    kind = str(node.args.get("kind") or "?").upper()
    tables = node.args.get("tables") or ([node.this] if node.this is not None else [])
    cascade = " with everything that hangs on it" if node.args.get("cascade") else ""
    for table in tables or [None]:
        _claim(table, targets)
        if kind in packaged().words.databases:
            name = _dotted(table)
            own = (
                kind == "DATABASE" or scope.dialect == "mysql" or re.match(r"\s*drop\s+database\b", text, re.IGNORECASE)
            )
            schema = name if own or not scope.database else f"{scope.database}.{name}"
            resource = scope.whole_database(schema, extra=(labels.WHOLE,))
        else:
            resource = _table(table, scope, (labels.WHOLE,) if kind not in packaged().words.definitions else ())
        only = kind in packaged().words.definitions and not cascade
        yield scope.effect(
            Verb.DELETE,
            resource,
            f"drops the {kind.lower()} {resource.name}{cascade}",
            reversibility=Reversibility.RECOVERABLE if only else Reversibility.IRREVERSIBLE,
            scale=MANY if only else ALL,
            environment=_said_by(resource, scope) if kind in packaged().words.databases else None,
        )


def _said_by(resource: Resource, scope: Scope) -> Environment | None:
    """A database that is called production is production, unless the user's map has spoken."""
    if scope.environment in (Environment.UNKNOWN, Environment.MACHINE):
        said = hinted("database", resource.name)
        return said if said is Environment.PRODUCTION else None
    return None


def _create(node: exp.Create, text: str, scope: Scope, targets: set[int]) -> Effects:
    kind = str(node.args.get("kind") or "?").upper()
    this = node.this
    if isinstance(this, exp.Index):
        this = this.args.get("table") or this
    table = this.find(exp.Table) if isinstance(this, exp.Expr) else None
    _claim(table, targets)
    if kind in _CODE_KINDS or isinstance(node.this, exp.UserDefinedFunction):
        resource = scope.whole_database(extra=(labels.EXECUTES_LATER,))
        note = f"makes a {kind.lower()}: code that the database runs later"
        yield scope.effect(Verb.CONFIGURE, resource, note, reversibility=Reversibility.RECOVERABLE)
        return
    if kind in packaged().words.databases:
        resource = scope.whole_database(_dotted(table))
    elif kind in ("TABLE", "VIEW", "INDEX", "SEQUENCE", "TYPE", "DOMAIN", "STAGE", "STREAM", "POLICY", "?"):
        resource = _table(table, scope, ())
    else:
        yield scope.unread(text, f"CREATE {kind[:40]} is not understood")
        return
    replaces = bool(node.args.get("replace")) and kind == "TABLE"
    verb = Verb.OVERWRITE if node.args.get("replace") else Verb.CREATE
    yield scope.effect(
        verb,
        resource,
        f"{'replaces' if replaces else 'makes'} the {kind.lower()} {resource.name}",
        reversibility=Reversibility.IRREVERSIBLE if replaces else Reversibility.REVERSIBLE,
        scale=ALL if replaces else MANY,
    )


def _alter(node: exp.Alter, text: str, scope: Scope, targets: set[int]) -> Effects:
    kind = str(node.args.get("kind") or "?").upper()
    _claim(node, targets)
    resource = (
        scope.whole_database(_dotted(node.this)) if kind in packaged().words.databases else _table(node.this, scope, ())
    )
    actions = node.args.get("actions") or []
    if not actions:
        yield scope.unread(text, f"ALTER {kind[:40]} without an action that is understood")
    for action in actions:
        yield from _action(action, resource, text, scope)


def _action(action: exp.Expr, resource: Resource, text: str, scope: Scope) -> Effects:
    name = resource.name
    if isinstance(action, exp.Drop):
        what = str(action.args.get("kind") or "part").lower()
        loses = what in ("column", "partition", "part")
        yield scope.effect(
            Verb.DELETE if loses else Verb.CONFIGURE,
            Resource(resource.kind, name, tuple(sorted({*resource.labels, *((labels.WHOLE,) if loses else ())}))),
            f"drops the {what} {_names(action)} of {name}" + (" in every row" if loses else ""),
            reversibility=Reversibility.IRREVERSIBLE if loses else Reversibility.RECOVERABLE,
            scale=ALL if loses else MANY,
        )
    elif isinstance(action, exp.DropPartition):
        whole = Resource(resource.kind, name, tuple(sorted({*resource.labels, labels.WHOLE})))
        yield scope.effect(
            Verb.DELETE, whole, f"drops a partition of {name}", reversibility=Reversibility.IRREVERSIBLE, scale=MANY
        )
    elif isinstance(action, exp.AlterColumn | exp.ModifyColumn):
        note = f"changes a column of {name}"
        typed = isinstance(action, exp.ModifyColumn) or action.args.get("dtype") is not None
        reversibility = Reversibility.IRREVERSIBLE if typed else Reversibility.RECOVERABLE
        yield scope.effect(Verb.CONFIGURE, resource, note, reversibility=reversibility)
    elif isinstance(
        action,
        exp.ColumnDef
        | exp.AddConstraint
        | exp.AlterRename
        | exp.RenameColumn
        | exp.RenameIndex
        | exp.AlterIndex
        | exp.Constraint
        | exp.Schema,
    ):
        yield scope.effect(
            Verb.CONFIGURE, resource, f"changes the form of {name}", reversibility=Reversibility.RECOVERABLE
        )
    else:
        yield scope.unread(text, f"ALTER with an action that is not understood ({type(action).__name__})")


def _rights(node: exp.Expr, _text: str, scope: Scope, targets: set[int]) -> Effects:
    securable = node.args.get("securable")
    _claim(securable if isinstance(securable, exp.Expr) else None, targets)
    table = securable if isinstance(securable, exp.Table) else None
    named = table is not None and table.name not in ("", "*")
    resource = _table(table, scope, ()) if named else scope.whole_database()
    word = "grants" if isinstance(node, exp.Grant) else "revokes"
    whom = ", ".join(p.sql() for p in node.args.get("principals") or [])[:120]
    note = f"{word} rights on {resource.name} {'to' if word == 'grants' else 'from'} {whom}"
    yield scope.effect(Verb.GRANT, resource, note, reversibility=Reversibility.RECOVERABLE)


def _copy(node: exp.Copy, text: str, scope: Scope, targets: set[int]) -> Effects:
    into = bool(node.args.get("kind"))
    files = node.args.get("files") or []
    names = [f.name for f in files if isinstance(f, exp.Expr)]
    table = (
        node.this
        if isinstance(node.this, exp.Table)
        else node.this.find(exp.Table)
        if isinstance(node.this, exp.Expr)
        else None
    )
    if (
        not names
        or any(n.upper() == "PROGRAM" for n in names)
        or "PROGRAM" in text.upper().split("WITH")[0].split("'")[0]
    ):
        yield scope.unread(text, "COPY with a program, or without a file that is understood")
        return
    stream = all(n.upper() in ("STDIN", "STDOUT") for n in names)
    if into:
        if isinstance(table, exp.Table) and not isinstance(table.this, exp.Var):
            _claim(table, targets)
            resource = _table(table, scope, ())
            yield scope.effect(
                Verb.WRITE,
                resource,
                f"loads rows into {resource.name}",
                reversibility=Reversibility.RECOVERABLE,
                scale=MANY,
            )
        else:
            yield scope.unread(text, "COPY into something that is no table")
    if stream:
        return
    for name in names:
        verb = Verb.READ if into else Verb.OVERWRITE
        yield scope.effect(
            verb,
            scope.file(name),
            f"COPY {'from' if into else 'to'} a file",
            reversibility=Reversibility.IRREVERSIBLE if not into else Reversibility.REVERSIBLE,
        )


def _attach(node: exp.Attach, text: str, scope: Scope, _targets: set[int]) -> Effects:
    inner = node.this.this if isinstance(node.this, exp.Alias) else node.this
    if not isinstance(inner, exp.Literal):
        yield scope.unread(text, "attaches a database whose name is worked out")
        return
    path = inner.name
    if not path or path.startswith((":memory:", "file::memory:")):
        yield scope.effect(Verb.CREATE, scope.whole_database("memory"), "attaches a database in memory")
    elif "://" in path or ":" in path.split("/")[0]:
        yield scope.unread(text, "attaches a database that is not a file")
    else:
        yield scope.effect(
            Verb.WRITE,
            scope.file(path),
            "attaches a database file, making it when it is missing",
            reversibility=Reversibility.RECOVERABLE,
        )


def _set(_node: exp.Set, text: str, scope: Scope, _targets: set[int]) -> Effects:
    head = text.upper()
    if any(word in head for word in ("PASSWORD", "ROLE", "AUTHORIZATION", "SESSION_USER")):
        yield scope.effect(
            Verb.GRANT, scope.whole_database(), "changes whose rights count", reversibility=Reversibility.RECOVERABLE
        )
    elif any(word in head for word in ("GLOBAL", "PERSIST", "SYSTEM")):
        note = "changes a setting of the whole server"
        yield scope.effect(Verb.CONFIGURE, scope.whole_database(), note, reversibility=Reversibility.RECOVERABLE)
    else:
        yield scope.effect(Verb.READ, scope.whole_database(), "sets a variable of its own session")


def _detach(_node: exp.Detach, _text: str, scope: Scope, _targets: set[int]) -> Effects:
    if scope.dialect in ("sqlite", "duckdb"):
        yield scope.effect(Verb.READ, scope.whole_database(), "lets go of an attached database")
        return
    note = "takes a table or database out of the server's view"
    yield scope.effect(Verb.CONFIGURE, scope.whole_database(), note, reversibility=Reversibility.RECOVERABLE)


def _use(node: exp.Use, text: str, scope: Scope, targets: set[int]) -> Effects:
    if re.match(r"\s*use\s+(?:secondary\s+)?roles?\b", text, re.IGNORECASE):
        note = "changes whose rights count"
        _claim(node, targets)
        yield scope.effect(Verb.GRANT, scope.whole_database(), note, reversibility=Reversibility.RECOVERABLE)
        return
    table = node.this if isinstance(node.this, exp.Table) else None
    _claim(table, targets)
    if table is not None and table.name:
        scope.database = table.name
    yield scope.effect(Verb.READ, scope.whole_database(), "changes to another database")


def _pragma(_node: exp.Pragma, text: str, scope: Scope, _targets: set[int]) -> Effects:
    match = _PRAGMA.match(text)
    name, value = (match[1].casefold(), match[2]) if match else ("?", "=")
    # `journal_mode(WAL)` sets, `table_info(t)` asks: the names that ask say so.
    asks = not value or (value == "(" and name.endswith(("_info", "_xinfo", "_list", "_check")))
    if asks and name in packaged().words.looking_pragmas:
        yield scope.effect(Verb.READ, scope.whole_database(), f"pragma {name}: only looks")
        return
    yield scope.effect(
        Verb.CONFIGURE, scope.whole_database(), f"pragma {name[:40]}", reversibility=Reversibility.RECOVERABLE
    )


def _looks(_node: exp.Expr, _text: str, scope: Scope, _targets: set[int]) -> Effects:
    yield scope.effect(Verb.READ, scope.whole_database(), "only looks")


def _small(node: exp.Expr, _text: str, scope: Scope, targets: set[int]) -> Effects:
    table = node.find(exp.Table)
    _claim(table, targets)
    resource = _table(table, scope, ()) if table is not None else scope.whole_database()
    note = f"{type(node).__name__.lower()}: keeps every row"
    yield scope.effect(Verb.CONFIGURE, resource, note, reversibility=Reversibility.RECOVERABLE)


def _nothing(_node: exp.Expr, _text: str, _scope: Scope, _targets: set[int]) -> Effects:
    return iter(())


_READERS: dict[type[exp.Expr], Callable[..., Effects]] = {
    exp.Drop: _drop,
    exp.Create: _create,
    exp.Alter: _alter,
    exp.Grant: _rights,
    exp.Revoke: _rights,
    exp.Copy: _copy,
    exp.Attach: _attach,
    exp.Detach: _detach,
    exp.Set: _set,
    exp.Use: _use,
    exp.Pragma: _pragma,
    exp.Show: _looks,
    exp.Describe: _looks,
    exp.Summarize: _looks,
    exp.Declare: _nothing,
    exp.Analyze: _small,
    exp.Comment: _small,
    exp.Refresh: _small,
    exp.Cache: _small,
    exp.Uncache: _small,
    exp.Undrop: _small,
    exp.Transaction: _nothing,
    exp.Commit: _nothing,
    exp.Rollback: _nothing,
}


def _claim(node: exp.Expr | None, targets: set[int]) -> None:
    if isinstance(node, exp.Expr):
        targets.update(id(table) for table in node.find_all(exp.Table))


def _table(node: exp.Expr | None, scope: Scope, extra: tuple[str, ...]) -> Resource:
    table = node if isinstance(node, exp.Table) else node.find(exp.Table) if isinstance(node, exp.Expr) else None
    return scope.table(table if table is not None else exp.Table(), extra=extra)


def _dotted(node: exp.Expr | None) -> str:
    if isinstance(node, exp.Table):
        return ".".join(p for p in (node.catalog, node.db, node.name) if p) or "?"
    return node.name if isinstance(node, exp.Expr) and node.name else "?"


def _names(node: exp.Drop) -> str:
    items = node.args.get("tables") or [node.this]
    return ", ".join(i.name for i in items if isinstance(i, exp.Expr))[:120]
