"""Carrying out a plan so that a crash at any point leaves it before, after, or finished by whoever comes next.

The whole plan is written down first, then its steps run, each noted when it is done. Recovery runs the same steps from
the first that is not noted: each does nothing where it has been done already.

Neighbouring steps of one kind are a *stretch*. What a stretch will replace is kept when its turn comes, as those before
it left it, and what it leaves is noted before the next one begins. So the undo can be undone stretch by stretch, the
last one first, and each of them meets exactly what it left, whatever kinds of steps are mixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from interlock.containment.shelf import Shelf
from interlock.containment.undo import LOST, UNDO, Plan, Problem, Ref, Restorer
from interlock.model.errors import InterlockError, NotFound, StateError

_PLAN, _PROGRESS, _DONE = "plan", "progress", "done"


class Stretch(NamedTuple):
    """Neighbouring steps of one kind: from `first` up to, not including, `end`."""

    kind: str
    first: int
    end: int


class _Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far an undo came: steps done, stretches whose point is kept, and those of which is noted what they left."""

    steps: int = 0
    kept: int = 0
    ended: int = 0


def stretches(plan: Plan) -> list[Stretch]:
    """The plan by kinds, in order."""
    found: list[Stretch] = []
    for place, step in enumerate(plan.steps):
        if found and found[-1].kind == step.ref.kind:
            found[-1] = found[-1]._replace(end=place + 1)
        else:
            found.append(Stretch(step.ref.kind, place, place + 1))
    return found


def begin(plan: Plan, restorers: Mapping[str, Restorer], shelf: Shelf, name: str) -> None:
    """Make sure that what will be replaced can be kept, and write down what is going to happen.

    Raises OSError, StateError: then nothing may be undone.
    """
    for kind, restorer in restorers.items():
        works = [step.work for step in plan.steps if step.ref.kind == kind]
        if works:
            restorer.prepare(works)
    shelf.write(name, _PLAN, msgspec.msgpack.encode(plan), durable=True)


def carry_out(
    plan: Plan, restorers: Mapping[str, Restorer], shelf: Shelf, name: str, *, again: bool = False
) -> tuple[Problem, ...]:
    """Run the steps, or (`again`) what a crash left of them. Returns what could not be done.

    Where a stretch cannot be kept (a full disk), the undo ends before it: what is done can be undone again.
    """
    at = _progress(shelf, name) if again else _Progress()
    resumed = at.steps if again else -1
    left: list[Problem] = []

    def note(**new: int) -> None:
        nonlocal at
        at = msgspec.structs.replace(at, **new)
        shelf.write(name, _PROGRESS, msgspec.msgpack.encode(at), durable=True)

    for number, stretch in enumerate(stretches(plan)):
        if number < at.ended:
            continue
        restorer, point = restorers[stretch.kind], f"{name}.{number}"
        steps = plan.steps[stretch.first : stretch.end]
        if number >= at.kept:
            try:
                restorer.guard([step.work for step in steps], point)
            except (InterlockError, OSError) as error:
                entries = dict.fromkeys(step.entry for step in plan.steps[stretch.first :])
                why = f"what stands there could not be kept: {error}"
                return (*left, *(Problem(LOST, f"entry {entry}", why) for entry in entries))
            note(kept=number + 1)
        for place in range(max(stretch.first, at.steps), stretch.end):
            left += restorer.run(plan.steps[place].work, again=place == resumed)
            note(steps=place + 1)
        restorer.finish(point)
        note(ended=number + 1)
    return tuple(left)


def end(shelf: Shelf, name: str, how: bytes = b"done") -> None:
    """Nothing is left to do for it."""
    shelf.write(name, _DONE, how)


def unfinished(shelf: Shelf) -> list[str]:
    """The undos that a crash interrupted, the oldest first."""
    return [name for name in shelf.with_part(_PLAN) if not shelf.has(name, _DONE)]


def unfold(points: Iterable[Ref], shelf: Shelf) -> tuple[Ref, ...]:
    """The same, with the points of its stretches in the place of an undo's own; one that is gone stays as it is."""
    found: list[Ref] = []
    for ref in points:
        try:
            found += _points(shelf, ref.name) if ref.kind == UNDO else [ref]
        except NotFound:
            found.append(ref)
    return tuple(found)


def plan_of(shelf: Shelf, name: str) -> Plan:
    """What an undo was to do, as it was written down. Raises NotFound, StateError."""
    try:
        return msgspec.msgpack.decode(shelf.read(name, _PLAN), type=Plan)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StateError(
            "the plan of an undo is damaged. Look at what it was to change, and mend it by hand."
        ) from error


def _points(shelf: Shelf, name: str) -> list[Ref]:
    found = stretches(plan_of(shelf, name))[: _progress(shelf, name).kept]
    return [Ref(stretch.kind, f"{name}.{number}") for number, stretch in enumerate(found)]


def _progress(shelf: Shelf, name: str) -> _Progress:
    if not shelf.has(name, _PROGRESS):
        return _Progress()
    try:
        return msgspec.msgpack.decode(shelf.read(name, _PROGRESS), type=_Progress)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StateError("how far an undo came is not readable any more. Look at what it was to change.") from error
