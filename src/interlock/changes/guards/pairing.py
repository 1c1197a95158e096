"""Which function of the old version became which of the new one. Pure.

By name in the same file first; what is left, by the words in it: renamed in the file, then moved to another file of the
change.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlock.changes.guards.guard import Function

ALIKE = 0.6  # share of words that a renamed function keeps; below it, it is another function
_FEW = 6  # words: a shorter function is like too many others to be recognised
_MOST = 400  # unmatched functions on one side that are compared with the other side's


@dataclass(frozen=True)
class Pair:
    """One function before and after; one of them may be missing."""

    before: Function | None
    after: Function | None


def pairs(
    before: Iterable[Function], after: Iterable[Function], renamed: Mapping[str, str] | None = None
) -> list[Pair]:
    """Pairs of what differs; functions whose text is the same in both are left out.

    Args:
        before: the functions of the old files.
        after: those of the new files.
        renamed: old path -> new path.
    """
    moved = renamed or {}
    old: dict[tuple[str, str], list[Function]] = defaultdict(list)
    new: dict[tuple[str, str], list[Function]] = defaultdict(list)
    for one in before:
        old[moved.get(one.path, one.path), one.name].append(one)
    for one in after:
        new[one.path, one.name].append(one)
    found: list[Pair] = []
    gone: list[Function] = []
    come: list[Function] = []
    for key in {**old, **new}:
        left, right = _different(old.get(key, []), new.get(key, []))
        shared = min(len(left), len(right))
        found += [Pair(a, b) for a, b in zip(left, right, strict=False)]
        gone += left[shared:]
        come += right[shared:]
    found += _renamed(gone, come, moved)
    return sorted(found, key=lambda p: _place(p.after or p.before))


def _place(one: Function | None) -> tuple[str, int, str]:
    return (one.path, one.line, one.name) if one else ("", 0, "")


def _different(left: Sequence[Function], right: Sequence[Function]) -> tuple[list[Function], list[Function]]:
    """What is left of two lists once equal texts are taken away in pairs."""
    texts = Counter(f.source for f in right)
    rest: list[Function] = []
    same: Counter[str] = Counter()
    for one in left:
        if same[one.source] < texts[one.source]:
            same[one.source] += 1
        else:
            rest.append(one)
    other: list[Function] = []
    for one in right:
        if same[one.source] > 0:
            same[one.source] -= 1
        else:
            other.append(one)
    return rest, other


def _renamed(gone: list[Function], come: list[Function], moved: Mapping[str, str]) -> list[Pair]:
    candidates = []
    for i, a in enumerate(gone[:_MOST]):
        for j, b in enumerate(come[:_MOST]):
            share = likeness(a, b)
            if share >= ALIKE:
                near = moved.get(a.path, a.path) == b.path
                candidates.append((share + 0.2 * near + 0.1 * (a.short == b.short), i, j))
    left = best(candidates)
    taken = set(left.values())
    found = [Pair(a, come[left[i]] if i in left else None) for i, a in enumerate(gone)]
    return found + [Pair(None, b) for j, b in enumerate(come) if j not in taken]


def best(candidates: Iterable[tuple[float, int, int]]) -> dict[int, int]:
    """Each of one side with at most one of the other, the likeliest first; candidates are (likeness, one, other)."""
    left: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(candidates, key=lambda c: (-c[0], c[1], c[2])):
        if i not in left and j not in taken:
            left[i] = j
            taken.add(j)
    return left


def likeness(a: Function, b: Function) -> float:
    """The share of identifiers that two functions have in common: 0 to 1."""
    if a.source == b.source and a.source:
        return 1.0
    total = max(a.words.total(), b.words.total())
    if min(a.words.total(), b.words.total()) < _FEW:
        return 0.0
    return (a.words & b.words).total() / total
