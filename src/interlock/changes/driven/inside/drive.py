"""Runs inside the room, alone: two versions of a module, walked through side by side.

Reads `asked.json` in its folder and writes one JSON object for each file on standard output.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from . import answers, nodeside, pythonside
from .calling import ALARM, Late
from .making import Maker
from .sides import Opened
from .texts import HARMFUL
from .walks import Walker

_OPENING = {"python": pythonside.opened, "node": nodeside.opened}
_LATE = 12  # calls that took too long: nothing more is to be had here
_SCRATCH = "/tmp"  # noqa: S108 - the room's own
_WALL = time.monotonic  # before a version's clock takes its place
_SHOWN = 300  # characters of a shown call


def main(folder: str) -> None:
    """Answer for every file."""
    for number in (signal.SIGALRM, signal.SIGVTALRM):
        signal.signal(number, ALARM.rings)
    with open(os.path.join(folder, "asked.json"), encoding="utf-8") as file:
        asked = json.load(file)
    # Far from the numbers that a version may take for a file that it was given.
    out = os.fdopen(fcntl.fcntl(1, fcntl.F_DUPFD, 777), "w", encoding="utf-8")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)

    def tell(said: dict[str, Any]) -> None:
        out.write(json.dumps(said) + "\n")
        out.flush()

    for one in asked["files"]:
        try:
            said = driven(folder, one | {"walks": asked["walks"]}, asked["seconds"], tell)
        except (Exception, Late) as error:  # noqa: BLE001 - one file's walks that cannot be taken are an answer
            said = {"path": one["after"], "calls": 0, "why": f"{type(error).__name__}: {error}"[:_SHOWN]}
        tell(said)


def driven(folder: str, one: dict[str, Any], seconds: float, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """What the walks through one file show."""
    chance = random.Random(7)  # noqa: S311 - the same walks every time
    try:
        opened = _OPENING[one["runs"]](folder, one, _SCRATCH, chance)
    except BaseException as error:  # noqa: BLE001 - whatever keeps a version from being loaded is an answer
        return {"path": one["after"], "calls": 0, "why": f"{type(error).__name__}: {error}"[:_SHOWN]}
    try:
        return _walked(opened, one, seconds, chance, tell)
    finally:
        opened.close()


def _walked(
    opened: Opened, one: dict[str, Any], seconds: float, chance: random.Random, tell: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    clock = opened.clock
    started, latest = clock(), _WALL() + one["latest"]  # on a machine that is too busy some walks are better than none
    if not opened.entries:
        return {"path": one["after"], "calls": 0, "why": "nothing in it can be called from outside"}
    maker = Maker(opened.words, chance, plain=opened.plain)
    walker = Walker(opened.sides, maker, opened.entries, frozenset(one["near"]), 11)
    walker.learn(lambda: clock() < started + 0.3 * seconds and walker.late < _LATE and _WALL() < latest)
    tally = Tally(opened.plain)
    seed, shown = 0, clock()
    while clock() < started + seconds and seed < one["walks"] and walker.late < _LATE and _WALL() < latest:
        seed += 1
        if clock() > shown + 0.5:
            shown = clock()
            tell({"path": one["after"], "walks": seed, **tally.told()})
        steps = walker.walk()
        was, now = (walker.taken(steps, side, seed) for side in opened.sides)
        tally.see(walker, steps, was, now)
    return {"path": one["after"], "walks": seed, **tally.told()}


class Tally:
    """What was seen so far: calls, refusals, and the first example of each way and kind. `plain`: as in `Call`."""

    def __init__(self, plain: bool) -> None:
        self.plain = plain
        self.calls: Counter[str] = Counter()
        self.ways: Counter[tuple[int, str, str]] = Counter()
        self.first: dict[tuple[int, str, str], dict[str, Any]] = {}

    def see(self, walker: Walker, steps: list[Any], was: list[answers.Outcome], now: list[answers.Outcome]) -> None:
        """One walk in both versions; what follows a difference with a direction is its consequence."""
        given: set[str] = set()
        hostile: set[str] = set()
        for at, (step, one, other) in enumerate(zip(steps, was, now, strict=False)):
            title = step.entry.title
            self.calls["calls"] += 1
            for side, outcome in (("was", one), ("now", other)):
                no = answers.says_no(outcome, step.entry.name, title in walker.telling)
                self.calls[f"{side} {'refuses' if no else outcome.how}"] += 1
                if outcome.how == "gives" and walker.changed(step.entry):
                    self.calls["changed gives"] += 1
                if outcome.how == "gives" and not no:
                    walker.keep(steps[: at + 1])
            values = list(_values(list(step.given.values()), self.plain))
            given |= set(map(repr, values))
            hostile |= {v for v in values if isinstance(v, str) and any(h in v for h in HARMFUL)}
            # What one version never did it does not do again: of both it has to be known what they do once.
            before = [n for n in range(at) if steps[n] == step]
            again = frozenset(c for n in before for c in map(repr, was[n].calls) if c in map(repr, now[n].calls))
            found = answers.way(
                one, other,
                answers.Call(step.entry.name, title in walker.telling, frozenset(given), hostile, again, self.plain),
            )  # fmt: skip
            if found.kind:
                key = (found.way, found.kind, title)
                self.ways[key] += 1
                self._example(key, at, step, one, other)
            if found.way or {one.how, other.how} & {*answers.UNENDED}:
                break

    def _example(
        self, key: tuple[int, str, str], at: int, step: Any, was: answers.Outcome, now: answers.Outcome
    ) -> None:
        """Keep the call that comes after the fewest others."""
        if key not in self.first or at < self.first[key]["steps"]:
            self.first[key] = {"call": _shown(step), "steps": at, "was": _said(was), "now": _said(now)}

    def told(self) -> dict[str, Any]:
        """As it is written."""
        ways = [{"way": k[0], "kind": k[1], "entry": k[2], "times": n, **self.first[k]} for k, n in self.ways.items()]
        return {"calls": self.calls["calls"], "counts": dict(self.calls), "ways": ways}


def _shown(step: Any) -> str:
    given = ", ".join(f"{name}={_recipe(one)}" for name, one in step.given.items())
    return f"{step.entry.title}({given})"[:_SHOWN]


def _recipe(one: Any) -> str:
    kind, given = one[0], one[1]
    if kind == "is":
        return repr(given)[:80]
    if kind in ("list", "tuple", "set"):
        return "[" + ", ".join(map(_recipe, given)) + "]"
    if kind == "map":
        return "{" + ", ".join(f"{_recipe(k)}: {_recipe(v)}" for k, v in given) + "}"
    if kind == "bag":
        return "(" + ", ".join(f"{k}={_recipe(v)}" for k, v in given.items()) + ")"
    if kind == "new":
        return f"{given}(" + ", ".join(f"{k}={_recipe(v)}" for k, v in one[2].items()) + ")"
    return f"<{kind} {given}>"


def _values(recipe: Any, named: bool) -> Iterator[Any]:
    """The plain values in recipes; `named`: and the names of fields."""
    if isinstance(recipe, tuple) and len(recipe) == 2 and recipe[0] == "is":
        yield recipe[1]
    elif isinstance(recipe, tuple | list):
        for part in recipe:
            yield from _values(part, named)
    elif isinstance(recipe, dict):
        yield from recipe if named else ()
        for part in recipe.values():
            yield from _values(part, named)


def _said(one: answers.Outcome) -> str:
    if one.how != "gives":
        return f"{one.how} {one.value}"
    return f"gives {one.value!r}"[:_SHOWN] + (f" and calls {list(one.calls)!r}"[:_SHOWN] if one.calls else "")


if __name__ == "__main__":
    main(sys.argv[1])
