"""What a stage is: a name, a budget, and one function from a change to what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from interlock.changes.change import Change
from interlock.changes.finding import Finding
from interlock.changes.risk.score import Risk


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage gives back. The verdict follows from it; see `finding.Result`."""

    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()  # what could not be looked at: each makes the stage INCONCLUSIVE
    notes: tuple[str, ...] = ()
    facts: dict[str, str] = {}
    unasked: bool = False  # it has nothing to look for unless the base asks, and the base does not


class Said(Protocol):
    """What a tool said."""

    @property
    def status(self) -> int: ...

    @property
    def out(self) -> bytes: ...


class Tool(Protocol):
    """Runs one program over copies of files, contained where the system can. See `tools.py`."""

    def __call__(self, argv: Sequence[str], folder: str, *, seconds: float) -> Said: ...


class Stage(Protocol):
    """One stage. `version` changes whenever its answer to the same change may: it is part of the cache's key.

    `run` may take as long as `budget` (seconds), in a process of its own: what it prints or breaks is gone afterwards.
    It may raise anything: that is INCONCLUSIVE. `reads` names what else its answer depends on (files outside of the
    change, tools' versions): also part of the key.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def budget(self) -> float: ...

    def run(self, change: Change) -> Found: ...

    def reads(self, change: Change) -> str: ...


@runtime_checkable
class Late(Stage, Protocol):
    """A stage that runs after the others, because it asks for more the riskier they found the change."""

    def knowing(self, risk: Risk | None) -> Stage:
        """The same with the score; None where only some stages run, and none is made."""


class Plain:
    """A stage that is a function."""

    def __init__(
        self,
        name: str,
        run: Callable[[Change], Found],
        *,
        version: str = "1",
        budget: float = 10.0,
        reads: Callable[[Change], str] = lambda _: "",
    ) -> None:
        self.name, self.version, self.budget = name, version, budget
        self._run, self._reads = run, reads

    def run(self, change: Change) -> Found:
        """Judge the change."""
        return self._run(change)

    def reads(self, change: Change) -> str:
        """What else the answer depends on, as text."""
        return self._reads(change)
