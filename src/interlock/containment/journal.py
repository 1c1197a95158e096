"""An append-only file of records that survives a kill: one line a record, each with its own check sum.

A record is whole or it is not there. What a crash left half-written at the end is recognised and cut off; damage
anywhere else is not ours to guess about and raises.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from typing import Any

from interlock.containment.change import from_bytes, to_bytes
from interlock.model.errors import StateError

Record = list[Any]  # its first item is a word that says what it is


class Journal:
    """A journal open for writing. Records are durable after `sync`, and in the kernel's hands before."""

    def __init__(self, path: str | os.PathLike[str], *, new: bool = False) -> None:
        """Open it, or make it. Raises OSError; FileExistsError when `new` and it is there."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT | os.O_EXCL if new else 0)
        self._fd = os.open(path, flags, 0o600)
        try:
            whole = 0 if new else _whole(_everything(self._fd))
            if not new and os.fstat(self._fd).st_size != whole:
                os.ftruncate(self._fd, whole)
            if new:
                _sync_directory(os.path.dirname(os.fspath(path)) or ".")
        except BaseException:
            os.close(self._fd)
            raise

    def append(self, *records: Record) -> None:
        """Write all of these, or none. Raises OSError (full disk)."""
        text = memoryview(b"".join(_line(record) for record in records))
        before = self.size
        try:
            while text:
                text = text[os.write(self._fd, text) :]
        except OSError:
            with contextlib.suppress(OSError):  # then it is a torn tail, which the next opening cuts off
                self.cut(before)
            raise

    @property
    def size(self) -> int:
        """How long it is now, for `cut`."""
        return os.fstat(self._fd).st_size

    def cut(self, size: int) -> None:
        """Take back what was appended after `size`. Raises OSError: then nothing more can be said in it."""
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        """Until this returns, nothing that relies on the records may happen."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read(path: str | os.PathLike[str]) -> list[Record]:
    """All whole records. Raises FileNotFoundError, and StateError when it is damaged before its end."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        raw = _everything(fd)
    finally:
        os.close(fd)
    return [from_bytes(line[9:], list[Any]) for line in raw[: _whole(raw)].splitlines()]


def _line(record: Record) -> bytes:
    text = to_bytes(record)
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _whole(raw: bytes) -> int:
    """How many bytes from the start are whole lines."""
    position = 0
    while position < len(raw):
        end = raw.find(b"\n", position)
        line = raw[position:end]
        if end < 0 or not _sound(line):
            if 0 <= end < len(raw) - 1:
                raise StateError(f"a journal is damaged at byte {position}. Restore it, or undo this run by hand.")
            break
        position = end + 1
    return position


def _sound(line: bytes) -> bool:
    return len(line) > 9 and line[8:9] == b" " and line[:8] == b"%08x" % zlib.crc32(line[9:])


def _everything(fd: int) -> bytes:
    parts = []
    offset = 0
    while part := os.pread(fd, 1 << 20, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _sync_directory(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
