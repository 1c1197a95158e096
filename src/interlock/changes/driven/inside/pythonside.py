"""One version of a module of Python, as walks take it."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sys
import time
from typing import Any

from . import answers
from .answers import Outcome
from .calling import called
from .entries import Entry, classes, entries, entry_of
from .making import Bag, Making, Recipe, fitting
from .sides import Opened, Step, Taken
from .texts import Words, constants
from .unknown import Unknown
from .world import NOTES, Stub, World, settle

_CLOCK = time.process_time  # before ours takes its place; a busy machine walks as far as an idle one, only later
_MEMORY = 1 << 30  # bytes: `text * number` of made-up arguments is one step, which no alarm ends
_PLAIN = (str, bytes, int, float, list, tuple, dict, set, frozenset)


def opened(folder: str, one: dict[str, Any], scratch: str, chance: random.Random) -> Opened:
    """Load both versions. Raises whatever they do."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    settle()
    worlds = [
        World(os.path.join(folder, side), one[side], f"{scratch}/{side}", one["paths"]) for side in ("before", "after")
    ]
    words = Words(constants(one["texts"][0], one["texts"][1]))
    for world in worlds:
        world.words = frozenset(words.known["text"])
    found = list(entries(worlds, frozenset(one["private"])))
    return Opened([PythonSide(world, chance) for world in worlds], found, words, _CLOCK, False, lambda: None)


class PythonSide:
    """Takes walks in this process."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance

    def built(self) -> dict[str, Entry]:
        """Its classes."""
        known = classes(self.world.module)
        return {name: entry_of(name, of, known) for name, of in known.items()}

    def fields(self, name: str, recipes: list[Recipe]) -> set[str]:
        """What the class has, and what its objects have."""
        of = vars(self.world.module).get(name)
        has = {n for n in dir(of) if not n.startswith("__")} | set(getattr(of, "__dataclass_fields__", ()))
        for recipe in recipes:
            try:
                has |= set(vars(Making(self.world, self.chance).value(recipe)))
            except Exception:  # noqa: BLE001, S112 - a class that refuses its arguments tells no fields
                continue
        return has

    def taken(self, steps: list[Step], seed: int) -> Taken:
        """Take a walk."""
        world = self.world
        world.begin(seed)
        found: list[Outcome] = []
        gave: list[tuple[int, set[str] | None]] = []
        lines: set[Any] = set()
        sys.settrace(_tracing(world.module.__file__, lines.add))
        making = Making(world, self.chance)
        for at, step in enumerate(steps):
            NOTES.clock += step.after
            drawn, calls = NOTES.drawn, len(NOTES.calls)
            how, value = called(world, _take, step, making)
            making.results.append(value if how == "gives" else None)
            if how == "gives" and value is not None:
                gave.append((at, _has(value)))
            noted = tuple(answers.normal(list(NOTES.calls[calls : calls + 40]))[1:])
            found.append(Outcome(how, answers.normal(value), noted, NOTES.drawn - drawn))
            if how in answers.UNENDED:
                break
        sys.settrace(None)
        self._tidy()
        return Taken(found, lines, gave)

    def _tidy(self) -> None:
        for name in os.listdir(self.world.scratch):
            path = os.path.join(self.world.scratch, name)
            shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.unlink(path)


def _has(value: Any) -> set[str] | None:
    if isinstance(value, (*_PLAIN, Unknown, Stub, Bag)):
        return None
    return {name for name in dir(value) if not name.startswith("__")} | {"__enter__"}


def _tracing(file: Any, add: Any) -> Any:
    """A tracer that tells which lines of one file are run."""

    def inside(frame: Any, event: str, _given: Any) -> Any:
        if event == "line":
            add(frame.f_lineno)
        return inside

    return lambda frame, _event, _given: inside if frame.f_code.co_filename == file else None


def _take(step: Step, making: Making) -> Any:
    on = making.world.module if step.on is None else making.value(step.on)
    return fitting(getattr(on, step.entry.name), {name: making.value(one) for name, one in step.given.items()})
