"""The lease: the daemon's word, good for some seconds, that nothing has been halted. Without it nobody has privilege.

One file of 4096 bytes that everybody maps. The daemon renews it each second; a daemon that is stopped, dead or busy
lets it lapse, and what it released stops with it. Time is CLOCK_BOOTTIME: it runs during suspend, and nobody sets it.

    at  size  what                                     all numbers little-endian
     0     8  "ILKLEASE"
     8     4  version, 1
    12     4  bytes of the file, 4096
    16     8  sequence: odd while it is being written
    24     8  epoch
    32     8  good until (CLOCK_BOOTTIME, ns)
    40     8  written at (CLOCK_BOOTTIME, ns)
    48    32  SHA-256 of the orders in force
    80     4  state: 1 runs may run unless they are in the table, 2 none may
    84     4  rows in the table
    88     4  CRC-32 of the table's rows
    92     4  CRC-32 of the bytes 24 to 91
    96    16  a row: FNV-1a (64 bits) of a run's id, then 1 frozen or 2 killed, then 0

The same stands in `native/lease.c`; `tests/halt/test_lease.py` holds the two together.
"""

from __future__ import annotations

import mmap
import os
import stat
import struct
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from interlock.model.errors import StateError

SIZE = 4_096
SECONDS = 5.0
MAGIC, VERSION = b"ILKLEASE", 1
LIVE, ALL_HALTED = 1, 2
FROZEN, KILLED = 1, 2

_HEAD = struct.Struct("<8sIIQQQQ32sIIII")
_MARK = struct.Struct("<8sIIQ")  # up to 23
_BODY = struct.Struct("<QQQ32sIII")  # from 24 to 91
_ROW = struct.Struct("<QII")
_COUNT = struct.Struct("<Q")
_ROWS = (SIZE - _HEAD.size) // _ROW.size
_SEQUENCE, _FIRST, _SUM, _TABLE = 16, 24, 92, 96
_WAIT = 0.1  # seconds; a daemon that writes may lose its processor in the middle of it


class Terms(NamedTuple):
    """A lease that can be believed. Times are CLOCK_BOOTTIME in ns."""

    epoch: int
    until: int
    written: int
    digest: bytes
    state: int
    halted: Mapping[int, int]  # by `name_of` a run

    def fresh(self, now: int) -> bool:
        """Whether it is good at `now`, which cannot lie before it was written."""
        return self.written <= now < self.until

    def of(self, run: str) -> int:
        """0: the run may run; else FROZEN or KILLED."""
        return FROZEN if self.state != LIVE else self.halted.get(name_of(run), 0)


def boottime() -> int:
    """CLOCK_BOOTTIME in ns: since the machine started, suspend included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def name_of(run: str) -> int:
    """FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv)."""
    value = 0xCBF29CE484222325
    for byte in run.encode("utf-8", "surrogateescape"):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


class Lease:
    """The daemon's end."""

    def __init__(self, path: Path, *, seconds: float = SECONDS, now: Callable[[], int] = boottime) -> None:
        """Take over the file that is there, so that who has mapped it goes on; else make one. Raises StateError."""
        self.path = path
        self._length = int(seconds * 1e9)
        self._now = now
        try:
            descriptor = _mine(path)
            if descriptor is None:
                descriptor = _new(path)
            self._map = mmap.mmap(descriptor, SIZE)
            os.close(descriptor)
        except OSError as error:
            raise StateError(f"cannot write {path}: {error.strerror}. Check its directory and its owner.") from error
        self._sequence = int.from_bytes(self._map[_SEQUENCE : _SEQUENCE + 8], "little") & ~1

    def renew(self, epoch: int, digest: bytes, halted: Mapping[str, int]) -> int:
        """Good again from now on; returns until when (CLOCK_BOOTTIME, ns)."""
        now = self._now()
        until = now + self._length
        rows = b"".join(_ROW.pack(name_of(run), what, 0) for run, what in halted.items())[: _ROWS * _ROW.size]
        state = LIVE if len(halted) <= _ROWS else ALL_HALTED
        body = _BODY.pack(epoch, until, now, digest, state, len(rows) // _ROW.size, zlib.crc32(rows))
        opened = _MARK.pack(MAGIC, VERSION, SIZE, self._sequence + 1)
        content = body + zlib.crc32(body).to_bytes(4, "little") + rows
        end = _FIRST + len(content)
        self._sequence += 2
        closed = self._sequence.to_bytes(8, "little")
        # All is made before: without a call in between, no other thread of the daemon has its turn while readers wait.
        self._map[:_FIRST] = opened
        self._map[_FIRST:end] = content
        self._map[_SEQUENCE:_FIRST] = closed
        return until

    def close(self) -> None:
        """No longer renewed by this process; it lapses."""
        self._map.close()


class Reader:
    """Everybody else's end: mapped once, looked at often. `ours` are the users whose word counts."""

    def __init__(self, path: Path, *, ours: frozenset[int] | None = None) -> None:
        """Raises StateError, with the reason, for a file that is no lease of ours."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise StateError(
                f"there is no lease ({path}: {error.strerror}). Start the daemon: `interlock up`."
            ) from error
        try:
            problem = _problem(os.fstat(descriptor), ours or frozenset({os.geteuid(), 0}))
            if problem:
                raise StateError(f"{path} {problem}, so it is no lease. Remove it and run `interlock up`.")
            self._map = mmap.mmap(descriptor, SIZE, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)

    def terms(self) -> Terms | None:
        """What it says, once nobody is writing it; None where it cannot be believed."""
        end = time.monotonic() + _WAIT
        while (terms := self._whole()) is None and time.monotonic() < end:
            time.sleep(0.001)
        return terms

    def _whole(self) -> Terms | None:
        head = self._map[:_TABLE]
        magic, version, size, sequence, epoch, until, written, digest, state, rows, of_rows, of_head = _HEAD.unpack(
            head
        )
        known = magic == MAGIC and version == VERSION and size == SIZE and rows <= _ROWS and state in (LIVE, ALL_HALTED)
        if sequence & 1 or not known:
            return None
        table = self._map[_TABLE : _TABLE + rows * _ROW.size]
        unchanged = _COUNT.unpack_from(self._map, _SEQUENCE)[0] == sequence
        if not unchanged or zlib.crc32(head[_FIRST:_SUM]) != of_head or zlib.crc32(table) != of_rows:
            return None
        halted = {name: what for name, what, _ in _ROW.iter_unpack(table)}
        return Terms(epoch, until, written, digest, state, halted)

    def fresh(self) -> Terms | None:
        """The terms, where they are good now."""
        terms = self.terms()
        return terms if terms is not None and terms.fresh(boottime()) else None

    def close(self) -> None:
        """Unmap it."""
        self._map.close()


def _problem(facts: os.stat_result, ours: frozenset[int]) -> str:
    if not stat.S_ISREG(facts.st_mode):
        return "is no regular file"
    if facts.st_uid not in ours:
        return f"belongs to uid {facts.st_uid}"
    if facts.st_mode & 0o022:
        return "can be written by others"
    return "" if facts.st_size == SIZE else f"has {facts.st_size} bytes"


def _mine(path: Path) -> int | None:
    """A descriptor of the lease that is there, if it is one of ours."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    if _problem(os.fstat(descriptor), frozenset({os.geteuid()})):
        os.close(descriptor)
        return None
    return descriptor


def _new(path: Path) -> int:
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(descriptor, SIZE)
        if path.is_dir() and not path.is_symlink():
            raise IsADirectoryError(21, "it is a directory", str(path))
        fresh.rename(path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
