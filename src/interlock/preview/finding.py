"""What a look is asked and what it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from interlock.model.action import Ran
from interlock.model.effect import Effect, Reversibility, Scale


class Database(msgspec.Struct, frozen=True):
    """A connection that a person configured for looks: `name` is matched against the database's name."""

    name: str
    url: str  # sqlite:///path or postgresql://…; best a login that may only read


class Finding(msgspec.Struct, frozen=True):
    """One answer: `line` for people; `effect` is the index of the effect it is about, whose facts it makes exact."""

    line: str
    effect: int | None = None
    scale: Scale | None = None
    undo: Reversibility | None = None


class Asked(msgspec.Struct, frozen=True):
    """What is looked at: the action's effects, the programs it would run here, and where its project is.

    `runs`: the person allows looks that run the project's own tools (`terraform plan`), which execute its code.
    """

    effects: tuple[Effect, ...]
    here: tuple[Ran, ...]
    workspace: str
    home: str
    databases: tuple[Database, ...] = ()
    runs: bool = False


class Deadline:
    """A point in time that everything one preview does must end by."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._end = now() + seconds

    def left(self) -> float:
        """Seconds, never below 0."""
        return max(0.0, self._end - self._now())


class Look(Protocol):
    """One kind of look. It raises `Unseen` when it cannot say."""

    def __call__(self, asked: Asked, tools: Tools) -> Iterator[Finding]: ...


class Tools(Protocol):
    """How a look reaches the machine: `interlock.preview.process.Machine`, or data in tests."""

    deadline: Deadline

    def run(self, argv: tuple[str, ...], cwd: str, *, settings: dict[str, str] | None = None) -> Output: ...


class Output(msgspec.Struct, frozen=True):
    """What a program said on standard output, and its exit status."""

    status: int
    text: str


class Unseen(Exception):
    """The look could not be made; the message says why, for people."""
