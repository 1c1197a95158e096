"""Walks through a module: calls of its functions and methods, one after another, the same in both versions."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

from . import answers
from .answers import Outcome
from .entries import Entry
from .making import Maker, Recipe
from .sides import Side, Step
from .unknown import Shape

_LESSONS = 5  # rounds with arguments of no type
_GOOD = 24  # arguments kept for each entry
_PATIENCE = 3  # calls of one entry that took too long
_SHORT = 8  # calls of a walk that others are made of
_LONGEST = 400  # calls of a walk


class Walker:
    """Makes walks and takes them in both versions."""

    def __init__(self, sides: list[Side], maker: Maker, found: list[Entry], near: frozenset[str], seed: int) -> None:
        self.sides, self.maker, self.entries = sides, maker, found
        self.chance = random.Random(seed)  # noqa: S311 - the same walks every time
        self._subjects = near
        self._near = [e for e in found if self.changed(e)]
        self._late: Counter[str] = Counter()  # calls that took too long
        self.telling: set[str] = set()  # entries that gave more than None
        self._new: list[list[Step]] = []
        self._seen: set[Any] = set()
        self._led: dict[str, list[list[Step]]] = {}  # entry -> walks that ended with its yes
        self._good: dict[str, list[dict[str, Recipe]]] = {}

    @property
    def late(self) -> int:
        """How many calls took too long."""
        return self._late.total()

    def changed(self, entry: Entry) -> bool:
        """Whether it is one of what changed, or leads there."""
        return entry.title in self._subjects or (entry.owner or entry.kept or entry.name) in self._subjects

    def learn(self, more: Callable[[], bool]) -> None:
        """Run each entry in both versions with arguments of no type, and see what it makes of them; `more`: there is
        time for that."""
        for name, entry in self.sides[-1].built().items():
            if not more():
                break
            shapes = {p: s for p, s in entry.shapes.items() if p in entry.required or self._telling(s)}
            self.maker.entries[name] = shapes
            for side in self.sides:
                self._tried(side, Step(Entry(name, shapes), self._unknown(shapes)))
            self.maker.fields[name] = set().union(
                *(side.fields(name, [self.maker.instance(name, 1) for _ in range(3)]) for side in self.sides)
            )
        for side in self.sides:
            for number, entry in product(range(_LESSONS), self.entries):
                if more() and self._late[entry.title] < _PATIENCE:
                    on = self._on(entry)
                    if on is not None and on[0] == "new" and number % 2:
                        on = ("new", entry.owner, self._unknown(self.maker.entries[entry.owner]))
                    self._tried(side, Step(entry, self._unknown(entry.shapes), on))
        for side in self.sides:
            for number in range(4 * _LESSONS * more()):
                self.taken([self._unknowing(step) for step in self.walk()[:12]], side, number)
        self._new.clear()  # their arguments of no type are no example
        self._seen.clear()

    def _telling(self, shape: Shape) -> bool:
        return "callable" not in shape.kinds and bool(shape.kinds) and self.chance.random() < 0.5

    def _tried(self, side: Side, step: Step) -> None:
        for number in range(3):
            self.taken([step], side, number)

    def _unknown(self, shapes: dict[str, Shape]) -> dict[str, Recipe]:
        return {n: self.maker.draw(s, n, 1) if "given" in s.kinds else ("unknown", s) for n, s in shapes.items()}

    def _unknowing(self, step: Step) -> Step:
        """A step of a walk in which arguments of which nothing is known are of no type."""
        shapes = step.entry.shapes
        given = {n: one if shapes[n].kind else ("unknown", shapes[n]) for n, one in step.given.items()}
        return step._replace(given=given)

    def _on(self, entry: Entry) -> Recipe | None:
        if entry.kept:
            return ("global", entry.kept)
        return self.maker.instance(entry.owner, 1) if entry.owner else None

    def walk(self) -> list[Step]:
        """A walk: one that showed something new, changed, or one of some calls, often of one object."""
        self.maker.begin()
        if self._led and self.chance.random() < 0.25:
            led = self.chance.choice(self._led[self.chance.choice(sorted(self._led))])
            return self._missed(led) if self.chance.random() < 0.5 else self._other(led)
        if self._new and self.chance.random() < 0.5:
            return self._other(self.chance.choice(self._new[-60:]))
        chance = self.chance
        goal = self._goal()
        on = self._on(goal)
        steps: list[Step] = []
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3, 5))):
            near = [e for e in self.entries if _of_one(e, goal)]
            entry = chance.choice(near if chance.random() < 0.8 else self.entries)
            steps.append(self._step(entry, on if _of_one(entry, goal) else self._on(entry), steps))
        steps.append(self._step(goal, on, steps))
        return self._hammered(steps) if chance.random() < 0.15 else steps

    def _goal(self) -> Entry:
        return self.chance.choice(self._near if self._near and self.chance.random() < 0.8 else self.entries)

    def _hammered(self, steps: list[Step]) -> list[Step]:
        """One of its calls many times, and then its end again."""
        chance = self.chance
        at = chance.randrange(len(steps))
        one = steps[at]._replace(after=chance.choice((0.0, 0.0, 0.0, 1.0)))
        times = chance.choice((1, 1, 2, 2, 4, 4, 12, 12, 60, 300))
        return [*steps[: at + 1], *[one] * times, *steps[at + 1 :], steps[-1]][:_LONGEST]

    def _other(self, steps: list[Step]) -> list[Step]:
        """A walk like it: an argument is another, or a call comes again, or is new, or goes."""
        chance = self.chance
        steps = list(steps)
        for _ in range(chance.choice((1, 1, 2, 3))):
            at, what = chance.randrange(len(steps)), chance.random()
            step = steps[at]
            if what < 0.5 and step.given:
                name = chance.choice(sorted(step.given))
                shape = step.entry.shapes[name]
                new = self.maker.changed(step.given[name], shape, name)
                if at and chance.random() < 0.35:
                    new = ("step", chance.randrange(min(at, 8)))
                steps[at] = step._replace(given={**step.given, name: new})
            elif what < 0.6 and len(steps) < 40:
                steps = self._hammered(steps)
            elif what < 0.7 and len(steps) < 40:
                steps = self._missed(steps)
            elif what < 0.85:
                entry = self._goal()
                on = next((s.on for s in steps if _of_one(s.entry, entry)), None) or self._on(entry)
                steps.append(self._step(entry, on, steps))
            elif len(steps) > 1:
                steps.pop()
        return steps[:_LONGEST]

    def _missed(self, steps: list[Step]) -> list[Step]:
        """Its last call after some that are like it but for one argument, as who guesses calls."""
        last = steps[-1]
        if not last.given:
            return self._hammered(steps)
        name = self.chance.choice(sorted(last.given))
        wrong = self.maker.changed(("is", None), last.entry.shapes[name], name)
        like = last._replace(given={**last.given, name: wrong}, after=0.0)
        return [*steps[:-1], *[like] * self.chance.choice((1, 2, 4, 6, 12)), last._replace(after=0.0)]

    def _step(self, entry: Entry, on: Recipe | None, before: list[Step]) -> Step:
        chance = self.chance
        good = self._good.get(entry.title)  # most refusals are met by arguments that are right but for one
        if good and chance.random() < 0.6:
            given = dict(chance.choice(good))
            for name in chance.sample(sorted(given), min(len(given), chance.choice((0, 1, 1, 2)))):
                given[name] = self.maker.changed(given[name], entry.shapes[name], name)
        else:
            wanted = [n for n in entry.shapes if n in entry.required or chance.random() < 0.35]
            given = {name: self.maker.draw(entry.shapes[name], name) for name in wanted}
        for name in given:
            if before and entry.shapes[name].kind in ("text", "bytes", "") and chance.random() < 0.2:
                given[name] = ("step", chance.randrange(min(len(before), 8)))
        return Step(entry, given, on, chance.choice((0.0, 0.0, 0.0, 1.0, 61.0, 3_601.0, 90_000.0, 4e6)))

    def taken(self, steps: list[Step], side: Side, seed: int) -> list[Outcome]:
        """How each call of a walk ends in one version."""
        taken = side.taken(steps, seed)
        for at, has in taken.gave:
            self.telling.add(steps[at].entry.title)
            if has is not None:
                self._gave(steps[at].entry, has)
        for step, outcome in zip(steps, taken.outcomes, strict=False):
            if outcome.how == "late":
                self._passed_by(step.entry)
        number = self.sides.index(side)
        seen = {(number, part) for part in taken.ran} | {
            (number, s.entry.title, o.how, o.value if o.how == "raises" else "", answers.refuses(o.value, s.entry.name))
            for s, o in zip(steps, taken.outcomes, strict=False)
        }
        if not seen <= self._seen:
            self._seen |= seen
            self._new.append(steps)
        return taken.outcomes

    def _passed_by(self, entry: Entry) -> None:
        """What takes too long again and again is called no more: one that waits for ever would take all the time."""
        self._late[entry.title] += 1
        if self._late[entry.title] >= _PATIENCE and len(self.entries) > 1:
            self.entries = [one for one in self.entries if one.title != entry.title]
            self._near = [one for one in self._near if one.title != entry.title]

    def _gave(self, entry: Entry, has: set[str]) -> None:
        """Remember what comes of an entry: objects with fields are arguments of others."""
        if not entry.owner and not entry.kept and entry.name not in self.maker.givers:
            self.maker.givers[entry.name] = has
            self.maker.shapes[entry.name] = entry.shapes

    def keep(self, steps: list[Step]) -> None:
        """The last of these calls was taken: others are made of its arguments, and other walks of what led to it."""
        step = steps[-1]
        if 1 < len(steps) <= _SHORT:
            some = self._led.setdefault(step.entry.title, [])
            if len(some) < _GOOD:
                some.append(steps)
            else:
                some[self.chance.randrange(_GOOD)] = steps
        if any(recipe[0] == "step" for recipe in step.given.values()):
            return
        good = self._good.setdefault(step.entry.title, [])
        if len(good) < _GOOD:
            good.append(step.given)
        else:
            good[self.chance.randrange(_GOOD)] = step.given


def _of_one(one: Entry, other: Entry) -> bool:
    """Whether both are methods of one class, or of one object, or functions."""
    return (one.owner, one.kept) == (other.owner, other.kept)
