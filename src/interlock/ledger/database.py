"""The SQLite file: opening it, its settings, its named queries. Nothing here knows what an entry means."""

from __future__ import annotations

import contextlib
import os
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import apsw

from interlock.ledger.files import sync_directory
from interlock.model.errors import InternalError, LedgerTampered, LedgerUnavailable, LedgerUnverifiable, NotFound

FILE = "ledger.db"
APPLICATION_ID = 0x494C4B31  # "ILK1"
FORMAT = 1
BUSY_MS = 2_000
WAL_BYTES = 4 * 1024 * 1024
WAL_PAGES = 900  # fewer than fit: then the WAL is moved into the database even under load

Row = tuple[Any, ...]

_QUERY = re.compile(r"^-- name: (\w+)\n((?:--.*\n)+)((?:(?!-- ).*\n?)+)", re.MULTILINE)
_DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.SchemaChangeError, apsw.FormatError)


def _text(name: str) -> str:
    return resources.files("interlock.ledger").joinpath("sql", name).read_text("utf-8")


@cache
def queries() -> dict[str, str]:
    """The queries of `sql/queries.sql` by name."""
    return {match[1]: match[3].strip() for match in _QUERY.finditer(_text("queries.sql"))}


def schema() -> str:
    """The statements that make an empty database."""
    return _text("schema.sql")


class Database:
    """One connection. A writer's is used by one thread at a time; a reader's is guarded by its owner's lock."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path
        self.wal_pages = 0  # pages in the write-ahead log after the last commit
        self._queries = queries()

    @classmethod
    def writer(cls, path: Path, *, after_error: bool = False, vfs: str | None = None) -> Database:
        """Open or create for writing: WAL, one fsync a commit; what an earlier process left in the WAL is settled
        first.

        Raises `LedgerUnavailable` (disk), `LedgerTampered` (not a database of ours).
        """
        try:
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
                sync_directory(path.parent)
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
        except (apsw.Error, OSError) as error:
            raise translated(error, path) from error
        database = cls(connection, path)
        try:
            connection.set_busy_timeout(BUSY_MS)
            database._configure()
            database._settle(after_error=after_error)
            database._lay_out()
        except apsw.Error as error:
            database.close()
            raise translated(error, path) from error
        except BaseException:
            database.close()
            raise
        connection.set_wal_hook(database._count_pages)
        return database

    @classmethod
    def reader(cls, path: Path) -> Database:
        """Open for reading only. Raises `NotFound` when there is no ledger, else as `writer`."""
        if not path.is_file():
            raise NotFound(f"there is no ledger at {path}")
        try:
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            connection.set_busy_timeout(BUSY_MS)
            database = cls(connection, path)
            if (database.pragma("application_id"), database.pragma("user_version")) != (APPLICATION_ID, FORMAT):
                raise LedgerUnverifiable(f"{path} is not a ledger of a format that this version knows")
        except apsw.Error as error:
            raise translated(error, path) from error
        return database

    def pragma(self, name: str) -> Any:
        """The value of a pragma."""
        return self.connection.pragma(name)

    def _configure(self) -> None:
        if self.pragma("application_id") == 0 and self.pragma("user_version") == 0:
            self.execute_script(
                f"PRAGMA journal_mode=wal; BEGIN IMMEDIATE; {schema()}"
                f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT}; COMMIT;"
            )
        elif (self.pragma("application_id"), self.pragma("user_version")) != (APPLICATION_ID, FORMAT):
            raise LedgerUnverifiable(f"{self.path} is not a ledger of a format that this version knows")
        if self.connection.pragma("journal_mode", "wal") != "wal":
            raise LedgerUnavailable(f"{self.path} is on a file system that has no write-ahead logging")
        self.connection.pragma("synchronous", 2)  # FULL: the WAL is synced at every commit
        self.connection.pragma("wal_autocheckpoint", 0)  # the committer decides when, so that no append waits for it
        self.connection.pragma("trusted_schema", 0)

    def _settle(self, *, after_error: bool) -> None:
        """Bring what the WAL holds into the database file and sync it.

        After a failed fsync the kernel may hand back pages from memory that never reached the disk; copying and syncing
        them again is what makes "it was found after reopening" mean "it is durable". At a start, where no fsync has
        failed, a reader that still looks at an older state (a verifier at work) need not be waited for: the WAL is
        synced as it is.
        """
        how = "FULL" if after_error else "PASSIVE"
        _, in_wal, moved = self.connection.execute(f"PRAGMA wal_checkpoint({how})").fetchall()[0]
        if in_wal == moved:
            return
        if after_error:
            raise LedgerUnavailable(f"a reader holds {self.path} in an old state; stop it and try again")
        try:
            handle = os.open(self._wal, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise translated(error, self._wal) from error

    @property
    def _wal(self) -> Path:
        return self.path.with_name(f"{self.path.name}-wal")

    def _lay_out(self) -> None:
        """Give the WAL file its usual size at once.

        A sync of a file that grows waits for the file system's journal, and so for everybody else's files; one that is
        overwritten in place waits for its own data only (measured: 4 ms against 0.2 ms on a busy disk). SQLite stops
        reading a WAL at the first frame that is not of its current run, so zeros behind it mean nothing to it.
        """
        with contextlib.suppress(OSError):  # only speed is lost; a disk that is really full says so at the next write
            handle = os.open(self._wal, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                size = os.fstat(handle).st_size
                if size < WAL_BYTES:
                    os.pwrite(handle, bytes(WAL_BYTES - size), size)
                    os.fsync(handle)
            finally:
                os.close(handle)

    def _count_pages(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self.wal_pages = pages
        return apsw.SQLITE_OK

    def checkpoint(self) -> None:
        """Move what the WAL holds into the database file, as far as readers permit; the WAL file is used again."""
        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self.wal_pages = 0

    def run(self, query: str, *bindings: Any) -> list[Row]:
        """All rows of a named query."""
        return self.connection.execute(self._queries[query], bindings).fetchall()

    def one(self, query: str, *bindings: Any) -> Row:
        """The one row of a named query."""
        rows = self.run(query, *bindings)
        if len(rows) != 1:
            raise InternalError(f"the query {query} found {len(rows)} rows instead of one")
        return rows[0]

    def run_many(self, query: str, rows: list[Row]) -> None:
        """A named query without result for each row of bindings."""
        self.connection.executemany(self._queries[query], rows).fetchall()

    def execute_script(self, text: str) -> None:
        """Several statements; apsw runs them lazily, so the cursor is emptied."""
        self.connection.execute(text).fetchall()

    def close(self) -> None:
        """Close without raising: there is nothing left to save here, and the file says what was saved."""
        try:
            self.connection.close(True)
        except apsw.Error:
            return


def translated(error: BaseException, path: Path) -> LedgerTampered | LedgerUnavailable:
    """SQLite's or the system's error as ours: damage is tampering until proven otherwise, the rest is a disk that
    says no.
    """
    if isinstance(error, _DAMAGED):
        return LedgerTampered(f"{path} is damaged: {error}. Keep it as evidence and restore a backup")
    if isinstance(error, apsw.FullError):
        return LedgerUnavailable(f"the disk is full: {path} cannot grow. Free some space; nothing was lost")
    return LedgerUnavailable(f"{path} cannot be written or read: {str(error) or type(error).__name__}")
