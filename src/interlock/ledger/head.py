"""The last signed checkpoint, kept outside the database, so that a database that was set back is seen at start.

The file holds the signed note, padded with newlines to one fixed block and overwritten in place after each commit. It
is *not* synced there (that would double the cost of every append): the write survives the death of the process, and a
timer and `close` sync it against a power cut. A head that is older than the database is therefore normal after a
power cut and costs nothing; a head that is newer than the database, or that is missing beside a database with
entries, is refused.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from interlock.ledger.files import write_atomic
from interlock.model.errors import LedgerForked

BLOCK = 1024  # a checkpoint with the longest origin takes about 450 bytes; one block lies inside one page


class HeadFile:
    """The file at `path`; used by the committer's thread, synced by any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None
        self._dirty = False

    def read(self) -> str | None:
        """The signed note, or None when there is no such file. Raises `LedgerForked` when it is damaged."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            text = data.decode().rstrip("\n") + "\n"
        except UnicodeDecodeError as error:
            raise LedgerForked(f"{self.path}, which holds the last signed checkpoint, is damaged") from error
        if len(data) != BLOCK or text == "\n":
            raise LedgerForked(f"{self.path}, which holds the last signed checkpoint, is damaged")
        return text

    def create(self, note: str) -> None:
        """Make the file, durable, before the first entry exists."""
        write_atomic(self.path, _block(note), sync=True)

    def write(self, note: str) -> None:
        """Overwrite the block. Raises `OSError`."""
        if self._handle is None:
            self._handle = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        os.pwrite(self._handle, _block(note), 0)
        self._dirty = True

    def sync(self) -> None:
        """Make the last write durable. Raises `OSError`."""
        if self._handle is not None and self._dirty:
            self._dirty = False
            os.fdatasync(self._handle)

    def close(self) -> None:
        """Sync as far as the disk permits, and let go."""
        if self._handle is not None:
            with contextlib.suppress(OSError):  # the database is what counts; an old head is not a loss
                self.sync()
            os.close(self._handle)
            self._handle = None


def _block(note: str) -> bytes:
    return note.encode().ljust(BLOCK, b"\n")
