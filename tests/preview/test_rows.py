"""Looking at rows: counted in a real SQLite file and a real PostgreSQL, never changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.model.effect import Known
from interlock.preview.finding import Database
from preview.bench import looked


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, paid INTEGER)")
        connection.executemany("INSERT INTO orders (paid) VALUES (?)", [(n % 3,) for n in range(30)])
    connection.close()
    return file


def test_rows_are_counted_by_the_statements_own_condition(tmp_path, shop):
    connection = (Database("shop", f"sqlite://{shop}"),)
    found = looked('psql -d shop -c "DELETE FROM orders WHERE paid = 0"', tmp_path, "rows", databases=connection)
    assert found.lines == ("shop.orders: 10 rows",)
    scale = found.effects[0].scale
    assert (scale.count, scale.unit, scale.known) == (10, "rows", Known.COUNT)


def test_without_a_connection_it_says_what_is_missing(tmp_path):
    found = looked('psql -d shop -c "DELETE FROM orders WHERE paid = 0"', tmp_path, "rows")
    assert "no connection is configured for shop.orders" in found.lines[0]


def test_a_database_that_is_not_there_is_said(tmp_path):
    connection = (Database("*", f"sqlite://{tmp_path}/none.db"),)
    found = looked('psql -d shop -c "DELETE FROM orders"', tmp_path, "rows", databases=connection)
    assert "could not be looked at" in found.lines[0]
    assert not (tmp_path / "none.db").exists()


def test_an_unknown_kind_of_database_is_said(tmp_path):
    connection = (Database("*", "oracle://db.example/x"),)
    found = looked('psql -d shop -c "DELETE FROM orders"', tmp_path, "rows", databases=connection)
    assert "'oracle' are not known" in found.lines[0]


def _binaries() -> str | None:
    """Where PostgreSQL's server programs are, if they are installed."""
    found = shutil.which("initdb")
    if found:
        return os.path.dirname(found)
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return str(versions[-1].parent) if versions else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of this test's own on a loopback port; its URL."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's server is not installed")
    base = tmp_path_factory.mktemp("postgres")
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(base, "postgres")
        for folder in base.parents:
            if folder.stat().st_mode & 0o1000:
                break  # the system's own temporary directory
            folder.chmod(0o755)
    data, port = base / "data", _free_port()

    def run(*words: str) -> None:
        subprocess.run([*as_user, *words], check=True, capture_output=True, cwd=base)

    run(f"{binaries}/initdb", "-D", str(data), "-U", "dev", "-A", "trust", "-N")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={base} -c fsync=off"
    run(f"{binaries}/pg_ctl", "-D", str(data), "-o", options, "-l", str(base / "log"), "-w", "start")
    try:
        yield f"postgresql://dev@127.0.0.1:{port}/postgres"
    finally:
        run(f"{binaries}/pg_ctl", "-D", str(data), "-m", "immediate", "stop")


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def ask(url: str, sql: str) -> str:
    done = subprocess.run(["psql", "-X", "-A", "-t", url, "-c", sql], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_a_real_postgresql_counts_and_keeps_every_row(tmp_path, server):
    ask(server, "CREATE TABLE orders (id serial, paid int)")
    ask(server, "INSERT INTO orders (paid) SELECT n % 4 FROM generate_series(1, 100) n")
    connection = (Database("shop", server),)
    found = looked('psql -d shop -c "DELETE FROM orders WHERE paid = 1"', tmp_path, "rows", databases=connection)
    assert found.lines == ("shop.orders: 25 rows",)
    found = looked('psql -d shop -c "TRUNCATE orders"', tmp_path, "rows", databases=connection)
    assert found.lines == ("shop.orders: 100 rows",)
    assert ask(server, "SELECT count(*) FROM orders") == "100"


@pytest.mark.slow
def test_a_locked_table_is_estimated_instead_of_waited_for(tmp_path, server):
    ask(server, "CREATE TABLE busy (id int); INSERT INTO busy SELECT generate_series(1, 50); ANALYZE busy")
    holder = subprocess.Popen(
        ["psql", "-X", server, "-c", "BEGIN; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(20)"],
        stdout=subprocess.DEVNULL,
    )
    try:
        while ask(server, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") == "0":
            pass
        connection = (Database("shop", server),)
        found = looked('psql -d shop -c "DELETE FROM busy"', tmp_path, "rows", databases=connection, seconds=4)
        assert "did not answer" in found.lines[0]
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.slow
def test_a_table_too_large_to_count_is_estimated(tmp_path, server, monkeypatch):
    monkeypatch.setattr("interlock.preview.rows._COUNTED", 10)
    ask(server, "CREATE TABLE large (id int); INSERT INTO large SELECT generate_series(1, 500); ANALYZE large")
    found = looked('psql -d shop -c "DELETE FROM large"', tmp_path, "rows", databases=(Database("shop", server),))
    assert found.lines == ("shop.large: about 500 rows",)
    assert found.effects[0].scale.known is Known.ESTIMATE
