"""Pre-images: contents as they were, by their SHA-256, each kept once, compressed, bounded by size and age.

`<folder>/ab/cdef…` holds the zlib stream of the content whose digest is `abcdef…`. Putting a content that is there
makes it young again. What is pruned is gone, oldest first, and whoever wanted it is told so before anything is touched.
The store never decides what may be kept: who puts a secret in is wrong (`docs/data.md`), and asks before.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from interlock.model.errors import StateError

_PIECE = 1 << 20
_LEVEL = 1  # source text shrinks to a third at 100 MB/s; higher levels cost more than the disk they save
_DIGEST = re.compile(r"[0-9a-f]{64}")
BYTES_KEPT = 2 << 30
SECONDS_KEPT = 30 * 86400


class Gone(StateError):
    """A pre-image was pruned, or its file is damaged."""


class Pruned(NamedTuple):
    """What a pruning took away."""

    files: int
    bytes: int


class Store:
    """One directory of pre-images, made private at first use. Safe to be used by several threads and processes."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, raw: bytes, *, durable: bool = True) -> str:
        """Keep these bytes; returns their digest. Raises OSError (a full disk leaves nothing behind)."""
        digest = hashlib.sha256(raw).hexdigest()
        if not self._young(digest):
            self._write(iter((raw,)), durable)
        return digest

    def put_file(self, fd: int, *, durable: bool = True) -> str:
        """Keep what an open file holds, from its start; returns the digest. What is kept is what was hashed."""
        if os.fstat(fd).st_size <= _PIECE:
            return self.put(b"".join(_pieces(fd)), durable=durable)
        return self._write(_pieces(fd), durable)

    def get(self, digest: str) -> bytes:
        """The bytes. Raises Gone."""
        return b"".join(self.pieces(digest))

    def pieces(self, digest: str) -> Iterator[bytes]:
        """The content in pieces, checked: Gone may come after the last one, so write to a place that can be dropped."""
        seen = hashlib.sha256()
        unpack = zlib.decompressobj()
        try:
            with self._path(digest).open("rb") as file:
                while packed := file.read(_PIECE):
                    while packed:
                        piece = unpack.decompress(packed, _PIECE)
                        packed = unpack.unconsumed_tail
                        seen.update(piece)
                        yield piece
            rest = unpack.flush()
        except (OSError, zlib.error) as error:
            raise Gone(f"the pre-image {digest[:12]} is no longer there. It may have been pruned.") from error
        seen.update(rest)
        if rest:
            yield rest
        if seen.hexdigest() != digest:
            raise Gone(f"the pre-image {digest[:12]} is damaged; nothing was restored from it.")

    def __contains__(self, digest: object) -> bool:
        """Whether it is kept. What is no digest (that of a file nobody could read is "") names nothing kept."""
        return isinstance(digest, str) and bool(_DIGEST.fullmatch(digest)) and self._path(digest).is_file()

    def prune(self, now: float, *, size: int = BYTES_KEPT, age: float = SECONDS_KEPT) -> Pruned:
        """Drop what is older than `age` seconds, then the oldest until the rest fits in `size` bytes on disk."""
        kept = []
        for path in (*self._folder.glob("??/*"), *self._folder.glob(".*")):  # the latter: what a kill left half-written
            try:
                seen = path.stat()
            except FileNotFoundError:
                continue
            kept.append((seen.st_mtime, seen.st_size, path))
        kept.sort()
        total = sum(row[1] for row in kept)
        count = freed = 0
        for when, bytes_, path in kept:
            if now - when <= age and total - freed <= size:
                break
            path.unlink(missing_ok=True)
            count += 1
            freed += bytes_
        return Pruned(count, freed)

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise Gone("that is no digest of a pre-image.")
        return self._folder / digest[:2] / digest[2:]

    def _young(self, digest: str) -> bool:
        try:
            os.utime(self._path(digest))
        except FileNotFoundError:
            return False
        return True

    def _write(self, pieces: Iterator[bytes], durable: bool) -> str:
        new = self._folder / f".{secrets.token_hex(8)}"
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        seen = hashlib.sha256()
        pack = zlib.compressobj(_LEVEL)
        try:
            with open(fd, "wb") as file:
                for piece in pieces:
                    seen.update(piece)
                    file.write(pack.compress(piece))
                file.write(pack.flush())
                file.flush()
                if durable:
                    os.fsync(fd)
            digest = seen.hexdigest()
            place = self._path(digest)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            os.rename(new, place)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        return digest


def _pieces(fd: int) -> Iterator[bytes]:
    offset = 0
    while piece := os.pread(fd, _PIECE, offset):
        offset += len(piece)
        yield piece
