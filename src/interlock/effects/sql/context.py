"""What all statements of one text share, and how its effects are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlglot import exp

from interlock.effects.environments import hinted
from interlock.effects.sql.names import packaged, table_labels
from interlock.model import labels
from interlock.model.effect import (
    ALL,
    MANY,
    ONE,
    Effect,
    Environment,
    Kind,
    Resource,
    Reversibility,
    Scale,
    Verb,
    opaque,
)

MAX_NAME = 300


class Scope:
    """One text being read: where it would run, and which words of it mean something later in it."""

    def __init__(
        self,
        dialect: str,
        database: str,
        environment: Environment,
        via: str,
        span: tuple[int, int] | None,
        files: Callable[[str], Resource] | None,
    ) -> None:
        self.dialect = dialect
        self.database = database
        self.environment = environment
        self.via = via
        self.span = span
        self.files = files
        self.prepared: set[str] = set()
        self.inside = 0  # how many EXPLAIN, PREPARE and kin stand around the statement

    def effect(
        self,
        verb: Verb,
        resource: Resource,
        note: str,
        *,
        reversibility: Reversibility = Reversibility.REVERSIBLE,
        scale: Scale = ONE,
        environment: Environment | None = None,
    ) -> Effect:
        """An effect of this text. A name that says production outweighs a connection that says nothing."""
        where = environment or self.environment
        if where is Environment.UNKNOWN and resource.kind in (Kind.TABLE, Kind.DATABASE):
            where = hinted("database", resource.name.partition(".")[0])
        return Effect(
            verb=verb,
            resource=resource,
            environment=where,
            reversibility=reversibility,
            scale=scale,
            via=self.via,
            notes=(note,) if note else (),
            span=self.span,
        )

    def unread(self, what: str, why: str) -> Effect:
        """An opaque effect that keeps the environment, so that policy can be stricter in production."""
        effect = opaque(what[:MAX_NAME], why, via=self.via, span=self.span)
        where = self.environment
        if where is Environment.UNKNOWN:
            where = hinted("database", self.database)
        return msgspec.structs.replace(effect, environment=where)

    def table(self, node: exp.Table, *, extra: Sequence[str] = ()) -> Resource:
        """The resource of a table node: `database.schema.table` as far as it is written or known."""
        catalog, schema, name = node.catalog, node.db, node.name or "?"
        parts = [part for part in (catalog or self.database, schema, name) if part]
        # The schema may be left out: then the connection's database may be the one that the lists mean.
        found = table_labels(catalog, schema or self.database, name) | set(extra)
        return Resource(Kind.TABLE, ".".join(parts)[:MAX_NAME], tuple(sorted(found)))

    def whole_database(self, name: str = "", *, extra: Sequence[str] = ()) -> Resource:
        """The resource of a database, the connection's own when `name` is empty."""
        name = name or self.database or "?"
        found = set(extra)
        if name.casefold() in packaged().databases:
            found.add(packaged().databases[name.casefold()])
        return Resource(Kind.DATABASE, name[:MAX_NAME], tuple(sorted(found)))

    def file(self, path: str) -> Resource:
        """The resource of a file that a statement names: here when the engine runs here, else on its machine."""
        if self.files is not None and "://" not in path:
            return self.files(path)
        return Resource(Kind.FILE, path[:MAX_NAME], (labels.REMOTE, labels.UNPLACED))


def rows(*, everything: bool, limit: int | None = None) -> Scale:
    """The scale of a change of rows."""
    if limit is not None:
        return Scale(count=limit, unit="rows")
    return ALL if everything else MANY
