"""What one reading of program text may cost, counted and never timed: words before it is parsed, values while it folds.

A parser and a walk cost what the words of a text cost, however long they are; and a few lines that double a list cost
more than any page of ordinary code. Text that runs other text shares its budget with it, and all the texts of one
action share one: a shell function that holds a program may be called a thousand times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any

_WORDS = re.compile(r"\w+|[^\w\s]|\n")
_TO_BEGIN = 20  # what the shortest text costs, in words
_MOST_VALUE = 2_000  # elements of one list, those of the lists in it included, or 64 characters each
_MOST_FOLDS = 20_000
_WORDS_OF_AN_ACTION = 6_100
_MOST_COMMANDS = 300  # each is read as a command of its own


class Exhausted(Exception):
    """The text costs more than it may."""


class Budget:
    """What is left for one text and the texts that it runs."""

    __slots__ = ("folds", "words")

    def __init__(self, words: int, folds: int = _MOST_FOLDS) -> None:
        self.words = words
        self.folds = folds

    def parse(self, text: str) -> None:
        """Pay for parsing `text`.

        Raises:
            Exhausted: it has more words than are left.
        """
        whole = _ACTION.get() or self
        left = max(min(self.words, whole.words), 0)  # where it is spent, a text is not even counted
        found = _TO_BEGIN + sum(1 for _ in islice(_WORDS.finditer(text), left + 1))
        for budget in {self, whole}:
            budget.words -= found
        if min(self.words, whole.words) < 0:
            raise Exhausted

    @staticmethod
    def run(commands: int) -> None:
        """A text runs so many commands.

        Raises:
            Exhausted: they are more than one text may run.
        """
        if commands > _MOST_COMMANDS:
            raise Exhausted

    def keeps(self, value: Any) -> bool:
        """Pay for one folded value; whether it is small enough to be kept.

        Raises:
            Exhausted: too much has been folded already.
        """
        size = _size(value)
        whole = _ACTION.get() or self
        whole.folds -= size
        if whole.folds < 0:
            raise Exhausted
        return size <= _MOST_VALUE


_ACTION: ContextVar[Budget | None] = ContextVar("the budget of the action that is read", default=None)


@contextmanager
def one_action() -> Iterator[None]:
    """All texts that are read within share one budget."""
    token = _ACTION.set(Budget(_WORDS_OF_AN_ACTION))
    try:
        yield
    finally:
        _ACTION.reset(token)


def _size(value: Any) -> int:
    """How large a value is; lists that hold one another many times count as often as they are held."""
    if isinstance(value, str):
        return 1 + len(value) // 64
    size, stack = 0, [value]
    while stack and size <= _MOST_VALUE:
        one = stack.pop()
        size += 1
        if isinstance(one, str):
            size += len(one) // 64
        elif isinstance(one, list):
            stack.extend(one[: _MOST_VALUE + 1])
        elif isinstance(one, dict):
            stack.extend(one.values())
        elif isinstance(getattr(one, "items", None), list):
            stack.extend(one.items[: _MOST_VALUE + 1])
    return size
