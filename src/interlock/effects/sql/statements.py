"""The effects of one parsed statement: what it changes, and what every table and function in it touches."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlglot import exp

from interlock.effects.sql import definitions
from interlock.effects.sql.allowed import unknown_node
from interlock.effects.sql.context import Scope, rows
from interlock.effects.sql.counting import question
from interlock.effects.sql.names import function
from interlock.effects.sql.where import whole
from interlock.model import labels
from interlock.model.effect import ALL, MANY, ONE, Effect, Environment, Kind, Resource, Reversibility, Verb

MAX_NODES = 60_000
# Words that dialects allow between DELETE and FROM, and that the tree library takes for tables.
_MODIFIERS = frozenset({"QUICK", "LOW_PRIORITY", "IGNORE", "TOP"})


def statement_effects(tree: exp.Expr, text: str, scope: Scope) -> Iterator[Effect]:
    """Effects of the statement at the root, of every statement hidden in it, and of its functions."""
    strange = unknown_node(tree, MAX_NODES)
    if strange:
        yield scope.unread(text, f"a part that is not understood ({strange})")
    targets: set[int] = set()
    for node in tree.walk():
        if isinstance(node, exp.Insert | exp.Update | exp.Delete | exp.Merge | exp.TruncateTable | exp.Into):
            yield from _changes(node, scope, targets)
        elif isinstance(node, exp.Func) or _is_call(node):
            yield from _call(node, text, scope)
    if not strange or definitions.knows(tree):
        yield from definitions.effects(tree, text, scope, targets)
    yield from _reads(tree, scope, targets)


# --- rows -------------------------------------------------------------------------------------------------------------


def _changes(node: exp.Expr, scope: Scope, targets: set[int]) -> Iterator[Effect]:
    if isinstance(node, exp.Insert):
        yield from _insert(node, scope, targets)
    elif isinstance(node, exp.Delete):
        yield from _row_change(node, Verb.DELETE, scope, targets)
    elif isinstance(node, exp.Update):
        yield from _row_change(node, Verb.OVERWRITE, scope, targets)
    elif isinstance(node, exp.Merge):
        yield from _merge(node, scope, targets)
    elif isinstance(node, exp.TruncateTable):
        for table in node.expressions:
            resource = _target(table, scope, targets, (labels.WHOLE,))
            note = f"empties {resource.name}: every row"
            scale = msgspec.structs.replace(ALL, question=question(node, table, scope.dialect))
            yield scope.effect(Verb.DELETE, resource, note, reversibility=Reversibility.IRREVERSIBLE, scale=scale)
    elif isinstance(node, exp.Into) and isinstance(node.this.this, exp.Parameter | exp.SessionParameter):
        targets.add(id(node.this))  # into a variable of the session
    elif isinstance(node, exp.Into):
        resource = _target(node.this, scope, targets, ())
        yield scope.effect(Verb.CREATE, resource, f"makes the table {resource.name}")


def _target(node: exp.Expr | None, scope: Scope, targets: set[int], extra: tuple[str, ...]) -> Resource:
    if isinstance(node, exp.Schema):
        node = node.this
    if isinstance(node, exp.Table):
        targets.add(id(node))
        return scope.table(node, extra=extra)
    return Resource(Kind.TABLE, f"{scope.database}.?" if scope.database else "?", tuple(sorted(extra)))


def _insert(node: exp.Insert, scope: Scope, targets: set[int]) -> Iterator[Effect]:
    if isinstance(node.this, exp.Directory):
        path = node.this.this.name if node.this.this is not None else "?"
        yield scope.effect(
            Verb.OVERWRITE,
            scope.file(path),
            "writes its result into a directory",
            reversibility=Reversibility.IRREVERSIBLE,
        )
        return
    place = node.this.this if isinstance(node.this, exp.Schema) else node.this
    known = function(place.name) if isinstance(place, exp.Table) else None
    if known is not None and known.does != "look":
        yield scope.unread(place.name, f"an INSERT into {place.name}(), which {known.why}")
    replaces = bool(node.args.get("overwrite"))
    resource = _target(node.this, scope, targets, (labels.WHOLE,) if replaces else ())
    name = resource.name
    if replaces:
        yield scope.effect(
            Verb.OVERWRITE,
            resource,
            f"replaces every row of {name}",
            reversibility=Reversibility.IRREVERSIBLE,
            scale=ALL,
        )
        return
    yield scope.effect(
        Verb.WRITE, resource, f"adds rows to {name}", reversibility=Reversibility.RECOVERABLE, scale=MANY
    )
    conflict = node.args.get("conflict")
    updates = isinstance(conflict, exp.OnConflict) and conflict.expressions
    alternative = str(node.args.get("alternative") or "").upper()
    if updates or alternative == "REPLACE":
        yield scope.effect(
            Verb.OVERWRITE,
            resource,
            f"changes rows of {name} that are there already",
            reversibility=Reversibility.IRREVERSIBLE,
            scale=MANY,
        )


def _row_change(node: exp.Expr, verb: Verb, scope: Scope, targets: set[int]) -> Iterator[Effect]:
    where, limit = node.args.get("where"), _limit(node)
    everything = whole(where) and not _joined(node) and limit is None
    word = "deletes" if verb is Verb.DELETE else "changes"
    every = node.args.get("tables") or []
    named = [t for t in every if t.name.upper() not in _MODIFIERS]
    targets.update(id(t) for t in every)
    for table in named or [node.this]:
        resource = _target(table, scope, targets, (labels.WHOLE,) if everything else ())
        amount = "every row" if everything else f"at most {limit} rows" if limit is not None else "some rows"
        reason = "" if not everything else " (no WHERE)" if where is None else " (its WHERE lets every row through)"
        yield scope.effect(
            verb,
            resource,
            f"{word} {amount} of {resource.name}{reason}",
            reversibility=Reversibility.IRREVERSIBLE,
            scale=msgspec.structs.replace(
                rows(everything=everything, limit=limit), question=question(node, table, scope.dialect)
            ),
        )


def _limit(node: exp.Expr) -> int | None:
    limit = node.args.get("limit")
    value = limit.expression if isinstance(limit, exp.Limit) else None
    if isinstance(value, exp.Literal) and value.name.isdecimal() and int(value.name) <= 10_000:
        return int(value.name)
    return None


def _joined(node: exp.Expr) -> bool:
    """Whether a join narrows the rows down. A join without a condition narrows nothing."""
    joins = [j for j in node.find_all(exp.Join) if j.find_ancestor(exp.Select, exp.Subquery) is None]
    return any(j.args.get("using") or (j.args.get("on") is not None and not whole(j.args["on"])) for j in joins)


def _merge(node: exp.Merge, scope: Scope, targets: set[int]) -> Iterator[Effect]:
    resource = _target(node.this, scope, targets, ())
    whens = list(node.find_all(exp.When))
    deletes = any(_when_deletes(when) for when in whens)
    note = f"merges rows into {resource.name}"
    yield scope.effect(Verb.OVERWRITE, resource, note, reversibility=Reversibility.IRREVERSIBLE, scale=MANY)
    if deletes:
        note = f"deletes rows of {resource.name} that the merge matches"
        yield scope.effect(Verb.DELETE, resource, note, reversibility=Reversibility.IRREVERSIBLE, scale=MANY)


def _when_deletes(when: exp.When) -> bool:
    then = when.args.get("then")
    return isinstance(then, exp.Delete) or (isinstance(then, exp.Expr) and then.name.upper() == "DELETE")


# --- functions --------------------------------------------------------------------------------------------------------


def _is_call(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous | exp.AnonymousAggFunc | exp.ParameterizedAgg)


def _call(node: exp.Expr, text: str, scope: Scope) -> Iterator[Effect]:
    named = _is_call(node)
    name = _function_name(node) if named else type(node).__name__.lower()
    known = function(name)
    if known is None and not named:
        known = function(node.sql_name()) if isinstance(node, exp.Func) else None
        if known is None or known.does == "look":
            return
    if known is None:
        note = f"calls {name}(), a function that is not built in: it may do anything its owner may"
        yield scope.effect(Verb.EXECUTE, scope.whole_database(), note, reversibility=Reversibility.IRREVERSIBLE)
        return
    yield from _known_call(known.does, name, known.why, node, text, scope)


def _known_call(does: str, name: str, why: str, node: exp.Expr, text: str, scope: Scope) -> Iterator[Effect]:
    note = f"{name}() {why}"
    if does == "read_file":
        yield scope.effect(Verb.READ, _file_read(_first_text(node) or "?", scope), note)
    elif does == "write_file":
        yield scope.effect(
            Verb.OVERWRITE, scope.file(_first_text(node) or "?"), note, reversibility=Reversibility.IRREVERSIBLE
        )
    elif does == "execute":
        yield scope.unread(text, note)
    elif does == "network":
        resource = Resource(Kind.HOST, (_first_text(node) or "?")[:200])
        yield scope.effect(
            Verb.SEND, resource, note, reversibility=Reversibility.IRREVERSIBLE, environment=Environment.UNKNOWN
        )
    elif does == "configure":
        yield scope.effect(Verb.CONFIGURE, scope.whole_database(), note, reversibility=Reversibility.RECOVERABLE)
    elif does == "kill":
        resource = Resource(Kind.PROCESS, f"connections of {scope.database or 'the database'}")
        # A plain number is one connection; anything else is worked out from rows: as many as there are.
        argument = next(iter(node.expressions), None)
        scale = ONE if isinstance(argument, exp.Literal) else ALL
        yield scope.effect(Verb.DELETE, resource, note, reversibility=Reversibility.RECOVERABLE, scale=scale)


def _file_read(path: str, scope: Scope) -> Resource:
    """A file that a function reads: on the server's machine it has the server's rights, so it may hold anything."""
    resource = scope.file(path)
    if scope.files is None and (path.startswith(("/", "~", "\\")) or path[1:2] == ":"):
        found = tuple(sorted({*resource.labels, labels.SECRET}))
        return Resource(resource.kind, resource.name, found)
    return resource


def _function_name(node: exp.Expr) -> str:
    name = node.name or (node.this if isinstance(node.this, str) else "?")
    parent = node.parent
    if isinstance(parent, exp.Dot) and parent.expression is node:
        return f"{parent.this.name}.{name}"
    if isinstance(parent, exp.Table) and parent.db:
        return f"{parent.db}.{name}"
    return str(name)


def _first_text(node: exp.Expr) -> str:
    for literal in node.find_all(exp.Literal):
        if literal.is_string:
            return str(literal.name)
    return ""


# --- reads ------------------------------------------------------------------------------------------------------------


def _reads(tree: exp.Expr, scope: Scope, targets: set[int]) -> Iterator[Effect]:
    """A read for every table that is looked at and that no change has claimed."""
    common = {cte.alias_or_name.casefold() for cte in tree.find_all(exp.CTE)}
    looked = False
    for table in tree.find_all(exp.Table):
        if id(table) in targets or isinstance(table.this, exp.Func):
            continue
        if not table.db and table.name.casefold() in common and not _inside_own_definition(table):
            continue
        if not table.name:
            continue
        looked = True
        if scope.dialect == "duckdb" and not table.db and any(c in table.name for c in "./\\:*"):
            yield scope.effect(Verb.READ, scope.file(table.name), "reads a file as a table")
            continue
        yield scope.effect(Verb.READ, scope.table(table), "", scale=MANY)
    if not looked and isinstance(tree, exp.Query):
        yield scope.effect(Verb.READ, scope.whole_database(), "", scale=ONE)


def _inside_own_definition(table: exp.Table) -> bool:
    """`WITH users AS (SELECT * FROM users)`: the inner name is the real table."""
    cte = table.find_ancestor(exp.CTE)
    if cte is None or cte.alias_or_name.casefold() != table.name.casefold():
        return False
    parent = cte.parent
    return not (isinstance(parent, exp.With) and parent.args.get("recursive"))
