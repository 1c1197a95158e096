"""What a screen and an act are, and what they are given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from interlock.panel.seats import Seat
from interlock.panel.span import Span


class Ask(Protocol):
    """Asks the daemon, as the person who is signed in. Raises InterlockError with the daemon's own words."""

    def __call__(self, method: str, /, **params: Any) -> Awaitable[Any]:
        """One method of the daemon's socket; its answer as plain data."""


@dataclass(frozen=True)
class Visit:
    """One look at a screen, or one act: who, when, what of."""

    ask: Ask
    seat: Seat
    now: float  # seconds since the epoch
    span: Span
    path: Mapping[str, Any] = field(default_factory=dict)  # the numbers in the address
    query: Mapping[str, str] = field(default_factory=dict)
    site: str = "localhost"  # the host name that the browser asked for
    origin: str = "http://localhost"  # and the whole of what its pages' addresses begin with


Load = Callable[[Visit], Awaitable[msgspec.Struct]]
Run = Callable[[Visit, Mapping[str, str]], Awaitable[Any]]


@dataclass(frozen=True)
class Screen:
    """A page: its place, its address, its template, where its view comes from, and what changes it."""

    name: str
    path: str
    title: str
    template: str
    load: Load
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Act:
    """Something that a person can do. `run` is given the fields of the form and returns where to go next (a path of
    the panel), or, for scripts, plain data.
    """

    path: str
    run: Run
    decides: bool = True  # False: also whoever may only look
