"""Python's operators on symbolic values, with the errors that they raise. Pure."""

from __future__ import annotations

import ast
from typing import Any

import z3

from interlock.changes.formal.symbolic.values import (
    FALSE,
    NUMBERS,
    SEVERAL,
    TRUE,
    Beyond,
    Branch,
    Kind,
    Raised,
    Value,
    boolean,
    equal,
    integer,
    just,
    known,
    number,
    text,
    truth,
)

_WRONG = just(Raised("TypeError"))
_LONGEST = 64  # how often a text is repeated, and how far a number is shifted


def unary(operator: ast.unaryop, value: Value) -> list[Branch]:
    """`not a`, `-a`, `+a`, `~a`."""
    if isinstance(operator, ast.Not):
        return just(boolean(z3.Not(truth(value))))
    if value.kind not in NUMBERS:
        return _WRONG
    term = number(value)
    made: dict[type, Any] = {ast.USub: -term, ast.UAdd: term, ast.Invert: -term - 1}
    return just(integer(made[type(operator)]))


def binary(operator: ast.operator, left: Value, right: Value) -> list[Branch]:
    """`left operator right`. Raises Beyond for what makes no integer or text."""
    if left.kind in NUMBERS and right.kind in NUMBERS:
        return _arithmetic(operator, left, right)
    if isinstance(operator, ast.Add) and left.kind is right.kind:
        if left.kind is Kind.TEXT:
            return just(text(z3.Concat(left.term, right.term)))
        if left.kind in (Kind.TUPLE, Kind.LIST):
            return just(Value(left.kind, items=left.items + right.items))
    if isinstance(operator, ast.Mult) and {left.kind, right.kind} & {Kind.TEXT, Kind.TUPLE, Kind.LIST}:
        return _repeated(left, right)
    if isinstance(operator, ast.Mod) and left.kind is Kind.TEXT:
        raise Beyond("text with %")
    if Kind.SET in (left.kind, right.kind) or Kind.DICT in (left.kind, right.kind):
        raise Beyond("an operator on sets")
    return _WRONG


def _arithmetic(operator: ast.operator, left: Value, right: Value) -> list[Branch]:
    one, other = number(left), number(right)
    if isinstance(operator, ast.Add | ast.Sub | ast.Mult):
        made = one + other if isinstance(operator, ast.Add) else one - other if isinstance(operator, ast.Sub) else None
        return just(integer(one * other if made is None else made))
    if isinstance(operator, ast.FloorDiv | ast.Mod):
        down = z3.If(other > 0, one / other, (-one) / (-other))  # z3 rounds so that what is left is never negative
        made = down if isinstance(operator, ast.FloorDiv) else one - other * down
        return [Branch((other == 0,), Raised("ZeroDivisionError")), Branch((other != 0,), integer(made))]
    if {left.kind, right.kind} == {Kind.BOOL} and isinstance(operator, ast.BitAnd | ast.BitOr | ast.BitXor):
        join = {ast.BitAnd: z3.And, ast.BitOr: z3.Or, ast.BitXor: z3.Xor}[type(operator)]
        return just(boolean(join(left.term, right.term)))
    by = known(other)
    if by is None or by < 0:
        raise Beyond(f"the operator {type(operator).__name__} with what is no constant")
    if isinstance(operator, ast.LShift | ast.RShift) and by <= _LONGEST:
        return just(integer(one * 2**by if isinstance(operator, ast.LShift) else one / 2**by))
    if isinstance(operator, ast.BitAnd) and by & (by + 1) == 0:
        return just(integer(one % (by + 1)))
    if isinstance(operator, ast.Pow) and by <= 4:
        power: Any = z3.IntVal(1)
        for _ in range(by):
            power = power * one
        return just(integer(power))
    raise Beyond(f"the operator {type(operator).__name__}")


def _repeated(left: Value, right: Value) -> list[Branch]:
    whole, by = (left, right) if left.kind not in NUMBERS else (right, left)
    if by.kind not in NUMBERS:
        return _WRONG
    times = known(number(by))
    if times is None or times > _LONGEST:
        raise Beyond("something repeated an unknown number of times")
    if whole.kind is Kind.TEXT:
        parts = [whole.term] * max(0, times)
        return just(text(z3.Concat(*parts) if len(parts) > 1 else parts[0] if parts else z3.StringVal("")))
    if whole.kind is Kind.SET:
        return _WRONG
    return just(Value(whole.kind, items=whole.items * max(0, times)))


def compared(operator: ast.cmpop, left: Value, right: Value) -> list[Branch]:
    """`left operator right`."""
    if isinstance(operator, ast.Eq | ast.NotEq):
        held = equal(left, right)
        return just(boolean(held if isinstance(operator, ast.Eq) else z3.Not(held)))
    if isinstance(operator, ast.Is | ast.IsNot):
        return just(_is(left, right, isinstance(operator, ast.Is)))
    if isinstance(operator, ast.In | ast.NotIn):
        held = _within(left, right)
        if isinstance(held, Raised):
            return just(held)
        return just(boolean(held if isinstance(operator, ast.In) else z3.Not(held)))
    return _ordered(operator, left, right)


