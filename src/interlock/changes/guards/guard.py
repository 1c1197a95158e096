"""The nouns: a guard, the function that holds it, and a file's functions. Pure."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable

import msgspec

MOST_TEXT = 160  # characters of a guard that are shown


class Kind(enum.StrEnum):
    """In which form a protection stands in a program."""

    EXIT = "exit"  # if …: raise, return, continue, break
    RAISE = "raise"  # a raise that no condition of its own function leads to
    ASSERT = "assert"
    CONDITION = "condition"  # a test that leads somewhere else than out
    DECORATOR = "decorator"
    CALL = "call"  # of a protecting verb
    HOLD = "hold"  # a lock or transaction around statements
    KEYWORD = "keyword"  # a protective argument, option, field or default
    LITERAL = "literal"  # a text that a check looks for
    PATTERN = "pattern"  # a regular expression
    ENTRY = "entry"  # of a list that keeps something out
    NUMBER = "number"  # under a name that says it is a bound; key `name=number`
    HANDLER = "handler"  # an error that is caught


REJECTIONS = frozenset({Kind.EXIT, Kind.RAISE, Kind.ASSERT})


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """One protection. Two with equal `kind`, `family` and `key` are the same protection, wherever they stand.

    `family`: the verb's family (`escape`, `authorise` …), or what kind of exit it is. `condition`: when it rejects,
    as a Python expression over the program's own terms, as far as it could be written as one; `within`: what has to
    hold for it to be asked at all; `looped`: it is asked again each time round.
    """

    kind: Kind
    family: str
    key: str
    line: int
    text: str
    condition: str = ""
    strong: bool = True
    within: str = ""
    looped: bool = False

    @property
    def identity(self) -> tuple[Kind, str, str]:
        """What makes two guards the same."""
        return (self.kind, self.family, self.key)


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One function and what stands in it; nested functions without a name of their own count to it.

    `name`: qualified (`Class.method`), `""` for the file's own statements. `source`: its text, by which an unchanged
    one is known. `calls`: the last parts of the names that it calls. `words`: identifiers in it, by which a renamed
    one is recognised. `allows`: entries of lists that let something in; `unsafe`: calls known to be the unsafe ones.
    `answer`: what it returns, as a Python expression, where it does nothing else. `asked`: calls whose answer nobody
    uses, and calls with nothing but a name (`wrap(handler)`): what they are good for may be that they refuse.
    `held`: entries of its lists (`name: entry`), whatever the lists are for. `inside`: its helpers that are no more,
    whose guards it carries here.
    """

    path: str
    name: str
    line: int
    end: int
    source: str
    guards: tuple[Guard, ...] = ()
    calls: frozenset[str] = frozenset()
    words: Counter[str] = msgspec.field(default_factory=Counter)
    allows: Counter[str] = msgspec.field(default_factory=Counter)
    unsafe: Counter[str] = msgspec.field(default_factory=Counter)
    decorators: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    answer: str = ""
    asked: Counter[str] = msgspec.field(default_factory=Counter)
    held: frozenset[str] = frozenset()
    inside: tuple[Function, ...] = ()

    @property
    def short(self) -> str:
        """The name without its class."""
        return self.name.rpartition(".")[2]


class Unreadable(Exception):
    """A file that no guard was read from; the message says why. Its caller has to say INCONCLUSIVE."""


def shortened(text: str) -> str:
    """A line for a reader: white space squeezed, not longer than MOST_TEXT."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_TEXT else line[: MOST_TEXT - 1] + "…"


def minus(left: Iterable[Guard], right: Iterable[Guard]) -> list[Guard]:
    """What `left` has and `right` has not, as multisets, in the order of `left`."""
    known = Counter(g.identity for g in right)
    rest = []
    for guard in left:
        if known[guard.identity] > 0:
            known[guard.identity] -= 1
        else:
            rest.append(guard)
    return rest
