"""Values as z3 has them: what kind a value is of is always known, what it is need not be. Pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import z3

_LONGEST = 400  # characters of a text, digits of a number, and values of a constant


class Beyond(Exception):
    """The function does something that is not read here, or too much; the message says what."""


class Kind(enum.StrEnum):
    """What a value is of."""

    INT = "int"
    BOOL = "bool"
    TEXT = "str"
    NONE = "None"
    TUPLE = "tuple"
    LIST = "list"
    SET = "set"  # constants to look into, and nothing else
    DICT = "dict"  # the same; its items are its keys, and then its values


class Value(NamedTuple):
    """A term of z3, or the values that are in it."""

    kind: Kind
    term: Any = None
    items: tuple[Value, ...] = ()


class Raised(NamedTuple):
    """An exception's type, by its name."""

    name: str


class Branch(NamedTuple):
    """What an expression comes to where all of `where` holds."""

    where: tuple[Any, ...]
    to: Value | Raised


NONE = Value(Kind.NONE)
TRUE = Value(Kind.BOOL, z3.BoolVal(True))
FALSE = Value(Kind.BOOL, z3.BoolVal(False))
NUMBERS = (Kind.INT, Kind.BOOL)
SEVERAL = (Kind.TUPLE, Kind.LIST, Kind.SET)


def just(value: Value | Raised) -> list[Branch]:
    """One branch, always taken."""
    return [Branch((), value)]


def integer(term: Any) -> Value:
    """A number."""
    return Value(Kind.INT, term)


def boolean(term: Any) -> Value:
    """A truth value."""
    return Value(Kind.BOOL, term)


def text(term: Any) -> Value:
    """A text."""
    return Value(Kind.TEXT, term)


def lifted(value: object) -> Value:
    """A constant of the program.

    Raises:
        Beyond: it is of no kind that is read here, or too large.
    """
    if value is None:
        return NONE
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, int) and value.bit_length() < _LONGEST:
        return integer(z3.IntVal(value))
    if isinstance(value, str) and len(value) <= _LONGEST:
        return text(z3.StringVal(escaped(value)))
    if isinstance(value, dict) and len(value) <= _LONGEST:
        return Value(Kind.DICT, items=tuple(lifted(one) for one in (*value, *value.values())))
    kinds: dict[type, Kind] = {tuple: Kind.TUPLE, list: Kind.LIST, set: Kind.SET, frozenset: Kind.SET}
    several = kinds.get(type(value))
    if several and isinstance(value, Iterable):
        items = tuple(lifted(one) for one in value)
        if len(items) <= _LONGEST:
            return Value(several, items=items)
    raise Beyond(f"a {type(value).__name__}")


def escaped(value: str) -> str:
    """A text as z3's literals have it: its escapes are not Python's. Raises Beyond for a sign that z3 has not."""
    if any(ord(sign) > 0x2FFFF for sign in value):
        raise Beyond("a sign beyond U+2FFFF")
    return "".join(c if " " <= c <= "~" and c != "\\" else f"\\u{{{ord(c):x}}}" for c in value)


def lowered(model: Any, value: Value) -> object:
    """What a value is in a model."""
    if value.kind in (Kind.TUPLE, Kind.LIST):
        items = [lowered(model, one) for one in value.items]
        return tuple(items) if value.kind is Kind.TUPLE else items
    if value.kind is Kind.NONE:
        return None
    found = z3.simplify(model.eval(value.term, model_completion=True))
    if value.kind is Kind.BOOL:
        return z3.is_true(found)
    if value.kind is Kind.INT:
        return found.as_long()
    return re.sub(r"\\u\{([0-9a-fA-F]+)\}|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})",
                  lambda m: chr(int(m[1] or m[2] or m[3], 16)), found.as_string())  # fmt: skip


def number(value: Value) -> Any:
    """A number's term; a truth value counts as 0 or 1."""
    return value.term if value.kind is Kind.INT else z3.If(value.term, z3.IntVal(1), z3.IntVal(0))


def truth(value: Value) -> Any:
    """Whether it is true, as a formula."""
    if value.kind is Kind.BOOL:
        return value.term
    if value.kind is Kind.INT:
        return value.term != 0
    if value.kind is Kind.TEXT:
        return z3.Length(value.term) > 0
    return z3.BoolVal(bool(value.items))


def known(term: Any) -> int | bool | None:
    """A term's value where it is a constant."""
    found = z3.simplify(term)
    if z3.is_int_value(found):
        return int(found.as_long())
    return True if z3.is_true(found) else False if z3.is_false(found) else None


def equal(one: Value, other: Value) -> Any:
    """Whether `one == other`, as a formula."""
    if one.kind in NUMBERS and other.kind in NUMBERS:
        return one.term == other.term if one.kind is other.kind else number(one) == number(other)
    if one.kind is not other.kind:
        return z3.BoolVal(False)
    if one.kind is Kind.TEXT:
        return one.term == other.term
    if one.kind in (Kind.TUPLE, Kind.LIST):
        if len(one.items) != len(other.items):
            return z3.BoolVal(False)
        return z3.And(*[equal(a, b) for a, b in zip(one.items, other.items, strict=True)])
    if one.kind is Kind.NONE:
        return z3.BoolVal(True)
    raise Beyond(f"a comparison of a {one.kind}")


def same(one: Value, other: Value) -> Any:
    """Whether nobody could tell them apart: equal, and of the same kinds throughout (`1` is not `True`)."""
    if one.kind is not other.kind:
        return z3.BoolVal(False)
    if one.kind in (Kind.TUPLE, Kind.LIST):
        if len(one.items) != len(other.items):
            return z3.BoolVal(False)
        return z3.And(*[same(a, b) for a, b in zip(one.items, other.items, strict=True)])
    return equal(one, other)


def then(branches: Iterable[Branch], going: Callable[[Value], list[Branch]]) -> list[Branch]:
    """Go on from each branch that has a value."""
    out: list[Branch] = []
    for branch in branches:
        if isinstance(branch.to, Raised):
            out.append(branch)
        else:
            out += [Branch((*branch.where, *more.where), more.to) for more in going(branch.to)]
    return out
