"""Reading a ledger: entries, checkpoints and proofs, from the daemon's own process or from any other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from pathlib import Path

import apsw

from interlock.ledger import proof
from interlock.ledger.database import FILE, Database, Row, translated
from interlock.ledger.entry import Entry, decode
from interlock.ledger.merkle import Tree
from interlock.model.errors import LedgerTampered, LedgerUnverifiable, NotFound

PAGE = 256  # rows a lock hold: no read transaction stays open between pages, so that the WAL can start over


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry as it stands in the log; `raw` are the bytes that were hashed."""

    index: int
    kind: str
    raw: bytes

    def entry(self) -> Entry:
        """The decoded entry; raises `LedgerTampered`."""
        try:
            return decode(self.raw)
        except LedgerTampered as error:
            raise LedgerTampered(f"entry {self.index}: {error}") from error


class Reader:
    """A read-only view of what is committed. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        rows = self._run("load")
        if len(rows) != 1:
            raise LedgerUnverifiable(f"{database.path} holds no log yet")
        self.origin: str = rows[0][0]

    @classmethod
    def open(cls, directory: Path) -> Reader:
        """The ledger in a state directory. Raises `NotFound`, `LedgerUnverifiable`, `LedgerUnavailable`."""
        database = Database.reader(directory / FILE)
        try:
            return cls(database)
        except BaseException:
            database.close()
            raise

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def size(self) -> int:
        """How many entries are committed."""
        return int(self._run("checkpoint")[0][0])

    def checkpoint(self) -> str:
        """The current signed checkpoint."""
        return str(self._run("checkpoint")[0][1])

    def head(self) -> tuple[int, str]:
        """Size and signed checkpoint, of the same moment."""
        size, note = self._run("checkpoint")[0]
        return size, note

    def milestones(self, below: int) -> list[tuple[int, str]]:
        """The kept checkpoints of trees smaller than `below`, oldest first."""
        return [(size, note) for size, note in self._run("milestones", below)]

    def entry(self, index: int) -> Stored:
        """The entry at `index`; raises `NotFound`."""
        rows = self._run("entry", index)
        if not rows:
            raise NotFound(f"the ledger has no entry {index}; it holds {self.size}")
        return Stored(*rows[0])

    def entries(
        self, start: int = 0, stop: int | None = None, kinds: Collection[str] | None = None
    ) -> Iterator[Stored]:
        """Committed entries `start` <= index < `stop` in order, of these kinds (None: all)."""
        end = self.size if stop is None else min(stop, self.size)
        if kinds is None:
            return self._pages(lambda at: self._run("entries", at, end, PAGE), max(start, 0))
        return merge(*(self._of_kind(kind, max(start, 0), end) for kind in sorted(set(kinds))), key=attrgetter("index"))

    def _of_kind(self, kind: str, start: int, stop: int) -> Iterator[Stored]:
        return self._pages(lambda at: self._run("entries_of_kind", kind, at, stop, PAGE), start)

    @staticmethod
    def _pages(fetch: Callable[[int], list[Row]], start: int) -> Iterator[Stored]:
        at = start
        while rows := fetch(at):
            for row in rows:
                yield Stored(*row)
            at = rows[-1][0] + 1

    def proof(self, index: int) -> str:
        """The inclusion proof of an entry against the current checkpoint (c2sp.org/tlog-proof@v1)."""
        size, note = self.head()
        if not 0 <= index < size:
            raise NotFound(f"the ledger has no entry {index}; it holds {size}")
        return proof.format_proof(index, Tree(size, self.hashes).inclusion(index, size), note)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof (RFC 6962, section 2.1.2) that the first `old` entries are a prefix of the first `new`."""
        size = self.size
        new = size if new is None else new
        if not 0 < old <= new <= size:
            raise NotFound(f"there is no proof between {old} and {new}: the ledger holds {size} entries")
        return Tree(size, self.hashes).consistency(old, new)

    def root(self, size: int) -> bytes:
        """The root hash of the first `size` entries."""
        return Tree(self.size, self.hashes).root(size)

    def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Hashes of a tile level (0: leaf hashes)."""
        rows = self._run("leaves", start, stop) if level == 0 else self._run("nodes", level, start, stop)
        if len(rows) != stop - start:
            raise LedgerTampered(f"hashes {start} to {stop} of tile level {level} are not all in the database")
        return [row[0] for row in rows]

    def raws(self, start: int, stop: int) -> Sequence[bytes]:
        """The bytes of entries `start` <= index < `stop`."""
        return [row[0] for row in self._run("raws", start, stop)]

    def _run(self, query: str, *bindings: object) -> list[Row]:
        try:
            with self._lock:
                return self._database.run(query, *bindings)
        except apsw.Error as error:
            raise translated(error, self._database.path) from error
        except UnicodeDecodeError as error:
            raise LedgerTampered(f"{self._database.path} is damaged: it holds text that is not UTF-8") from error

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._database.close()
