"""Patterns of `like` as automata: a text matches, several patterns have a text in common, or they have none.

Cedar's only wildcard is `*`, any text. A pattern is written here as the pieces between its stars: `("shop.", "")` is
`shop.*`, and a text itself is a pattern of one piece. The earliest match of a piece is always a right one, so an
automaton has one state for each character: how far the pattern is matched.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

Pieces = tuple[str, ...]

DEAD = -1  # no text that goes on from here matches
STATES = 20_000  # looked at in one search; a pair of patterns has some hundreds, and each costs some ten microseconds
_LETTERS = "xyzuvwabcdefghijklmnopqrst0123456789"


class GaveUp(Exception):
    """A search that would take too long: whatever needs it is unknown."""


def normal(pieces: Sequence[str]) -> Pieces:
    """The same pattern without stars that stand side by side."""
    if len(pieces) < 3:
        return tuple(pieces)
    return (pieces[0], *(piece for piece in pieces[1:-1] if piece), pieces[-1])


class Automaton:
    """One pattern. States count up to `last`, the only one that accepts."""

    def __init__(self, pieces: Pieces) -> None:
        self.characters = frozenset("".join(pieces))
        self._rows: list[dict[str, int]] = []
        self._others: list[int] = []  # where a character leads that the row does not name
        first, *floating = pieces
        for character in first:
            self._row({character: len(self._rows) + 1}, DEAD)
        if not floating:
            self._row({}, DEAD)
        for place, piece in enumerate(floating, start=1):
            self._float(piece, last=place == len(floating))
        self.last = len(self._rows) - 1
        self.endless = bool(floating) and not floating[-1]  # once accepted, whatever follows

    def _row(self, row: dict[str, int], other: int) -> None:
        self._rows.append(row)
        self._others.append(other)

    def _float(self, piece: str, *, last: bool) -> None:
        """States that look for the piece anywhere (Knuth, Morris, Pratt 1977): on a mismatch, as far as still fits."""
        base = len(self._rows)
        fallback = base
        for place, character in enumerate(piece):
            row = dict(self._rows[fallback]) if place else {}
            if place:
                fallback = self._rows[fallback].get(character, base)
            row[character] = base + place + 1
            self._row(row, base)
        if last:  # the state in which the text may end: it goes on as the state that it falls back to
            self._row(dict(self._rows[fallback]) if piece else {}, base)

    def step(self, state: int, character: str) -> int:
        """The state after one more character."""
        return state if state == DEAD else self._rows[state].get(character, self._others[state])

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        state = 0
        for character in text:
            state = self.step(state, character)
            if state == DEAD:
                return False
        return state == self.last


@lru_cache(maxsize=4_096)
def automaton(pieces: Pieces) -> Automaton:
    """The automaton of a pattern."""
    return Automaton(pieces)


def fresh(patterns: Sequence[Pieces], count: int = 1) -> list[str]:
    """Characters that stand in none of the patterns: to them, all such characters are alike."""
    used = set().union(*patterns and (set("".join(pieces)) for pieces in patterns))
    found = [letter for letter in _LETTERS if letter not in used][:count]
    code = 0x100
    while len(found) < count:
        if chr(code) not in used:
            found.append(chr(code))
        code += 1
    return found


class Found(NamedTuple):
    """Texts, short ones first, and the shunned patterns without which there would be others, or more of them."""

    texts: list[str]
    because: list[Pieces]


def texts(held: Sequence[Pieces], shunned: Sequence[Pieces], count: int = 1) -> Found:
    """Up to `count` texts that match every pattern of `held` and none of `shunned`: all of them, if they are fewer.

    Patterns are shunned one after the other, as they turn out to matter: of a hundred, one or two do. Raises GaveUp.
    """
    new = fresh([*held, *shunned], count)
    if count == 1 and (quick := _quick(held, shunned, new[0])) is not None:
        return Found([quick], [])
    mattering: list[Pieces] = []
    while True:
        found = list(_search([automaton(p) for p in held], [automaton(p) for p in mattering], new, count))
        more = next((p for p in shunned if any(automaton(p).matches(text) for text in found)), None)
        if more is None:
            return Found(found, mattering)
        mattering.append(more)


def _quick(held: Sequence[Pieces], shunned: Sequence[Pieces], new: str) -> str | None:
    """A text that is easily found: one of the patterns, with nothing or a new character for each star."""
    for pieces in (*held, ("", "")):
        for filled in ("", new):
            text = filled.join(pieces)
            if all(automaton(p).matches(text) for p in held) and not any(automaton(p).matches(text) for p in shunned):
                return text
    return None


def _search(held: Sequence[Automaton], shunned: Sequence[Automaton], new: Sequence[str], count: int) -> Iterator[str]:
    """Through the product of the automata: each place need be visited `count` times for `count` texts."""
    every = (*held, *shunned)
    alphabet = sorted(set().union(*(one.characters for one in every))) + list(new)
    start = (0,) * len(every)
    most = count
    queue = [(_left(held, start), "", start)]
    visits: dict[tuple[int, ...], int] = {}
    looked = 0
    while queue and count:
        _, text, place = heapq.heappop(queue)
        if visits.get(place, 0) >= most:
            continue
        visits[place] = visits.get(place, 0) + 1
        looked += 1
        if looked > STATES:
            raise GaveUp(f"more than {STATES} states of {len(every)} patterns")
        if all(one.last == state for one, state in zip(held, place, strict=False)) and not any(
            one.last == state for one, state in zip(shunned, place[len(held) :], strict=True)
        ):
            yield text
            count -= 1
        for character in alphabet:
            after = tuple(one.step(state, character) for one, state in zip(every, place, strict=True))
            if not _hopeless(held, shunned, after):
                heapq.heappush(queue, (len(text) + 1 + _left(held, after), text + character, after))


def _left(held: Sequence[Automaton], place: tuple[int, ...]) -> int:
    """How many characters are missing at most, patterns one after the other: the search goes where it is few."""
    return sum(one.last - state for one, state in zip(held, place, strict=False))


def _hopeless(held: Sequence[Automaton], shunned: Sequence[Automaton], place: tuple[int, ...]) -> bool:
    rest = place[len(held) :]
    return DEAD in place[: len(held)] or any(
        one.endless and one.last == state for one, state in zip(shunned, rest, strict=True)
    )


@lru_cache(maxsize=65_536)
def apart(one: Pieces, other: Pieces) -> bool:
    """Whether no text matches both patterns. Raises GaveUp."""
    return not texts([one, other], []).texts


@lru_cache(maxsize=65_536)
def within(one: Pieces, other: Pieces) -> bool:
    """Whether every text that matches `one` matches `other`.

    A character in neither pattern can only be matched by a star, so the text with one for each star of `one` tells.
    """
    return automaton(other).matches(fresh([one, other])[0].join(one))
