"""What walks need of a version of a module, whatever it is written in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, Protocol

from .answers import Outcome
from .entries import Entry
from .making import Recipe
from .texts import Words


class Step(NamedTuple):
    """One call of a walk. `on`: the recipe of whose method it is; `after`: seconds that pass before it."""

    entry: Entry
    given: dict[str, Recipe]
    on: Recipe | None = None
    after: float = 0.0


class Taken(NamedTuple):
    """How each call of a walk ended, what of the code ran, and, for the calls that gave more than nothing, at which
    step and which fields that has; None where it is plain."""

    outcomes: list[Outcome]
    ran: Collection[Any]
    gave: list[tuple[int, set[str] | None]]


class Side(Protocol):
    """One version of a module."""

    def taken(self, steps: list[Step], seed: int) -> Taken:
        """Take a walk from the state in which it was loaded."""

    def built(self) -> dict[str, Entry]:
        """What makes objects that have methods, and what that is called with."""

    def fields(self, name: str, recipes: list[Recipe]) -> set[str]:
        """What objects of `name` have, seen of some that are made by these recipes."""


class Opened(NamedTuple):
    """Both versions, what can be called of them, and what arguments are made of. `clock`: CPU-seconds that they took;
    `plain`: objects are their fields, and may lack some; `close`: to be called at the end."""

    sides: list[Side]
    entries: list[Entry]
    words: Words
    clock: Callable[[], float]
    plain: bool
    close: Callable[[], None]
