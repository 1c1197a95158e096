"""psql, mysql, sqlite3 and kin: which server and database, and what the SQL says."""

from __future__ import annotations

from interlock.effects.catalogue.draft import Draft


def read_text(draft: Draft, text: str, dialect: str, database: str) -> None:
    """Add the effects of SQL text."""
    from interlock.effects.environments import environment_of
    from interlock.effects.sql import read_sql

    environment = environment_of("database", database, draft.setting)
    draft.effects.extend(read_sql(text, dialect, database=database, environment=environment, via=draft.command))
