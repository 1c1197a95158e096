"""An export as one file that is written while it is read: a tar of the very files that `interlock export` writes.

Nothing of it is kept: one piece of the log at a time becomes one member. It is not compressed, so that the same ledger
gives the same bytes with every library, and everybody's `tar` unpacks it.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from interlock.ledger.export import pieces
from interlock.ledger.reader import Reader

_BLOCK = tarfile.BLOCKSIZE


class Archive:
    """The export of a log as it is now. `name` is the file's, `size` how many entries it will hold."""

    def __init__(self, state: Path) -> None:
        """The log in a state directory. Raises NotFound, LedgerUnverifiable, LedgerUnavailable."""
        self._state = state
        self._reader = Reader.open(state)
        self.size, self._note = self._reader.head()
        self.name = f"interlock-ledger-{self.size}.tar"

    def __iter__(self) -> Iterator[bytes]:
        """The file, a member at a time. Raises LedgerError for what cannot be read: then it has no end."""
        folder = self.name.removesuffix(".tar")
        for name, data in pieces(self._reader, self.size, self._note, self._state, _passed_over):
            yield member(f"{folder}/{name}", data)
        yield bytes(2 * _BLOCK)

    def close(self) -> None:
        """Let go of the ledger."""
        self._reader.close()


def member(name: str, data: bytes) -> bytes:
    """One file of an archive, without a time and of no owner."""
    head = tarfile.TarInfo(name)
    head.size = len(data)
    return head.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % _BLOCK)


def _passed_over(digest: str) -> None:
    """Data that is not in the content store any more: whoever verifies is told by the entries that refer to it."""
