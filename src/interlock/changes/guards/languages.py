"""Whether two regular expressions match the same texts, by the automata that they are. Pure.

What is no plain part of a language (anchors, boundaries, what is looked for ahead) stays a sign of its own that only
equals itself, and so does an occurrence of a character about whose kind the notations differ: what is said to be the
same is the same, and of much that is the same nobody knows. Groups are only brackets here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from re import _constants as codes  # type: ignore[attr-defined] # no stub has them, and no public parser is there
from typing import Any

_MOST_STATES = 1_500  # of one automaton
_MOST_PAIRS = 4_000  # of states of both that are compared
_MOST_TIMES = 64  # of a bounded repetition, which is written out
_LAST = 0x10FFFF
# Python calls them space, JavaScript and Go do not.
_DOUBTFUL = frozenset(range(0x1C, 0x20)) | {0x0B, 0x85, 0xA0}
_KINDS = ("DIGIT", "WORD", "SPACE")

Letter = tuple[int, int]  # a character and what kinds it is of, as bits; or a sign: (-1, its number)
_Accepts = Callable[[Letter], bool]


class _Unknown(Exception):
    """The pattern has a part that is not compared."""


def same(one: Any, other: Any) -> bool:
    """Whether two parsed patterns match the same texts; False as well where that is not seen."""
    if one.state.flags != other.state.flags or one.getwidth() != other.getwidth():
        return False
    signs: dict[str, int] = {}
    try:
        left, right = _Automaton(one, signs), _Automaton(other, signs)
    except _Unknown:
        return False
    if left.lazy != right.lazy:
        return False
    return _equal(left, right, _letters([*left.edges, *right.edges], len(signs)))


class _Automaton:
    """States are numbers; `edges`: what leads from one to another; `free`: what may be gone without a character."""

    def __init__(self, tree: Any, signs: dict[str, int]) -> None:
        self.edges: list[tuple[int, _Set, int]] = []
        self.free: dict[int, list[int]] = {}
        self.lazy = 0  # repetitions that take as little as they can: which part of a text is matched depends on them
        self._count = 1
        self._signs = signs
        self.end = self._whole(tree, 0)

    def _state(self) -> int:
        self._count += 1
        if self._count > _MOST_STATES:
            raise _Unknown
        return self._count - 1

    def _skip(self, start: int, end: int) -> None:
        self.free.setdefault(start, []).append(end)

    def _whole(self, tree: Any, start: int) -> int:
        for operation, value in tree:
            start = self._part(operation, value, start)
        return start

    def _part(self, operation: Any, value: Any, start: int) -> int:
        """Build what leads on from `start`; where it ends."""
        if operation is codes.SUBPATTERN:
            if value[1] or value[2]:  # flags of its own
                raise _Unknown
            return self._whole(value[-1], start)
        if operation is codes.BRANCH:
            end = self._state()
            for branch in value[1]:
                self._skip(self._whole(branch, start), end)
            return end
        if operation in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            self.lazy += operation is codes.MIN_REPEAT
            low, high, inner = value
            return self._repeated(low, high, inner, start)
        if operation in (codes.AT, codes.ASSERT, codes.ASSERT_NOT):
            number = self._signs.setdefault(f"{operation} {value!r}", len(self._signs))
            return self._edge(start, _Set(sign=number))
        return self._edge(start, _Set.of(operation, value))

    def _edge(self, start: int, letters: _Set) -> int:
        end = self._state()
        self.edges.append((start, letters, end))
        return end

    def _repeated(self, low: int, high: int, inner: Any, start: int) -> int:
        endless = high is codes.MAXREPEAT
        if max(low, 0 if endless else high) > _MOST_TIMES:
            raise _Unknown
        for _ in range(low):
            start = self._whole(inner, start)
        if endless:
            loop = self._state()
            self._skip(start, loop)
            self._skip(self._whole(inner, loop), loop)
            return loop
        end = self._state()
        self._skip(start, end)
        for _ in range(high - low):
            start = self._whole(inner, start)
            self._skip(start, end)
        return end

    def closed(self, states: Iterable[int]) -> frozenset[int]:
        """The states with all that can be reached from them for nothing."""
        found, waiting = set(states), list(states)
        while waiting:
            for after in self.free.get(waiting.pop(), ()):
                if after not in found:
                    found.add(after)
                    waiting.append(after)
        return frozenset(found)

    def after(self, states: frozenset[int], letter: Letter) -> frozenset[int]:
        """Where one letter leads to."""
        return self.closed({end for start, letters, end in self.edges if start in states and letters.has(letter)})


class _Set:
    """The letters that one step takes: ranges and kinds of characters, turned round or not; or a sign alone."""

    def __init__(self, parts: Iterable[_Accepts] = (), edges: Iterable[int] = (), *, sign: int = -1) -> None:
        self._parts = list(parts)
        self.edges = list(edges)  # characters from which on it may take others
        self._sign = sign
        self._turned = False

    @classmethod
    def of(cls, operation: Any, value: Any) -> _Set:
        """What a part of a pattern takes that is one character long."""
        if operation in (codes.LITERAL, codes.NOT_LITERAL):
            found = cls([_range(value, value)], [value, value + 1])
            found._turned = operation is codes.NOT_LITERAL
            return found
        if operation is codes.ANY:
            found = cls([_range(10, 10)], [10, 11])
            found._turned = True
            return found
        if operation is not codes.IN:
            raise _Unknown
        found = cls()
        for inner, given in value:
            if inner is codes.NEGATE:
                found._turned = True
            elif inner is codes.CATEGORY:
                found._parts.append(_category(str(given)))
            else:
                low, high = given if inner is codes.RANGE else (given, given)
                found._parts.append(_range(low, high))
                found.edges += [low, high + 1]
        return found

    def has(self, letter: Letter) -> bool:
        """Whether the step takes the letter."""
        if letter[0] < 0 or self._sign >= 0:
            return letter == (-1, self._sign)
        return any(part(letter) for part in self._parts) is not self._turned


def _range(low: int, high: int) -> _Accepts:
    return lambda letter: low <= letter[0] <= high


def _category(name: str) -> _Accepts:
    bit = next(1 << n for n, kind in enumerate(_KINDS) if kind in name)
    wanted = "NOT" not in name
    return lambda letter: bool(letter[1] & bit) is wanted


def _letters(edges: list[tuple[int, _Set, int]], signs: int) -> list[Letter]:
    """One letter of each sort that no step tells apart."""
    sets = [letters for _, letters, _ in edges]
    chars = {0, *range(0x80), *_DOUBTFUL, *(n for one in sets for n in one.edges if n <= _LAST), 0x80, 0x100}
    sorts: dict[tuple[bool, ...], Letter] = {}
    for char in chars:
        known = char < 0x80 and char not in _DOUBTFUL
        for kinds in [_kinds(chr(char))] if known else range(1 << len(_KINDS)):
            sorts.setdefault(tuple(one.has((char, kinds)) for one in sets), (char, kinds))
    return [*sorts.values(), *((-1, number) for number in range(signs))]


def _kinds(char: str) -> int:
    shapes = (r"\d", r"\w", r"\s")
    return sum(1 << n for n, shape in enumerate(shapes) if re.fullmatch(shape, char))


def _equal(one: _Automaton, other: _Automaton, letters: list[Letter]) -> bool:
    """Go through both side by side: they differ where one may end and the other may not."""
    first = one.closed({0}), other.closed({0})
    known, waiting = {first}, deque([first])
    while waiting:
        left, right = waiting.popleft()
        if (one.end in left) is not (other.end in right):
            return False
        for letter in letters:
            pair = one.after(left, letter), other.after(right, letter)
            if pair not in known:
                known.add(pair)
                waiting.append(pair)
        if len(known) > _MOST_PAIRS:
            return False
    return True
