"""The RFC 6962 Merkle tree, as the writer of a log needs it: append, root, proofs. Pure: bytes in, bytes out.

The verifier (`interlock.ledger.verify`) has its own code for the other side, so that one mistake cannot hide itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Node:
    """The root of a full tile's subtree: hash number `index` of tile level `level` (at least 1)."""

    level: int
    index: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962, section 2.1: the hash of a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962, section 2.1: the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def fold(nodes: Iterable[bytes]) -> bytes:
    """The root over perfect subtrees of falling height, leftmost first."""
    stack = list(nodes)
    if not stack:
        return EMPTY_ROOT
    root = stack.pop()
    while stack:
        root = node_hash(stack.pop(), root)
    return root


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 2^k hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


class Frontier:
    """The right edge of a growing tree: one hash for each perfect subtree, largest first. All that appending needs."""

    __slots__ = ("_nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._nodes = list(nodes)
        if len(self._nodes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees, not {len(self._nodes)}")

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> Frontier:
        """The inverse of `pack`; raises `ValueError` when the bytes do not fit the size."""
        if len(packed) % HASH_BYTES:
            raise ValueError("a frontier is a whole number of hashes")
        return cls(size, (packed[i : i + HASH_BYTES] for i in range(0, len(packed), HASH_BYTES)))

    def pack(self) -> bytes:
        """The hashes one after another."""
        return b"".join(self._nodes)

    def copy(self) -> Frontier:
        """An independent frontier of the same tree."""
        return Frontier(self.size, self._nodes)

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash; return the roots of the full tiles that it completed, lowest level first."""
        done: list[Node] = []
        node, height, place = leaf, 0, self.size
        while place & 1:
            node = node_hash(self._nodes.pop(), node)
            place >>= 1
            height += 1
            if height % TILE_HEIGHT == 0:
                done.append(Node(height // TILE_HEIGHT, place, node))
        self._nodes.append(node)
        self.size += 1
        return done

    def root(self) -> bytes:
        """The root hash of the tree so far."""
        return fold(self._nodes)


Hashes = Callable[[int, int, int], Sequence[bytes]]
"""`hashes(level, start, stop)`: the hashes of tile level `level` from number `start` up to `stop`, all within one
tile.
"""


class Tree:
    """Proofs over a tree whose tile hashes can be fetched. Tiles are kept for the life of the object: use one a
    request.
    """

    def __init__(self, size: int, hashes: Hashes) -> None:
        self.size = size
        self._hashes = hashes
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves."""
        size = self.size if size is None else size
        self._check(0 <= size <= self.size)
        return self._range(0, size)

    def frontier(self) -> Frontier:
        """The frontier, computed from the tiles."""
        return Frontier(self.size, self._perfect(0, self.size))

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """RFC 6962, section 2.1.1: the path from leaf `index` up to the root of the first `size` leaves."""
        self._check(0 <= index < size <= self.size)
        path: list[bytes] = []
        low, high = 0, size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low = middle
        return path[::-1]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """RFC 6962, section 2.1.2: the proof that the first `old` leaves are a prefix of the first `new`."""
        self._check(0 < old <= new <= self.size)
        proof: list[bytes] = []
        low, high, whole = 0, new, True
        while old != high:
            middle = low + _split(high - low)
            if old <= middle:
                proof.append(self._range(middle, high))
                high = middle
            else:
                proof.append(self._range(low, middle))
                low, whole = middle, False
        if not whole:
            proof.append(self._range(low, high))
        return proof[::-1]

    def _check(self, holds: bool) -> None:
        if not holds:
            raise IndexError(f"the tree has {self.size} leaves")

    def _range(self, low: int, high: int) -> bytes:
        """The Merkle tree hash of leaves low..high, where `low` is a multiple of the largest subtree in it."""
        return fold(self._perfect(low, high))

    def _perfect(self, low: int, high: int) -> list[bytes]:
        nodes: list[bytes] = []
        while low < high:
            height = (high - low).bit_length() - 1
            nodes.append(self._node(height, low >> height))
            low += 1 << height
        return nodes

    def _node(self, height: int, index: int) -> bytes:
        """The root of the perfect subtree number `index` among those of this height."""
        level, rest = divmod(height, TILE_HEIGHT)
        first = index << rest
        number, offset = divmod(first, TILE_WIDTH)
        count = 1 << rest
        tile = self._tiles.get((level, number))
        if tile is None:
            stop = min((number + 1) * TILE_WIDTH, self.size >> (TILE_HEIGHT * level))
            tile = self._hashes(level, number * TILE_WIDTH, stop)
            self._tiles[(level, number)] = tile
        if offset + count > len(tile):
            raise LookupError(f"tile {number} of level {level} holds {len(tile)} hashes, not {offset + count}")
        return perfect_root(tile[offset : offset + count])


def _split(length: int) -> int:
    """The largest power of two smaller than `length` (at least 2)."""
    return 1 << ((length - 1).bit_length() - 1)
