"""The few shapes that program text of any language is lowered to before it is read."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum


class Shape(Enum):
    """What a term is; the parts of each are named here."""

    TEXT = "text"  # a constant; `text` is its value
    NUMBER = "number"
    NAME = "name"
    MEMBER = "member"  # base, key
    CALL = "call"  # function, arguments...; `text` is "new" or "variable" when it is called that way
    LIST = "list"
    TABLE = "table"  # pairs
    PAIR = "pair"  # key, value
    JOIN = "join"  # texts put together
    BIND = "bind"  # target, value
    PATTERN = "pattern"  # pairs of a key ("" when it has none) and a target
    FUNCTION = "function"  # parameters (a list), body...; `text` is its name
    LOOP = "loop"  # target, items, body...
    GROUP = "group"  # anything else: its parts are evaluated, its value is not known


class Term:
    """One term. `source` is its text as written, for people."""

    __slots__ = ("parts", "shape", "source", "text")

    def __init__(self, shape: Shape, text: str = "", parts: tuple[Term, ...] = (), source: str = "") -> None:
        self.shape = shape
        self.text = text
        self.parts = parts
        self.source = source

    def walk(self) -> Iterator[Term]:
        """Every term below this one and itself, as they are written, without recursion."""
        stack = [self]
        while stack:
            term = stack.pop()
            yield term
            stack.extend(reversed(term.parts))


def text(value: str) -> Term:
    """A constant text."""
    return Term(Shape.TEXT, value, source=value)


def name(value: str) -> Term:
    """A name."""
    return Term(Shape.NAME, value, source=value)


def group(*parts: Term) -> Term:
    """Terms that are evaluated, to a value nobody knows."""
    return Term(Shape.GROUP, parts=parts)


def member(base: Term, key: Term) -> Term:
    """A member of something."""
    return Term(Shape.MEMBER, parts=(base, key), source=f"{base.source}.{key.source}")


def call(function: Term, *arguments: Term, how: str = "") -> Term:
    """A call."""
    return Term(Shape.CALL, how, (function, *arguments), source=f"{function.source}(…)")


def bind(target: Term, value: Term) -> Term:
    """A name that is given a value."""
    return Term(Shape.BIND, parts=(target, value))


def join(parts: list[Term]) -> Term:
    """Texts put together; neighbours that are constant become one."""
    out: list[Term] = []
    for part in parts:
        if part.shape is Shape.TEXT and out and out[-1].shape is Shape.TEXT:
            out[-1] = text(out[-1].text + part.text)
        else:
            out.append(part)
    if not out:
        return text("")
    if len(out) == 1 and out[0].shape is Shape.TEXT:
        return out[0]
    return Term(Shape.JOIN, parts=tuple(out), source="".join(p.source for p in out)[:200])
