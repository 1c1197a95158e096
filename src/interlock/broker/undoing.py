"""Keeps what an uncontained action would change, off the loop, before it is released; notes what it left, after it.

Only where an effect changes something in the workspace or in its repository: an action that reads pays nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import structlog

from interlock.broker import records
from interlock.broker.clock import Clock
from interlock.broker.judge import Person
from interlock.containment import walk
from interlock.containment.edits import KIND as PREIMAGE
from interlock.containment.gitpoint import KIND as GIT
from interlock.containment.gitpoint import GitPoints, command, folders
from interlock.containment.point import After
from interlock.containment.preimage import Keeper, Limits, Vault, after, wanted
from interlock.containment.shelf import Shelf
from interlock.containment.undo import Ref
from interlock.containment.undoable import Fact, fact
from interlock.effects.places import file_resource
from interlock.effects.redact import has_secret, redact
from interlock.model import labels
from interlock.model.action import Ran, Reading
from interlock.model.effect import Effect, Kind, Verb
from interlock.model.errors import InterlockError
from interlock.model.world import Nowhere, Setting

log = structlog.get_logger()

_LINE = 1_000  # bytes of a card that say what undo can do
_IGNORED = re.compile(r"-[a-wyzA-Z]*[xX]\w*")
_INTO = 4  # directories among a command's words into which it may put something
_CONFIG = 256 << 10  # bytes of a repository's configuration that are searched
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

    def __init__(
        self,
        shelf: Shelf,
        vault: Vault,
        person: Person,
        clock: Clock,
        git: GitPoints,
        limits: Limits | None = None,
    ) -> None:
        self._git = git
        self._shelf = shelf
        self._vault = vault
        self._clock = clock
        self.limits = limits or Limits()
        self.secret = secrets_of(person)

    async def before(self, reading: Reading, workspace: str) -> Kept | None:
        """Keep what this action would change; None for one that changes nothing. Never raises for what it meets."""
        said = fact(reading.effects, git=True)
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

    async def forecast(self, reading: Reading, workspace: str) -> str:
        """The same fact for a card, without keeping anything; "" where there is nothing to say. Never raises."""
        said = fact(reading.effects, git=True)
        if said is None:
            return ""
        if said.undoable != "no" and workspace:
            try:
                said = await asyncio.to_thread(self._foreseen, reading, workspace) or said
            except (InterlockError, OSError, ValueError) as error:
                log.warning("undo.unforeseen", problem=str(error))
        return records.cut(records.clean(redact(said.line())), _LINE)

    def _foreseen(self, reading: Reading, workspace: str) -> Fact | None:
        keeper = Keeper(None, self.secret, within=workspace, limits=self.limits)
        keeper.take(wanted(effect for effect in reading.effects if _by_path(effect)))
        return fact(reading.effects, keeper.lost(), git=True)

    async def after(self, points: Sequence[Ref]) -> None:
        """The action's outcome is known: note what it left. Never raises."""
        try:
            await asyncio.to_thread(self._finish, points)
        except (InterlockError, OSError) as error:
            log.warning("undo.unfinished", problem=str(error))

    def _keep(self, reading: Reading, workspace: str) -> Kept:
        name = self._shelf.name(self._clock.now())
        keeper = Keeper(self._vault, self.secret, within=workspace, limits=self.limits)
        keeper.take(wanted(effect for effect in reading.effects if _by_path(effect)))
        for ran in reading.here:
            keeper.links(_places(ran))
        git, problem = self._repositories(name, reading, workspace, keeper)
        lost = [*keeper.lost(), *([("git", problem)] if problem else [])]
        said = fact(reading.effects, lost, git=git) or Fact("yes")
        point = keeper.point(name)
        points = []
        if point.was:
            self._shelf.save(point)
            points.append(Ref(PREIMAGE, name))
        return Kept(said, (*points, Ref(GIT, name)) if git else tuple(points))

    def _repositories(self, name: str, reading: Reading, workspace: str, keeper: Keeper) -> tuple[bool, str]:
        """Whether the repositories of the action have a restore point, and what stood against one."""
        effects = [effect for effect in reading.effects if command(effect) and effect.verb is not Verb.READ]
        if not effects:
            return False, ""
        ignored = any(_takes_ignored(ran) for ran in reading.here)
        try:
            return self._git.before(name, folders(reading.here, workspace), keeper, effects, ignored=ignored), ""
        except InterlockError as error:
            return False, str(error)

    def _finish(self, points: Sequence[Ref]) -> None:
        names = {ref.name: {other.kind for other in points if other.name == ref.name} for ref in points}
        for name, kinds in names.items():
            found = self._git.after(name, self.limits) if GIT in kinds else After()
            if PREIMAGE in kinds:
                left = after(self._shelf.point(name), self.limits)
                found = After(left.left + found.left, left.found + found.found)
            if PREIMAGE in kinds or found.found:
                self._shelf.finish(name, found)


def _by_path(effect: Effect) -> bool:
    """Whether its path is kept as such. What git changes below a directory is found by asking git."""
    said = command(effect)
    return not said or said == "worktree" or effect.resource.kind is Kind.FILE


def _places(ran: Ran) -> Iterator[str]:
    """The paths that a command's words may mean: themselves, and below those that are directories (`ln -sf a b/`)."""
    words = [os.path.join(ran.cwd, word) for word in ran.argv[1:] if "\0" not in word]
    yield from words
    for folder in [word for word in words if os.path.isdir(word)][:_INTO]:
        yield from (os.path.join(folder, os.path.basename(word.rstrip("/"))) for word in words)


def _takes_ignored(ran: Ran) -> bool:
    """Whether it is a `git clean` that also takes what git is told to ignore."""
    words = ran.argv
    return words[0].rpartition("/")[2] == "git" and "clean" in words and any(map(_IGNORED.fullmatch, words))


def secrets_of(person: Person) -> Callable[[str], bool]:
    """Whether a path holds what is never copied: credentials, and Interlock's own files."""
    setting = Setting(cwd="/", home=person.home, user=person.name, workspace="", interlock_paths=person.own_paths)
    world = Nowhere()

    @lru_cache(maxsize=4_096)
    def named(path: str) -> bool:
        found = file_resource(os.path.normpath(path), setting, world, cwd="/", directory=False, follow=False)
        return found.kind in _NEVER_COPIED or labels.SECRET in found.labels

    def holds(path: str) -> bool:
        # A remote's address may carry a password; the names of git's files do not show it.
        return named(path) or (path.endswith("/.git/config") and has_secret(_text(path)))

    return holds


def _text(path: str) -> str:
    try:
        with walk.parent(os.fsencode(path)) as (directory, name), open(walk.open_file(directory, name), "rb") as file:
            return file.read(_CONFIG).decode("utf-8", "replace")
    except OSError:
        return ""
