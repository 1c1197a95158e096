"""The tree: the writer's code against the recursion of RFC 6962, and against the verifier's own code."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.ledger.merkle import EMPTY_ROOT, Frontier, Node, Tree, leaf_hash
from interlock.ledger.verify.hashes import Growing, check_consistency, check_inclusion, root_of
from interlock.model.errors import LedgerTampered

# The inputs and roots that Certificate Transparency implementations test with (RFC 6962 trees of 1 to 8 leaves).
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaf(number: int) -> bytes:
    return leaf_hash(str(number).encode())


class Memory:
    """Every hash of a tree, by the RFC's definition."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.levels = [[leaf(n) for n in range(size)]]
        while len(self.levels[-1]) >= 256:
            below = self.levels[-1]
            full = range(0, len(below) - len(below) % 256, 256)
            self.levels.append([root_of(below[i : i + 256]) for i in full])

    def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        found = self.levels[level][start:stop]
        assert len(found) == stop - start
        return found


def test_the_roots_of_certificate_transparency() -> None:
    frontier, growing = Frontier(), Growing()
    for text, root in zip(CT_LEAVES, CT_ROOTS, strict=True):
        hashed = leaf_hash(bytes.fromhex(text))
        frontier.append(hashed)
        growing.add(hashed)
        assert frontier.root().hex() == growing.root().hex() == root
    assert EMPTY_ROOT == sha256(b"").digest() == Frontier().root() == Growing().root()


@pytest.mark.parametrize("size", [*range(20), 255, 256, 257, 511, 512, 600, 1000])
def test_frontier_tree_and_recursion_agree(size: int) -> None:
    memory, frontier = Memory(size), Frontier()
    for number in range(size):
        frontier.append(leaf(number))
    tree = Tree(size, memory.hashes)
    assert frontier.root() == root_of(memory.levels[0]) == tree.root()
    assert tree.frontier().pack() == frontier.pack()
    assert Frontier.unpack(size, frontier.pack()).root() == frontier.root()


def test_appending_reports_each_full_tile_once() -> None:
    frontier, done = Frontier(), list[Node]()
    growing, also = Growing(), list[tuple[int, bytes]]()
    for number in range(65_536 + 300):
        done += frontier.append(leaf(number))
        also += growing.add(leaf(number))
    assert [(n.level, n.index) for n in done if n.level == 1] == [(1, i) for i in range(257)]
    assert [(n.level, n.index) for n in done if n.level == 2] == [(2, 0)]
    assert [(n.level, n.hash) for n in done] == also
    assert done[0].hash == root_of([leaf(n) for n in range(256)])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.data())
def test_every_inclusion_proof_holds_and_no_changed_one_does(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree = Tree(size, Memory(size).hashes)
    path, root = tree.inclusion(index, size), tree.root()
    entry = str(index).encode()
    check_inclusion(index, size, entry, path, root)
    with pytest.raises(LedgerTampered):
        check_inclusion(index, size, entry + b"!", path, root)
    with pytest.raises(LedgerTampered):
        check_inclusion(index, size, entry, [*path, root], root)
    if path:
        with pytest.raises(LedgerTampered):
            check_inclusion(index, size, entry, path[:-1], root)
        place = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:place], sha256(path[place]).digest(), *path[place + 1 :]]
        with pytest.raises(LedgerTampered):
            check_inclusion(index, size, entry, changed, root)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.data())
def test_every_consistency_proof_holds_and_no_changed_one_does(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    tree = Tree(new, Memory(new).hashes)
    proof, old_root, new_root = tree.consistency(old, new), tree.root(old), tree.root(new)
    check_consistency(old, new, proof, old_root, new_root)
    wrong = sha256(old_root).digest()
    with pytest.raises(LedgerTampered):
        check_consistency(old, new, proof, wrong, new_root)
    with pytest.raises(LedgerTampered):
        check_consistency(old, new, proof, old_root, wrong)
    with pytest.raises(LedgerTampered):
        check_consistency(old, new, [*proof, wrong], old_root, new_root)


def test_every_pair_of_small_sizes() -> None:
    memory = Memory(34)
    for new in range(1, 35):
        tree = Tree(34, memory.hashes)
        for old in range(1, new + 1):
            check_consistency(old, new, tree.consistency(old, new), tree.root(old), tree.root(new))
        for index in range(new):
            check_inclusion(index, new, str(index).encode(), tree.inclusion(index, new), tree.root(new))


def test_questions_outside_the_tree_are_refused() -> None:
    tree = Tree(5, Memory(5).hashes)
    for ask in (
        lambda: tree.inclusion(5, 5),
        lambda: tree.inclusion(0, 6),
        lambda: tree.consistency(0, 5),
        lambda: tree.root(6),
    ):
        with pytest.raises(IndexError):
            ask()
    with pytest.raises(ValueError, match="perfect subtrees"):
        Frontier(3, [b"\0" * 32])
    with pytest.raises(ValueError, match="whole number"):
        Frontier.unpack(1, b"\0" * 31)
