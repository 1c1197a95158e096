"""RFC 6962 from the verifier's side: roots from leaves or from tiles, and proofs checked as RFC 9162, section 2.1
says.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from interlock.model.errors import LedgerTampered

EMPTY = sha256(b"").digest()


def leaf(entry: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of two children."""
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash over any number of hashes that stand for subtrees of one height, by the RFC's recursion."""
    if not hashes:
        return EMPTY
    if len(hashes) == 1:
        return hashes[0]
    middle = 1
    while middle * 2 < len(hashes):
        middle *= 2
    return parent(root_of(hashes[:middle]), root_of(hashes[middle:]))


class Growing:
    """The root of a tree that is read leaf by leaf, in memory that does not grow with it."""

    def __init__(self) -> None:
        self.size = 0
        self._waiting: list[tuple[int, bytes]] = []  # (height, hash) of subtrees that wait for their right sibling

    def add(self, leaf_hash: bytes) -> list[tuple[int, bytes]]:
        """The next leaf; returns (level, hash) of the full tiles that it completes."""
        done: list[tuple[int, bytes]] = []
        height, node = 0, leaf_hash
        while self._waiting and self._waiting[-1][0] == height:
            node = parent(self._waiting.pop()[1], node)
            height += 1
            if height % 8 == 0:
                done.append((height // 8, node))
        self._waiting.append((height, node))
        self.size += 1
        return done

    def root(self) -> bytes:
        """The root so far."""
        if not self._waiting:
            return EMPTY
        node = self._waiting[-1][1]
        for _, left in reversed(self._waiting[:-1]):
            node = parent(left, node)
        return node


def check_inclusion(index: int, size: int, entry: bytes, path: Sequence[bytes], root: bytes) -> None:
    """RFC 9162, section 2.1.3.2. Raises `LedgerTampered` unless the path leads from the entry to the root."""
    if not 0 <= index < size:
        raise LedgerTampered(f"entry {index} cannot be in a tree of {size}")
    place, last, node = index, size - 1, leaf(entry)
    for sibling in path:
        if last == 0:
            raise LedgerTampered("the inclusion proof is too long")
        if place & 1 or place == last:
            node = parent(sibling, node)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            node = parent(node, sibling)
        place >>= 1
        last >>= 1
    if last != 0:
        raise LedgerTampered("the inclusion proof is too short")
    if node != root:
        raise LedgerTampered(f"the proof does not lead from this entry {index} to the signed root")


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """RFC 9162, section 2.1.4.2. Raises `LedgerTampered` unless the old tree is a prefix of the new one."""
    if not 0 < old <= new:
        raise LedgerTampered(f"no proof leads from a tree of {old} to one of {new}")
    if old == new:
        if proof or old_root != new_root:
            raise LedgerTampered("two trees of one size have different roots")
        return
    steps = list(proof)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        raise LedgerTampered("the consistency proof is empty")
    first, second = old - 1, new - 1
    while first & 1:
        first >>= 1
        second >>= 1
    left = right = steps[0]
    for step in steps[1:]:
        if second == 0:
            raise LedgerTampered("the consistency proof is too long")
        if first & 1 or first == second:
            left, right = parent(step, left), parent(step, right)
            while not first & 1 and first:
                first >>= 1
                second >>= 1
        else:
            right = parent(right, step)
        first >>= 1
        second >>= 1
    if second != 0 or left != old_root or right != new_root:
        raise LedgerTampered(f"the tree of {new} entries does not grow out of that of {old}: the history was changed")
