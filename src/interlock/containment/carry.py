"""Carrying out a plan so that a crash at any point leaves it before, after, or finished by whoever comes next.

What will be replaced is kept first, then the whole plan is written down, then its steps run, each noted when it is
done. Recovery runs the same steps from the first that is not noted: each does nothing where it has been done already.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from interlock.containment.shelf import Shelf
from interlock.containment.undo import Plan, Problem, Ref, Restorer
from interlock.model.errors import StateError

_PLAN, _PROGRESS, _DONE = "plan", "progress", "done"


class Job(msgspec.Struct, frozen=True):
    """An undo as it lies on the disk. `points` are what it can be undone by."""

    plan: Plan
    points: tuple[Ref, ...]


def begin(plan: Plan, restorers: Mapping[str, Restorer], shelf: Shelf, name: str) -> Job:
    """Keep what will be replaced, and write down what is going to happen. Raises OSError, StateError."""
    points = []
    for kind, restorer in restorers.items():
        works = [step.work for step in plan.steps if step.ref.kind == kind]
        if works and restorer.guard(works, name):
            points.append(Ref(kind, name))
    job = Job(plan, tuple(points))
    shelf.write(name, _PLAN, msgspec.msgpack.encode(job), durable=True)
    return job


def carry_out(
    job: Job, restorers: Mapping[str, Restorer], shelf: Shelf, name: str, *, again: bool = False
) -> tuple[Problem, ...]:
    """Run the steps, or (`again`) what a crash left of them. Returns what could not be done."""
    done = int(shelf.read(name, _PROGRESS)) if again and shelf.has(name, _PROGRESS) else 0
    left: list[Problem] = []
    for place, step in enumerate(job.plan.steps[done:], start=done):
        left += restorers[step.ref.kind].run(step.work, again=again)
        shelf.write(name, _PROGRESS, b"%d" % (place + 1), durable=True)
    for ref in job.points:
        restorers[ref.kind].finish(ref.name)
    return tuple(left)


def end(shelf: Shelf, name: str, how: bytes = b"done") -> None:
    """Nothing is left to do for it."""
    shelf.write(name, _DONE, how)


def unfinished(shelf: Shelf) -> list[str]:
    """The undos that a crash interrupted, the oldest first."""
    return [name for name in shelf.with_part(_PLAN) if not shelf.has(name, _DONE)]


def job_of(shelf: Shelf, name: str) -> Job:
    """An undo that was written down. Raises NotFound, StateError."""
    try:
        return msgspec.msgpack.decode(shelf.read(name, _PLAN), type=Job)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StateError(
            "the plan of an undo is damaged. Look at what it was to change, and mend it by hand."
        ) from error
