"""The tile files of a log: every hash in every tile is tied to its parent tile, or at the right edge to the root.

The Go tile reader checked only the tiles that the question at hand needed, and so missed forged tiles at some sizes
(CVE-2026-56865). Here nothing is asked; everything is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from interlock.ledger.verify.hashes import parent, root_of
from interlock.model.errors import LedgerIncomplete, LedgerTampered, LedgerUnverifiable

WIDTH = 256
_PARTIAL = re.compile(r"\.p/[0-9]+$")


def tile_path(level: int | None, index: int, width: int) -> str:
    """The name of a tile, or with level None of an entry bundle."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{'entries' if level is None else level}/{number}{f'.p/{width}' if width < WIDTH else ''}"


class TileFiles:
    """The tiles below `directory` of a tree of `size`. Partial ones are read at once: a running log replaces them."""

    def __init__(self, directory: Path, size: int) -> None:
        self.directory = directory
        self.size = size
        self._edge: dict[str, bytes] = {}
        self._last: tuple[int, int, list[bytes]] | None = None
        for level in (None, *range(self.levels)):
            full, width = divmod(size >> (8 * (level or 0)), WIDTH)
            if width:
                self._edge[tile_path(level, full, width)] = self._read(tile_path(level, full, width))

    @property
    def levels(self) -> int:
        """How many tile levels a tree of this size has."""
        return (self.size.bit_length() + 7) // 8

    def _read(self, name: str) -> bytes:
        if name in self._edge:
            return self._edge[name]
        try:
            return (self.directory / name).read_bytes()
        except FileNotFoundError as error:
            raise LedgerIncomplete(f"{name} is missing, so the entries below it cannot be proved") from error
        except OSError as error:
            raise LedgerUnverifiable(f"{name} cannot be read: {error.strerror}") from error

    def hashes(self, level: int, index: int) -> list[bytes]:
        """The hashes of one tile."""
        if self._last is not None and self._last[:2] == (level, index):
            return self._last[2]
        width = min(WIDTH, (self.size >> (8 * level)) - index * WIDTH)
        name = tile_path(level, index, width)
        data = self._read(name)
        if len(data) != 32 * width:
            raise LedgerTampered(f"{name} holds {len(data)} bytes and must hold {32 * width}: it was cut or added to")
        self._last = (level, index, [data[i : i + 32] for i in range(0, len(data), 32)])
        return self._last[2]

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """(index, bytes) of every entry, from the bundles."""
        for index in range(-(-self.size // WIDTH)):
            width = min(WIDTH, self.size - index * WIDTH)
            name = tile_path(None, index, width)
            data = self._read(name)
            at = 0
            for number in range(index * WIDTH, index * WIDTH + width):
                end = at + 2 + int.from_bytes(data[at : at + 2], "big")
                if at + 2 > len(data) or end > len(data):
                    raise LedgerTampered(f"{name} is cut short: entry {number} is not all there")
                yield number, data[at + 2 : end]
                at = end
            if at != len(data):
                raise LedgerTampered(f"{name} holds {len(data) - at} bytes after its last entry")

    def check(self, root: bytes) -> None:
        """Tie every tile to its parent and the right edge to `root`, from the top down."""
        self._check_edge(root)
        for level in range(self.levels - 2, -1, -1):
            for index in range((self.size >> (8 * level)) // WIDTH):
                above = self.hashes(level + 1, index // WIDTH)[index % WIDTH]
                if root_of(self.hashes(level, index)) != above:
                    raise LedgerTampered(
                        f"{tile_path(level, index, WIDTH)} does not match hash {index % WIDTH} of its parent "
                        f"{self._name(level + 1, index // WIDTH)}: it was changed"
                    )

    def _check_edge(self, root: bytes) -> None:
        """The hashes that no full tile covers are, together, the root."""
        subtrees: list[bytes] = []
        for level in range(self.levels - 1, -1, -1):
            full, width = divmod(self.size >> (8 * level), WIDTH)
            hashes = self.hashes(level, full) if width else []
            at = 0
            for bit in range(7, -1, -1):
                if width >> bit & 1:
                    subtrees.append(root_of(hashes[at : at + (1 << bit)]))
                    at += 1 << bit
        node = subtrees.pop() if subtrees else root_of([])
        while subtrees:
            node = parent(subtrees.pop(), node)
        if node != root:
            edge = ", ".join(sorted(name for name in self._edge if "entries" not in name)) or "no tile"
            raise LedgerTampered(f"the tiles at the right edge ({edge}) do not make the root that was signed")

    def _name(self, level: int, index: int) -> str:
        return tile_path(level, index, min(WIDTH, (self.size >> (8 * level)) - index * WIDTH))

    def check_leaf(self, index: int, leaf: bytes) -> None:
        """An entry's hash stands in its level-0 tile."""
        if self.hashes(0, index // WIDTH)[index % WIDTH] != leaf:
            raise LedgerTampered(
                f"entry {index} does not match its hash in {self._name(0, index // WIDTH)}: the entry was changed"
            )
