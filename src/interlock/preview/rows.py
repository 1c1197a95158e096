"""Rows that a statement would change: counted in a read-only transaction, or estimated by the planner.

Effects on tables carry the question (`Scale.question`), made by the SQL reader from the statement's own condition and
only where that condition holds columns, constants and comparisons: a function in it could do anything when counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from urllib.parse import unquote, urlsplit

from interlock.model.counts import many
from interlock.model.effect import Effect, Kind, Known, Scale, Verb
from interlock.preview.finding import Asked, Database, Finding, Tools, Unseen

_COUNTED = 1_000_000  # rows by the planner's estimate; above it the estimate is the answer
_QUIET_PSQL = ("psql", "-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1")
_CHANGING = frozenset({Verb.DELETE, Verb.WRITE, Verb.OVERWRITE})


def look(asked: Asked, tools: Tools) -> Iterator[Finding]:
    """One finding for each statement whose rows can be counted."""
    for place, effect in enumerate(asked.effects):
        if effect.resource.kind is Kind.TABLE and effect.verb in _CHANGING and effect.scale.question:
            yield _looked(place, effect, asked, tools)


def _looked(place: int, effect: Effect, asked: Asked, tools: Tools) -> Finding:
    table = effect.resource.name
    database = next(
        (d for d in asked.databases if fnmatchcase(table, d.name) or fnmatchcase(table, d.name + ".*")), None
    )
    if database is None:
        raise Unseen(f"no connection is configured for {table} (`[[preview.database]]` in interlock.toml)")
    scheme = urlsplit(database.url).scheme
    if scheme == "sqlite":
        count, known = _sqlite(database, effect.scale.question, tools), Known.COUNT
    elif scheme in ("postgresql", "postgres"):
        count, known = _postgresql(database, effect.scale.question, tools)
    else:
        raise Unseen(f"connections of the kind {scheme!r} are not known (known: postgresql, sqlite)")
    about = "about " if known is Known.ESTIMATE else ""
    return Finding(f"{table}: {about}{many(count, 'row')}", place, Scale(effect.scale.breadth, count, "rows", known))


def _sqlite(database: Database, question: str, tools: Tools) -> int:
    import apsw

    path = unquote(urlsplit(database.url).path)
    try:
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_progress_handler(lambda: not tools.deadline.left(), 10_000)
            connection.execute("PRAGMA query_only = 1")
            return int(next(connection.execute(question))[0])
        finally:
            connection.close()
    except apsw.Error as error:
        raise Unseen(f"SQLite said: {error}") from error


def _postgresql(database: Database, question: str, tools: Tools) -> tuple[int, Known]:
    """The planner's estimate first: it costs nothing. A count where the estimate says that it is quick."""
    estimate = _planned(_psql(database, f"EXPLAIN (FORMAT JSON) {question}", tools))
    if estimate > _COUNTED:
        return estimate, Known.ESTIMATE
    try:
        return int(_psql(database, question, tools)), Known.COUNT
    except (Unseen, ValueError):
        return estimate, Known.ESTIMATE


def _planned(text: str) -> int:
    """The rows that go into the count: what the node below the aggregate gives."""
    try:
        node = json.loads(text)[0]["Plan"]
        while node["Node Type"] == "Aggregate" or "Partial" in str(node.get("Partial Mode", "")):
            node = node["Plans"][0]
        return int(node["Plan Rows"])
    except (ValueError, KeyError, IndexError, TypeError):
        raise Unseen("the planner's answer was not understood") from None


def _psql(database: Database, question: str, tools: Tools) -> str:
    where = urlsplit(database.url)
    milliseconds = max(1, int(tools.deadline.left() * 1_000))
    settings = {
        "PGOPTIONS": f"-c default_transaction_read_only=on -c statement_timeout={milliseconds} -c lock_timeout=500",
        "PGPASSWORD": unquote(where.password or ""),
        "PGCONNECT_TIMEOUT": "3",
        "PGHOST": unquote(where.hostname or ""),
        "PGPORT": str(where.port or ""),
        "PGUSER": unquote(where.username or ""),
        "PGDATABASE": unquote(where.path.lstrip("/")),
    }
    given = {name: value for name, value in settings.items() if value}
    found = tools.run(
        (*_QUIET_PSQL, "-c", "BEGIN READ ONLY", "-c", question, "-c", "ROLLBACK"),
        "/",
        settings=given,
    )
    if found.status != 0:
        raise Unseen("the database did not answer")
    return found.text.strip()
