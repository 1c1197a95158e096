"""The SELECT that counts what a statement would change: exact where it is safe, absent where it is not."""

from __future__ import annotations

import pytest

from interlock.effects.sql import read_sql
from interlock.model.effect import Environment


def questions(sql: str, dialect: str = "postgres") -> list[str]:
    found = read_sql(sql, dialect, database="shop", environment=Environment.UNKNOWN, via="psql")
    return [effect.scale.question for effect in found if effect.scale.question]


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("DELETE FROM orders", "SELECT COUNT(*) FROM orders"),
        ("TRUNCATE orders", "SELECT COUNT(*) FROM orders"),
        ("DELETE FROM orders WHERE id = 3", "SELECT COUNT(*) FROM orders WHERE id = 3"),
        ("DELETE FROM a.orders o WHERE o.x IN (1, 2)", "SELECT COUNT(*) FROM a.orders AS o WHERE o.x IN (1, 2)"),
        (
            "UPDATE users SET name = 'x' WHERE age > 30 AND (city = 'Ulm' OR city IS NULL)",
            "SELECT COUNT(*) FROM users WHERE age > 30 AND (city = 'Ulm' OR city IS NULL)",
        ),
        ("DELETE FROM t WHERE a LIKE 'x%' -- why", "SELECT COUNT(*) FROM t WHERE a LIKE 'x%'"),
    ],
)
def test_the_rows_of_a_plain_condition_can_be_counted(sql, wanted):
    assert questions(sql) == [wanted]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM t WHERE pg_terminate_backend(1)",
        "DELETE FROM t WHERE a = lower(b)",
        "DELETE FROM t WHERE id IN (SELECT id FROM u)",
        "DELETE FROM t USING u WHERE t.id = u.id",
        "DELETE FROM t WHERE a = now()",
        "DELETE FROM t WHERE a @@ b",
        "DELETE FROM t WHERE a::regclass = 'x'",
        "WITH x AS (DELETE FROM t WHERE f(1) RETURNING 1) SELECT * FROM x",
        "UPDATE t SET a = 1 FROM u WHERE u.id = t.id",
        "DELETE FROM t WHERE a = $1",
        "DELETE FROM t WHERE a = (SELECT set_config('a', 'b', false))",
        "SELECT * FROM t",
    ],
)
def test_what_could_do_something_is_never_counted_with(sql):
    assert questions(sql) == []
