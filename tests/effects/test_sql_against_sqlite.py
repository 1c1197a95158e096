"""What SQLite itself says it is about to do, against what the reader says: nothing that SQLite does may be missing.

SQLite's authoriser is told of every table that a statement will change, before it runs. Whatever it was told of a
text must be among the effects, or the text must have been opaque. (EXPLAIN is left out: SQLite asks, and then only
explains.)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from interlock.effects.sql import read_sql
from interlock.model.effect import Effect, Environment, Verb

TABLES = ("a", "b")
SCHEMA = """
CREATE TABLE a (id INTEGER PRIMARY KEY, x INT, y TEXT); CREATE TABLE b (id INTEGER PRIMARY KEY, x INT, y TEXT);
CREATE VIEW v AS SELECT * FROM a; INSERT INTO a VALUES (1, 1, 'p'), (2, 2, 'q'); INSERT INTO b VALUES (1, 1, 'p');
"""
# What the authoriser says -> the verbs of which one must be in the reading.
CHANGES = {
    sqlite3.SQLITE_DELETE: {Verb.DELETE, Verb.OVERWRITE},
    sqlite3.SQLITE_INSERT: {Verb.WRITE, Verb.OVERWRITE, Verb.CREATE},
    sqlite3.SQLITE_UPDATE: {Verb.OVERWRITE, Verb.CONFIGURE, Verb.DELETE, Verb.WRITE},
    sqlite3.SQLITE_DROP_TABLE: {Verb.DELETE},
    sqlite3.SQLITE_ALTER_TABLE: {Verb.CONFIGURE, Verb.DELETE},
    sqlite3.SQLITE_READ: set(Verb),
}


class Told:
    """A database that writes down what its authoriser was told."""

    def __init__(self) -> None:
        self.said: set[tuple[int, str]] = set()
        self.reached_out = False
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(SCHEMA)
        self.connection.set_authorizer(self._authorise)

    def _authorise(self, action: int, first: str | None, second: str | None, *_: object) -> int:
        if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_PRAGMA):
            self.reached_out = True
            return sqlite3.SQLITE_DENY
        for name in (first, second):
            if action in CHANGES and name in TABLES:
                self.said.add((action, name))
        return sqlite3.SQLITE_OK

    def run(self, text: str) -> None:
        with_limits = self.connection
        with_limits.setlimit(sqlite3.SQLITE_LIMIT_VDBE_OP, 20_000)
        try:
            with_limits.executescript(text)
        except (sqlite3.Error, sqlite3.Warning, ValueError):
            return
        finally:
            with_limits.close()


def missing(text: str) -> Iterator[tuple[int, str]]:
    """What SQLite was about to do and the reader did not say."""
    effects: tuple[Effect, ...] = read_sql(text, "sqlite", database="", environment=Environment.UNKNOWN, via="sqlite3")
    if any(effect.verb is Verb.OPAQUE for effect in effects):
        return
    told = Told()
    told.run(text)
    said = {(effect.verb, effect.resource.name.rpartition(".")[2]) for effect in effects}
    for action, table in told.said:
        if not any((verb, table) in said for verb in CHANGES[action]) and not _read_through_view(action, effects):
            yield action, table
    if told.reached_out and not any(e.verb not in (Verb.READ,) or "pragma" in "".join(e.notes) for e in effects):
        yield sqlite3.SQLITE_ATTACH, "?"


def _read_through_view(action: int, effects: tuple[Effect, ...]) -> bool:
    """A read through a view or of what a change looks at is a read of something that was named."""
    return action == sqlite3.SQLITE_READ and bool(effects)


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM a",
        "WITH c AS (SELECT 1) DELETE FROM a",
        "WITH a AS (SELECT 1) DELETE FROM a",
        "INSERT OR REPLACE INTO a SELECT * FROM b",
        "REPLACE INTO a SELECT * FROM b",
        "UPDATE OR IGNORE a SET x = 1 FROM b",
        "DROP TABLE IF EXISTS a",
        "ALTER TABLE a RENAME TO c",
        "ALTER TABLE a DROP COLUMN y",
        "CREATE TABLE c AS SELECT * FROM a",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END; INSERT INTO a VALUES (9, 9, 'z')",
        "SELECT 1; DELETE FROM a; SELECT 2",
        "SELECT '; '; DELETE FROM a",
        "SELECT [a;b] FROM a; DELETE FROM a",
        'SELECT "x;y" FROM a; DELETE FROM a',
        "SELECT `x` FROM a; DELETE FROM a",
        "/* ; */ DELETE FROM a -- ;",
        "BEGIN; DELETE FROM a; ROLLBACK",
        "DELETE FROM main.a",
        'DELETE FROM "a"',
        "DELETE FROM [a]",
        "SELECT 1 /* /* */; DELETE FROM a; -- */",
        "SELECT 'it''s'; DELETE FROM a",
        r"SELECT '\'; DELETE FROM a; --'",
        "SELECT 1 --\n; DELETE FROM a",
        "SELECT x'61'; DELETE FROM a",
        "SELECT 1 # 2; DELETE FROM a",
        "ATTACH ':memory:' AS o; DELETE FROM a",
    ],
)
def test_what_sqlite_is_about_to_do_was_said(text: str) -> None:
    assert not list(missing(text))


WORDS = [
    "SELECT", "DELETE", "FROM", "a", "b", "v", "WHERE", "x", "=", "1", ";", "INSERT INTO", "VALUES (1, 2, 'z')",
    "UPDATE", "SET x = 1", "DROP TABLE",
    "WITH c AS (SELECT 1)",
    "*",
    "'s'",
    "'",
    "--",
    "\n",
    "/*",
    "*/",
    "[",
    "]",
    "`",
    "(",
    ")",
    "OR REPLACE",
    "REPLACE INTO",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "RETURNING *", "ON CONFLICT DO NOTHING", "AS", "c", ",", "ALTER TABLE", "RENAME TO d", "CREATE TABLE d AS",
    "UNION ALL", "IN (SELECT x FROM b)", "\\", "LIMIT 1", "main.",
    "DETACH", "PRAGMA user_version", "REINDEX", "VACUUM", "ANALYZE", "NOT", "IS NULL", "$$", "#", "{", "}", "\x0c",
    "\u00a0", "\ufeff", "é",
]  # fmt: skip
CLAUSES = [
    "SELECT * FROM a", "SELECT x FROM b WHERE id = 1", "DELETE FROM a", "DELETE FROM b WHERE x = 1",
    "INSERT INTO a (x) VALUES (3)", "INSERT INTO a SELECT * FROM b WHERE 0",
    "UPDATE a SET x = 2", "UPDATE b SET y = 'q' WHERE id = 1", "DROP TABLE a", "DROP VIEW v", "SELECT ';'",
    "SELECT '''; --'", "-- ;", "/* ; */", "SELECT \"x\" FROM a", "SELECT [x] FROM a", "BEGIN", "COMMIT",
    "WITH c AS (SELECT x FROM b) INSERT INTO a (x) SELECT x FROM c",
    "WITH c AS (SELECT 1) UPDATE a SET x = 1",
    "REPLACE INTO b VALUES (1, 2, 'z')", "INSERT INTO a VALUES (1, 2, 'z') ON CONFLICT (id) DO UPDATE SET x = 3",
    "CREATE TABLE d AS SELECT * FROM a", "CREATE TRIGGER t AFTER UPDATE ON a BEGIN DELETE FROM b; END",
    "ALTER TABLE a ADD COLUMN z INT", "DELETE FROM a RETURNING *", "SAVEPOINT s", "RELEASE s", "VALUES (1)",
    "SELECT 1 FROM a JOIN b USING (id)",
]  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join))
@example("DELETE FROM a")
def test_words_of_sql_hide_nothing_from_the_reader(text: str) -> None:
    assert not list(missing(text))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(CLAUSES), min_size=1, max_size=5), st.sampled_from([";", ";\n", ";;", "; /* c */ "]))
def test_scripts_hide_nothing_from_the_reader(clauses: list[str], between: str) -> None:
    assert not list(missing(between.join(clauses)))


def test_the_comparison_can_fail() -> None:
    """The other direction: a reading with nothing in it is caught."""
    told = Told()
    told.run("DELETE FROM a")
    assert (sqlite3.SQLITE_DELETE, "a") in told.said
