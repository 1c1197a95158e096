"""A live state directory, read through the standard library's sqlite3, never written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from interlock.model.errors import LedgerIncomplete, LedgerTampered, LedgerUnverifiable

FILE = "ledger.db"


class Snapshot:
    """The database at one moment."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("BEGIN")
        row = connection.execute("SELECT size, checkpoint FROM head WHERE id = 1").fetchone()
        if row is None:
            raise LedgerUnverifiable("the database holds no log yet")
        if not isinstance(row[0], int):
            raise LedgerTampered("the database's head is not of the ledger's form")
        self.size, self.note = row[0], str(row[1]).encode()

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """(index, bytes) of every entry; checks that none is missing, and its kind and leaf hash."""
        from interlock.ledger.verify.hashes import leaf

        expected = 0
        for index, kind, stored, raw in self._connection.execute("SELECT idx, kind, leaf, raw FROM entry ORDER BY idx"):
            if index != expected:
                raise LedgerIncomplete(f"entry {expected} is missing from the database")
            if not isinstance(raw, bytes) or leaf(raw) != stored:
                raise LedgerTampered(f"entry {index} does not match its hash in the database: the entry was changed")
            if f'"schema":"interlock/{kind}/v1"'.encode() not in raw:
                raise LedgerTampered(f"entry {index} is filed under {kind!r}, which is not its schema")
            yield index, raw
            expected += 1
        if expected != self.size:
            raise LedgerIncomplete(f"the database holds {expected} entries, and its checkpoint is of {self.size}")

    def check_node(self, level: int, index: int, node: bytes) -> None:
        """The root of a full tile, as kept for proofs, is the one that its entries make."""
        found = self._connection.execute("SELECT hash FROM node WHERE level = ? AND idx = ?", (level, index)).fetchone()
        if found is None or found[0] != node:
            raise LedgerTampered(f"hash {index} of tile level {level} in the database is not that of its entries")

    def milestones(self) -> list[tuple[str, bytes]]:
        """(what, note) of the kept checkpoints."""
        rows = self._connection.execute("SELECT size, checkpoint FROM milestone ORDER BY size").fetchall()
        return [(f"the kept checkpoint of {size} entries", str(note).encode()) for size, note in rows]


def _refuse_own(path: Path) -> None:
    """Two SQLite libraries in one process do not see each other's locks, and one drops those of the other when it
    closes.

    See sqlite.org/howtocorrupt.html, section 2.2.1: a process that has the ledger open must ask another one to verify
    it.
    """
    known = path.stat()
    for handle in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            found = os.fstat(int(handle))
        except OSError:
            continue  # the handle of the listing itself
        if (found.st_dev, found.st_ino) == (known.st_dev, known.st_ino):
            raise LedgerUnverifiable(f"this very process has {path} open; verify it from another one")


@contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """Open for reading; raises `LedgerTampered` for a damaged file and `LedgerUnverifiable` for one it cannot read."""
    _refuse_own(path)
    beside = path.with_name(path.name + "-wal")
    mode = "mode=ro" if beside.exists() else "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise LedgerUnverifiable(f"{path} cannot be opened: {error}") from error
    try:
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        yield Snapshot(connection)
    except sqlite3.OperationalError as error:
        raise LedgerUnverifiable(f"{path} cannot be read: {error}") from error
    except sqlite3.Error as error:
        raise LedgerTampered(f"{path} is damaged: {error}") from error
    finally:
        connection.close()