def _is(left: Value, right: Value, wanted: bool) -> Value:
    if Kind.NONE in (left.kind, right.kind):
        return TRUE if (left.kind is right.kind) is wanted else FALSE
    if left.kind is right.kind is Kind.BOOL:
        held = left.term == right.term
        return boolean(held if wanted else z3.Not(held))
    if left.kind is not right.kind:
        return FALSE if wanted else TRUE
    raise Beyond("`is` between values that are no single ones")


def _within(part: Value, whole: Value) -> Any:
    if whole.kind is Kind.TEXT:
        return z3.Contains(whole.term, part.term) if part.kind is Kind.TEXT else Raised("TypeError")
    if whole.kind in SEVERAL or whole.kind is Kind.DICT:
        items = keys(whole) if whole.kind is Kind.DICT else whole.items
        if whole.kind in (Kind.SET, Kind.DICT) and part.kind in (Kind.LIST, Kind.SET, Kind.DICT):
            return Raised("TypeError")
        return z3.Or(*[equal(part, one) for one in items]) if items else z3.BoolVal(False)
    return Raised("TypeError")


def _ordered(operator: ast.cmpop, left: Value, right: Value) -> list[Branch]:
    if left.kind in NUMBERS and right.kind in NUMBERS:
        one, other = number(left), number(right)
    elif left.kind is right.kind is Kind.TEXT:
        one, other = left.term, right.term
    elif left.kind is right.kind and left.kind is not Kind.NONE:
        raise Beyond(f"the order of a {left.kind}")
    else:
        return _WRONG
    less: dict[type, Any] = {ast.Lt: lambda: one < other, ast.LtE: lambda: one <= other,
                             ast.Gt: lambda: other < one, ast.GtE: lambda: other <= one}  # fmt: skip
    return just(boolean(less[type(operator)]()))


def keys(table: Value) -> tuple[Value, ...]:
    """The keys of a constant dict; its values stand behind them in the same order."""
    return table.items[: len(table.items) // 2]


def looked_up(table: Value, key: Value, otherwise: Value | Raised) -> list[Branch]:
    """What stands in a constant dict under a key."""
    if key.kind in (Kind.LIST, Kind.SET, Kind.DICT):
        return _WRONG
    names = keys(table)
    out, before = [], []
    for name, value in zip(names, table.items[len(names) :], strict=True):
        held = equal(key, name)
        if known(held) is not False:
            out.append(Branch((held,), value))
            before.append(z3.Not(held))
    return [*out, Branch(tuple(before), otherwise)]


def item(whole: Value, at: Value) -> list[Branch]:
    """`whole[at]`."""
    if whole.kind is Kind.DICT:
        return looked_up(whole, at, Raised("KeyError"))
    if whole.kind not in (Kind.TEXT, Kind.TUPLE, Kind.LIST) or at.kind not in NUMBERS:
        return _WRONG
    index = number(at)
    if whole.kind is Kind.TEXT:
        size = z3.Length(whole.term)
        real = z3.If(index < 0, index + size, index)
        inside = z3.And(real >= 0, real < size)
        return [
            Branch((z3.Not(inside),), Raised("IndexError")),
            Branch((inside,), text(z3.SubString(whole.term, real, 1))),
        ]
    many = len(whole.items)
    out = [Branch((z3.Or(index == place, index == place - many),), one) for place, one in enumerate(whole.items)]
    out = [branch for branch in out if known(branch.where[0]) is not False]
    outside = z3.Or(index < -many, index >= many)
    return out if known(outside) is False else [*out, Branch((outside,), Raised("IndexError"))]


def part(whole: Value, low: Value | None, high: Value | None) -> list[Branch]:
    """`whole[low:high]`."""
    ends = [None if end is None or end.kind is Kind.NONE else end for end in (low, high)]
    if any(end is not None and end.kind not in NUMBERS for end in ends):
        return _WRONG
    terms = [None if end is None else number(end) for end in ends]
    if whole.kind is Kind.TEXT:
        size = z3.Length(whole.term)
        first = z3.IntVal(0) if terms[0] is None else _clamped(terms[0], size)
        last = size if terms[1] is None else _clamped(terms[1], size)
        # Of a length below one z3 makes the empty text, as Python does.
        return just(text(z3.If(last > first, z3.SubString(whole.term, first, last - first), z3.StringVal(""))))
    if whole.kind in (Kind.TUPLE, Kind.LIST):
        places = [None if term is None else known(term) for term in terms]
        if any(term is not None and place is None for term, place in zip(terms, places, strict=True)):
            raise Beyond("a part of a list from an unknown place on")
        return just(Value(whole.kind, items=whole.items[slice(*places)]))
    return _WRONG


def _clamped(at: Any, size: Any) -> Any:
    real = z3.If(at < 0, at + size, at)
    return z3.If(real < 0, z3.IntVal(0), z3.If(real > size, size, real))
