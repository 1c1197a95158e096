"""The tree as static files (c2sp.org/tlog-tiles): what other people's tools read. Derived from the database,
rebuildable.

Full tiles and full entry bundles never change. Of the partial ones only those of the published checkpoint are kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from interlock.ledger.files import make_directories, write_atomic
from interlock.ledger.merkle import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH

ENTRIES = "entries"


@dataclass(frozen=True, slots=True)
class Tile:
    """Hashes `index*256 .. index*256+width` of a level, or (level None) the bundle of those entries."""

    level: int | None
    index: int
    width: int

    def path(self) -> str:
        """Where it stands below the log's directory: `tile/0/x001/234` or `tile/entries/x001/234.p/17`."""
        where = ENTRIES if self.level is None else str(self.level)
        partial = f".p/{self.width}" if self.width < TILE_WIDTH else ""
        return f"tile/{where}/{number_path(self.index)}{partial}"


def number_path(index: int) -> str:
    """1234067 -> x001/x234/067."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts))


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Every tile and bundle that a tree of `size` has and one of `since` has not, partial ones included."""
    for level in (None, *range((max(size, 1).bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT)):
        shift = TILE_HEIGHT * (level or 0)
        full, width = divmod(size >> shift, TILE_WIDTH)
        for index in range((since >> shift) // TILE_WIDTH, full):
            yield Tile(level, index, TILE_WIDTH)
        if width:
            yield Tile(level, full, width)


class Source(Protocol):
    """Where tiles are derived from."""

    def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Hashes of a tile level."""

    def raws(self, start: int, stop: int) -> Sequence[bytes]:
        """The bytes of entries."""


def tile_bytes(tile: Tile, source: Source) -> bytes:
    """The content of a tile's file."""
    start = tile.index * TILE_WIDTH
    if tile.level is not None:
        return b"".join(source.hashes(tile.level, start, start + tile.width))
    return b"".join(len(raw).to_bytes(2, "big") + raw for raw in source.raws(start, start + tile.width))


class TileDirectory:
    """The files of one log below `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._published = 0

    def publish(self, size: int, checkpoint: str, source: Source) -> None:
        """Write what the tree of `size` has and the files have not, then the checkpoint, then drop old partial tiles.

        The first call of a process looks at every file, so that what a crash or a hand took away comes back. Nothing is
        synced: these files can be derived again, and their syncs would make every append wait. Raises `OSError`.
        """
        since = self._published
        for tile in tiles_of(size, since):
            path = self.directory / tile.path()
            if not self._there(path, tile):
                make_directories(path.parent)
                write_atomic(path, tile_bytes(tile, source), sync=False)
        write_atomic(self.directory / "checkpoint", checkpoint.encode(), sync=False)
        self._drop_partials(size)
        self._published = size

    @staticmethod
    def _there(path: Path, tile: Tile) -> bool:
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            return False
        return found > 0 if tile.level is None else found == tile.width * HASH_BYTES

    def _drop_partials(self, size: int) -> None:
        """Drop the partial tiles of checkpoints before this one."""
        keep = {tile.path() for tile in tiles_of(size, size) if tile.width < TILE_WIDTH}
        for folder in sorted((self.directory / "tile").rglob("*.p")) if not self._published else self._recent(size):
            for path in sorted(folder.glob("*")):
                if str(path.relative_to(self.directory)) not in keep:
                    path.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()

    def _recent(self, size: int) -> Iterator[Path]:
        """Folders of partial tiles that the step from the last published size to `size` may have left behind."""
        for tile in {*tiles_of(self._published, self._published), *tiles_of(size, size)}:
            if tile.width < TILE_WIDTH:
                folder = (self.directory / tile.path()).parent
                if folder.is_dir():
                    yield folder

    def remove(self) -> None:
        """Drop everything that can be derived again."""
        shutil.rmtree(self.directory / "tile", ignore_errors=True)
        (self.directory / "checkpoint").unlink(missing_ok=True)
