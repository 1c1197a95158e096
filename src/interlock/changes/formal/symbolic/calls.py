"""Built-in functions and methods of text on symbolic values. Pure.

What z3 has a word for is exact. Other methods are unknown functions of their arguments: equal arguments give equal
results, and no more is said of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import z3

from interlock.changes.formal.symbolic.operators import looked_up
from interlock.changes.formal.symbolic.values import (
    FALSE,
    NONE,
    NUMBERS,
    SEVERAL,
    TRUE,
    Beyond,
    Branch,
    Kind,
    Raised,
    Value,
    boolean,
    integer,
    just,
    number,
    text,
    truth,
)

_WRONG = just(Raised("TypeError"))
_TO_TEXT = frozenset({"strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "casefold", "swapcase"})
_TO_TRUTH = frozenset({
    "isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower", "istitle", "isnumeric", "isdecimal",
    "isidentifier", "isascii", "isprintable",
})  # fmt: skip
OVER = frozenset({"any", "all", "sum", "tuple", "list", "min", "max"})  # what a comprehension is given to
_SORTS: dict[Kind, Callable[[], Any]] = {Kind.TEXT: z3.StringSort, Kind.INT: z3.IntSort, Kind.BOOL: z3.BoolSort}
_TYPES = {"int": NUMBERS, "bool": (Kind.BOOL,), "str": (Kind.TEXT,), "tuple": (Kind.TUPLE,), "list": (Kind.LIST,)}


def _unknown(name: str, result: Kind, *given: Value) -> Any:
    sorts = [_SORTS[value.kind]() for value in given]
    shape = "".join(value.kind[0] for value in given)
    return z3.Function(f"{name}/{shape}", *sorts, _SORTS[result]())(*[value.term for value in given])


def method(whole: Value, name: str, given: list[Value]) -> list[Branch]:
    """`whole.name(*given)`. Raises Beyond for what is not read here."""
    if whole.kind is Kind.DICT and name == "get" and len(given) in (1, 2):
        return looked_up(whole, given[0], given[1] if len(given) == 2 else NONE)
    if whole.kind is Kind.NONE or whole.kind in NUMBERS:
        raise Beyond(f"the method {name} of a {whole.kind}")
    if whole.kind is not Kind.TEXT:
        raise Beyond(f"the method {name} of a {whole.kind}")
    kinds = [value.kind for value in given]
    if name in _TO_TEXT and not given:
        return just(text(_unknown(name, Kind.TEXT, whole)))
    if name in ("strip", "lstrip", "rstrip") and kinds == [Kind.TEXT]:
        return just(text(_unknown(name, Kind.TEXT, whole, given[0])))
    if name in _TO_TRUTH and not given:
        return just(boolean(_unknown(name, Kind.BOOL, whole)))
    if name in ("startswith", "endswith") and len(given) == 1:
        return _ends(whole, name, given[0])
    if name == "replace" and kinds == [Kind.TEXT, Kind.TEXT]:
        return just(text(_unknown(name, Kind.TEXT, whole, *given)))
    if kinds == [Kind.TEXT]:
        return _with_text(whole, name, given[0])
    raise Beyond(f"the method {name} so called")


def _ends(whole: Value, name: str, part: Value) -> list[Branch]:
    parts = part.items if part.kind is Kind.TUPLE else (part,)
    if any(one.kind is not Kind.TEXT for one in parts):
        return _WRONG
    asked = z3.PrefixOf if name == "startswith" else z3.SuffixOf
    return just(boolean(z3.Or(*[asked(one.term, whole.term) for one in parts]) if parts else z3.BoolVal(False)))


def _with_text(whole: Value, name: str, part: Value) -> list[Branch]:
    one, other = whole.term, part.term
    if name == "find":
        return just(integer(z3.IndexOf(one, other, 0)))
    if name == "index":
        held = z3.Contains(one, other)
        return [Branch((z3.Not(held),), Raised("ValueError")), Branch((held,), integer(z3.IndexOf(one, other, 0)))]
    size = z3.Length(one) - z3.Length(other)
    if name == "removeprefix":
        return just(text(z3.If(z3.PrefixOf(other, one), z3.SubString(one, z3.Length(other), size), one)))
    if name == "removesuffix":
        return just(text(z3.If(z3.SuffixOf(other, one), z3.SubString(one, 0, size), one)))
    if name in ("count", "rfind"):
        return just(integer(_unknown(name, Kind.INT, whole, part)))
    raise Beyond(f"the method {name} so called")


def builtin(name: str, given: list[Value]) -> list[Branch]:
    """`name(*given)`. Raises Beyond for what is not read here."""
    if name in ("min", "max") and given:
        return _most(name, list(given[0].items) if len(given) == 1 and given[0].kind in SEVERAL else given)
    if name in ("all", "any") and len(given) == 1 and given[0].kind in SEVERAL:
        held = [truth(one) for one in given[0].items]
        return (
            just(boolean((z3.And if name == "all" else z3.Or)(*held)))
            if held
            else just(TRUE if name == "all" else FALSE)
        )
    if name == "sum" and len(given) == 1 and given[0].kind in SEVERAL:
        if any(one.kind not in NUMBERS for one in given[0].items):
            return _WRONG
        return just(integer(reduce(lambda a, b: a + number(b), given[0].items, z3.IntVal(0))))
    if name in ("tuple", "list") and len(given) == 1 and given[0].kind in (Kind.TUPLE, Kind.LIST):
        return just(Value(Kind(name), items=given[0].items))
    if len(given) != 1:
        raise Beyond(f"{name}() so called")
    return _one(name, given[0])


def _one(name: str, value: Value) -> list[Branch]:
    if name == "len":
        if value.kind is Kind.TEXT:
            return just(integer(z3.Length(value.term)))
        if value.kind in (Kind.TUPLE, Kind.LIST):
            return just(integer(z3.IntVal(len(value.items))))
        if value.kind in NUMBERS or value.kind is Kind.NONE:
            return _WRONG
    if name == "bool":
        return just(boolean(truth(value)))
    if name == "abs":
        if value.kind not in NUMBERS:
            return _WRONG
        term = number(value)
        return just(integer(z3.If(term < 0, -term, term)))
    if name == "int":
        return _int(value)
    if name == "str":
        return just(text(shown(value)))
    if name == "ord" and value.kind is Kind.TEXT:
        alone = z3.Length(value.term) == 1
        return [Branch((z3.Not(alone),), Raised("TypeError")), Branch((alone,), integer(z3.StrToCode(value.term)))]
    raise Beyond(f"{name}() of a {value.kind}")


def _int(value: Value) -> list[Branch]:
    if value.kind in NUMBERS:
        return just(integer(number(value)))
    if value.kind is not Kind.TEXT:
        return _WRONG
    fine = _unknown("int reads", Kind.BOOL, value)
    read = integer(_unknown("int", Kind.INT, value))
    return [Branch((z3.Not(fine),), Raised("ValueError")), Branch((fine,), read)]


def shown(value: Value) -> Any:
    """`str(value)` as a term."""
    if value.kind is Kind.TEXT:
        return value.term
    if value.kind is Kind.INT:
        term = value.term
        return z3.If(term < 0, z3.Concat(z3.StringVal("-"), z3.IntToStr(-term)), z3.IntToStr(term))
    if value.kind is Kind.BOOL:
        return z3.If(value.term, z3.StringVal("True"), z3.StringVal("False"))
    if value.kind is Kind.NONE:
        return z3.StringVal("None")
    raise Beyond(f"a {value.kind} as text")


def _most(name: str, values: list[Value]) -> list[Branch]:
    if not values:
        return just(Raised("ValueError"))
    if len(values) == 1:
        return just(values[0])
    if any(value.kind is not Kind.INT for value in values):
        # Of equal ones the first is taken, and `True` is not `1`: whole numbers alone are read.
        raise Beyond(f"{name}() of what is not all integers")
    best = values[0].term
    for value in values[1:]:
        best = z3.If(value.term < best if name == "min" else value.term > best, value.term, best)
    return just(integer(best))


def is_of(value: Value, types: list[str]) -> Value:
    """`isinstance(value, types)`. Raises Beyond for other types than those of the values here."""
    if any(name not in _TYPES for name in types):
        raise Beyond("isinstance of another type")
    return TRUE if any(value.kind in _TYPES[name] for name in types) else FALSE
