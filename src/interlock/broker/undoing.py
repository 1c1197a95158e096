"""Keeps what an uncontained action would change, off the loop, before it is released; notes what it left, after it.

Only where an effect changes something in the workspace or in its repository: an action that reads pays nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import structlog

from interlock.broker.clock import Clock
from interlock.broker.judge import Person
from interlock.containment.edits import KIND as PREIMAGE
from interlock.containment.preimage import Keeper, Limits, Vault, after, wanted
from interlock.containment.shelf import Shelf
from interlock.containment.undo import Ref
from interlock.containment.undoable import Fact, fact
from interlock.effects.places import file_resource
from interlock.model import labels
from interlock.model.action import Reading
from interlock.model.effect import Kind
from interlock.model.errors import InterlockError
from interlock.model.world import Nowhere, Setting

log = structlog.get_logger()

_NEVER_COPIED = frozenset({Kind.SECRET, Kind.INTERLOCK})


class Kept(msgspec.Struct, frozen=True):
    """What stands in the intent's entry under `undo`."""

    fact: Fact
    points: tuple[Ref, ...] = ()

    def body(self) -> dict[str, Any]:
        """As an entry holds it."""
        return self.fact.body() | ({"points": [str(ref) for ref in self.points]} if self.points else {})


class Undoing:
    """Given to the broker, which knows nothing of stores and points."""

    def __init__(self, shelf: Shelf, vault: Vault, person: Person, clock: Clock, limits: Limits | None = None) -> None:
        self._shelf = shelf
        self._vault = vault
        self._clock = clock
        self._limits = limits or Limits()
        self.secret = secrets_of(person)

    async def before(self, reading: Reading, workspace: str) -> Kept | None:
        """Keep what this action would change; None for one that changes nothing. Never raises for what it meets."""
        said = fact(reading.effects)
        if said is None:
            return None
        if said.undoable == "no" or not workspace:
            return Kept(said)
        try:
            return await asyncio.to_thread(self._keep, reading, workspace)
        except (InterlockError, OSError, ValueError) as error:
            # That nothing was kept is said, and stops nobody: undo is a help, and no condition of acting.
            log.warning("undo.unkept", problem=str(error))
            return Kept(Fact("no", (f"what is there could not be kept ({type(error).__name__})",)))

    def forecast(self, reading: Reading, workspace: str) -> Fact | None:
        """The same fact for a card, without keeping anything."""
        said = fact(reading.effects)
        if said is None or said.undoable == "no" or not workspace:
            return said
        keeper = Keeper(None, self.secret, within=workspace, limits=self._limits)
        keeper.take(wanted(reading.effects))
        return fact(reading.effects, keeper.lost())

    async def after(self, points: Sequence[Ref]) -> None:
        """The action's outcome is known: note what it left. Never raises."""
        try:
            await asyncio.to_thread(self._finish, points)
        except (InterlockError, OSError) as error:
            log.warning("undo.unfinished", problem=str(error))

    def _keep(self, reading: Reading, workspace: str) -> Kept:
        name = self._shelf.name(self._clock.now())
        keeper = Keeper(self._vault, self.secret, within=workspace, limits=self._limits)
        keeper.take(wanted(reading.effects))
        said = fact(reading.effects, keeper.lost()) or Fact("yes")
        point = keeper.point(name)
        if not point.was:
            return Kept(said)
        self._shelf.save(point)
        return Kept(said, (Ref(PREIMAGE, name),))

    def _finish(self, points: Sequence[Ref]) -> None:
        for ref in points:
            if ref.kind == PREIMAGE:
                self._shelf.finish(ref.name, after(self._shelf.point(ref.name), self._limits))


def secrets_of(person: Person) -> Callable[[str], bool]:
    """Whether a path holds what is never copied: credentials, and Interlock's own files."""
    setting = Setting(cwd="/", home=person.home, user=person.name, workspace="", interlock_paths=person.own_paths)
    world = Nowhere()

    @lru_cache(maxsize=4_096)
    def holds(path: str) -> bool:
        found = file_resource(os.path.normpath(path), setting, world, cwd="/", directory=False, follow=False)
        return found.kind in _NEVER_COPIED or labels.SECRET in found.labels

    return holds
