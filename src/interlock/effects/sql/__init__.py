"""SQL in every client and dialect: what a text would do to a database.

The tree library behind is large; it is imported with the first SQL that is read, not before.
"""

from __future__ import annotations

from collections.abc import Callable

from interlock.model.effect import Effect, Environment, Resource

__all__ = ["read_sql", "warm"]


def read_sql(
    text: str,
    dialect: str,
    *,
    database: str,
    environment: Environment,
    via: str,
    span: tuple[int, int] | None = None,
    files: Callable[[str], Resource] | None = None,
) -> tuple[Effect, ...]:
    """What running `text` would do: see `interlock.effects.sql.reader.read_sql`. Never raises."""
    from interlock.effects.sql import reader

    return reader.read_sql(text, dialect, database=database, environment=environment, via=via, span=span, files=files)


def warm() -> None:
    """Import the tree library and the common dialects now (half a second), not with somebody's first statement."""
    for dialect in ("postgres", "mysql", "sqlite"):
        read_sql("SELECT 1", dialect, database="", environment=Environment.UNKNOWN, via="")
