"""The recorded actions as Parquet: what a replay needs of each, taken from the ledger once.

The log only grows, so a file of finished entries never changes: each run adds the files of what is new. They are
derived from the ledger, lie in a folder named by its origin, and may be thrown away at any time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from interlock.ledger.files import make_directories
from interlock.ledger.reader import Reader
from interlock.model.errors import StateError
from interlock.replay.again import Who

CHUNK = 100_000  # entries of the log in one file
KINDS = ("intent", "denial")
_FETCH = 20_000  # rows that are taken over at once
_PRINCIPAL = ("agent", "session", "subagent", "subagent_type", "person", "model")

# What is read of an entry. Whatever else it holds is skipped, and what it does not hold is NULL.
_ENTRY = (
    "STRUCT(time VARCHAR, body STRUCT(principal STRUCT("
    + ", ".join(f"{name} VARCHAR" for name in _PRINCIPAL)
    + ", roles VARCHAR[]), tool VARCHAR, text VARCHAR, verdict VARCHAR, tier INTEGER, rules VARCHAR[], "
    "asked VARCHAR[], inside VARCHAR[], asked_left_out INTEGER, grants BIGINT[]))"
)
_ROW = (
    "SELECT i, e.time AS time, "
    + ", ".join(f"coalesce(e.body.principal.{name}, '') AS {name}" for name in _PRINCIPAL)
    + ", coalesce(e.body.principal.roles, []) AS roles, e.body.tool AS tool, e.body.text AS text, "
    "e.body.verdict AS verdict, e.body.tier AS tier, e.body.rules AS rules, e.body.asked AS asked, "
    "coalesce(e.body.inside, []) AS inside, coalesce(e.body.asked_left_out, 0) AS left_out, "
    "coalesce(len(e.body.grants), 0) > 0 AS granted"
)


class Group:
    """Recorded actions that no rule can tell apart, with the same recorded answer."""

    __slots__ = ("asked", "count", "example", "granted", "inside", "left_out", "rules", "tier", "verdict", "who")

    def __init__(self, row: Sequence[Any], fields: int) -> None:
        self.who: Who = tuple(tuple(value) if isinstance(value, list) else value for value in row[:fields])
        self.asked: list[str] | None = row[fields]
        self.inside: list[str] = row[fields + 1]
        self.verdict: str = row[fields + 2]
        self.tier: int = row[fields + 3]
        self.rules: list[str] | None = row[fields + 4]
        self.granted: bool = row[fields + 5]
        self.left_out: int = row[fields + 6]
        self.count: int = row[fields + 7]
        self.example: int = row[fields + 8]  # the newest entry


class Past:
    """The actions of one ledger, as Parquet files below `folder`."""

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        self._folder = folder
        self._connection = duckdb.connect()
        for setting in (
            f"threads = {threads}", "memory_limit = '1GB'", "preserve_insertion_order = false",
            "autoinstall_known_extensions = false", "autoload_known_extensions = false",
        ):  # fmt: skip
            self._connection.execute(f"SET {setting}")

    def follow(self, reader: Reader) -> int:
        """Take over what the ledger has beyond the files that are there; how many entries the log then has.

        Raises:
            StateError: the folder cannot be written.
        """
        size = reader.size
        try:
            make_directories(self._folder)
            done = self._finished()
            while done < size:
                stop = min(done + CHUNK, size)
                # A chunk that is not full yet is written anew when the log has grown; its name says where it ends.
                self._write(reader, done, stop)
                done = stop
            self._tidy()
        except OSError as error:
            raise StateError(f"{self._folder} cannot be written: {error.strerror}. Free some space there.") from error
        return size

    def groups(self, since: str, fields: Sequence[str]) -> Iterator[Group]:
        """The actions since a moment (RFC 3339), grouped; `fields` are those of the principal that rules look at."""
        files = self._files()
        if not files:
            return
        # The names are ours: columns of `_ROW`.
        names = ", ".join([*fields, "asked", "inside", "verdict", "tier", "rules", "granted", "left_out"])
        query = f"SELECT {names}, count(*), max(i) FROM read_parquet(?) WHERE time >= ? GROUP BY {names}"  # noqa: S608
        self._connection.execute(query, [files, since])
        while rows := self._connection.fetchmany(_FETCH):
            for row in rows:
                yield Group(row, len(fields))

    def texts(self, entries: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Tool and text of some entries."""
        files = self._files()
        if not entries or not files:
            return {}
        rows = self._connection.execute(
            "SELECT i, tool, text FROM read_parquet(?) WHERE i IN (SELECT unnest(?::BIGINT[]))", [files, list(entries)]
        ).fetchall()
        return {i: (tool or "", text or "") for i, tool, text in rows}

    def close(self) -> None:
        """Let go of the files."""
        self._connection.close()

    def _write(self, reader: Reader, start: int, stop: int) -> None:
        lines = self._folder / f".{os.getpid()}.ndjson"
        target = self._folder / f"{start:012}-{stop:012}.parquet"
        building = target.with_suffix(f".{os.getpid()}.new")  # two replays may run at once
        try:
            with lines.open("wb") as output:
                for stored in reader.entries(start, stop, KINDS):
                    output.write(b'{"i":%d,"e":%b}\n' % (stored.index, stored.raw))
            rows = f"read_json(?, format = 'newline_delimited', columns = {{i: 'BIGINT', e: '{_ENTRY}'}})"
            parquet = f"'{_quoted(building)}' (FORMAT parquet, COMPRESSION zstd)"
            self._connection.execute(f"COPY ({_ROW} FROM {rows}) TO {parquet}", [str(lines)])
            building.replace(target)
        finally:
            lines.unlink(missing_ok=True)
            building.unlink(missing_ok=True)

    def _finished(self) -> int:
        """Where the full chunks end, without a gap."""
        done = 0
        while (self._folder / f"{done:012}-{done + CHUNK:012}.parquet").is_file():
            done += CHUNK
        return done

    def _files(self) -> list[str]:
        """The files that together hold the log: every full chunk, and the longest of the last."""
        done = self._finished()
        files = [str(self._folder / f"{at:012}-{at + CHUNK:012}.parquet") for at in range(0, done, CHUNK)]
        rest = sorted(self._folder.glob(f"{done:012}-*.parquet"))
        return files + [str(path) for path in rest[-1:]]

    def _tidy(self) -> None:
        kept = set(self._files())
        for path in self._folder.glob("*.parquet"):
            if str(path) not in kept:
                path.unlink(missing_ok=True)


def folder_of(state: Path, origin: str) -> Path:
    """Where the files of the log of this origin lie."""
    return state / "replay" / hashlib.sha256(origin.encode()).hexdigest()[:16]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
