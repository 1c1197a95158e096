"""Symbolic values: what an expression is, as a formula over every possible request.

A truth value is a Python `bool` where it is known, else a z3 term; the connectives here fold what is known, so that a
formula holds only what a request can change. Text from a closed vocabulary is a choice among its words (one condition
each), other text is known by what is asked of it (`interlock.prover.texts`), a set is its possible members with the
condition under which each is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import z3

from interlock.prover.globs import automaton, normal
from interlock.prover.texts import Texts

# z3's terms are untyped: `Truth` is a bool or a z3 Bool, `Number` an int or a z3 Int.
Truth = Any
Number = Any


class Untranslated(Exception):
    """An expression that has no translation: whatever needs it is unknown."""


@dataclass(frozen=True)
class Choice:
    """Text that is one of these words, each under its condition; the conditions exclude each other."""

    words: Mapping[str, Truth]


@dataclass(frozen=True)
class Free:
    """Any text: the attribute of this path."""

    path: str
    texts: Texts


@dataclass(frozen=True)
class Mixed:
    """Text that is one of these, each under its condition; the conditions exclude each other."""

    parts: tuple[tuple[Choice | Free, Truth], ...]


@dataclass(frozen=True)
class Members:
    """A set: possible members, and the condition under which each is one."""

    members: tuple[tuple[Value, Truth], ...]


@dataclass(frozen=True)
class Flag:
    """A boolean."""

    truth: Truth


@dataclass(frozen=True)
class Count:
    """A Cedar Long."""

    number: Number


Value = Choice | Free | Mixed | Members | Flag | Count


def both(*parts: Truth) -> Truth:
    """Conjunction."""
    return every(parts)


def either(*parts: Truth) -> Truth:
    """Disjunction."""
    return some(parts)


def every(parts: Iterable[Truth]) -> Truth:
    """Conjunction of any number."""
    terms = []
    for part in parts:
        if part is False:
            return False
        if part is not True:
            terms.append(part)
    return True if not terms else terms[0] if len(terms) == 1 else z3.And(*terms)


def some(parts: Iterable[Truth]) -> Truth:
    """Disjunction of any number."""
    terms = []
    for part in parts:
        if part is True:
            return True
        if part is not False:
            terms.append(part)
    return False if not terms else terms[0] if len(terms) == 1 else z3.Or(*terms)


def no(part: Truth) -> Truth:
    """Negation."""
    return not part if isinstance(part, bool) else z3.Not(part)


def when(condition: Truth, then: Truth, other: Truth) -> Truth:
    """`then` or `other`, by `condition`."""
    return either(both(condition, then), both(no(condition), other))


def term(truth: Truth) -> Any:
    """As z3 takes it."""
    return z3.BoolVal(truth) if isinstance(truth, bool) else truth


def same(left: Value, right: Value) -> Truth:
    """Equality of two values of one type."""
    match left, right:
        case Choice(), Choice():
            return some(both(is_word, right.words[word]) for word, is_word in left.words.items() if word in right.words)
        case Free(), Free():
            return left.texts.same(left.path, right.path)
        case Free(), Choice():
            return some(both(is_word, left.texts.equal(left.path, word)) for word, is_word in right.words.items())
        case Choice(), Free():
            return same(right, left)
        case Mixed(), (Free() | Choice() | Mixed()):
            return some(both(condition, same(part, right)) for part, condition in left.parts)
        case ((Free() | Choice()), Mixed()):
            return same(right, left)
        case Flag(), Flag():
            return either(both(left.truth, right.truth), both(no(left.truth), no(right.truth)))
        case Count(), Count():
            return left.number == right.number
        case Members(), Members():
            return both(within(left, right), within(right, left))
    raise Untranslated("a comparison of two types")


def holds(members: Members, value: Value) -> Truth:
    """Whether `value` is in the set."""
    return some(both(present, same(member, value)) for member, present in members.members)


def within(smaller: Members, larger: Members) -> Truth:
    """Whether every member of one set is in the other."""
    return every(either(no(present), holds(larger, member)) for member, present in smaller.members)


def choose(condition: Truth, then: Value, other: Value) -> Value:
    """The value of `if … then … else …`."""
    match then, other:
        case Choice(), Choice():
            words = {*then.words, *other.words}
            return Choice({w: when(condition, then.words.get(w, False), other.words.get(w, False)) for w in words})
        case ((Free() | Choice() | Mixed()), (Free() | Choice() | Mixed())):
            chosen = [(part, both(condition, when_)) for part, when_ in _parts(then)]
            return Mixed((*chosen, *((part, both(no(condition), when_)) for part, when_ in _parts(other))))
        case Flag(), Flag():
            return Flag(when(condition, then.truth, other.truth))
        case Count(), Count():
            return Count(z3.If(term(condition), then.number, other.number))
        case Members(), Members():
            mine = [(member, both(condition, present)) for member, present in then.members]
            return Members((*mine, *((member, both(no(condition), present)) for member, present in other.members)))
    raise Untranslated("a choice between two types")


def like(text: Value, pieces: Sequence[str]) -> Truth:
    """Whether the text matches the pattern, which is written as the pieces between its stars."""
    match text:
        case Choice(words=words):
            pattern = automaton(normal(pieces))
            return some(is_word for word, is_word in words.items() if pattern.matches(word))
        case Free(path=path, texts=texts):
            return texts.like(path, pieces)
        case Mixed(parts=parts):
            return some(both(condition, like(part, pieces)) for part, condition in parts)
    raise Untranslated("`like` on something that is no text")


def _parts(text: Choice | Free | Mixed) -> tuple[tuple[Choice | Free, Truth], ...]:
    return text.parts if isinstance(text, Mixed) else ((text, True),)
