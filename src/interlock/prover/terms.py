"""Symbolic values: what an expression is, as a formula over every possible request.

A truth value is a Python `bool` where it is known, else a z3 term; the connectives here fold what is known, so that a
formula holds only what a request can change. Text from a closed vocabulary is a choice among its words (one condition
each), other text is a z3 string, a set is its possible members with the condition under which each is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import z3

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
    """Any text: a z3 string."""

    term: Any


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


Value = Choice | Free | Members | Flag | Count


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


def literal(text: str) -> Any:
    """A z3 string. z3 reads `\\u{…}` in literals, so everything but letters and digits is written that way.

    Raises:
        Untranslated: a character that z3 has no number for (above U+2FFFF).
    """
    if any(ord(character) > 0x2FFFF for character in text):
        raise Untranslated("a character above U+2FFFF")
    escaped = "".join(c if c.isascii() and c.isalnum() else f"\\u{{{ord(c):x}}}" for c in text)
    return z3.StringVal(escaped)


def same(left: Value, right: Value) -> Truth:
    """Equality of two values of one type."""
    match left, right:
        case Choice(), Choice():
            return some(both(is_word, right.words[word]) for word, is_word in left.words.items() if word in right.words)
        case Free(), Free():
            return left.term == right.term
        case Free(), Choice():
            return some(both(is_word, left.term == literal(word)) for word, is_word in right.words.items())
        case Choice(), Free():
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
        case ((Free() | Choice()), (Free() | Choice())):
            return Free(z3.If(term(condition), _string(then), _string(other)))
        case Flag(), Flag():
            return Flag(when(condition, then.truth, other.truth))
        case Count(), Count():
            return Count(z3.If(term(condition), then.number, other.number))
        case Members(), Members():
            chosen = [(member, both(condition, present)) for member, present in then.members]
            return Members((*chosen, *((member, both(no(condition), present)) for member, present in other.members)))
    raise Untranslated("a choice between two types")


def _string(text: Choice | Free) -> Any:
    if isinstance(text, Free):
        return text.term
    words = list(text.words.items())
    result = literal(words[0][0])
    for word, is_word in words[1:]:
        result = z3.If(term(is_word), literal(word), result)
    return result
