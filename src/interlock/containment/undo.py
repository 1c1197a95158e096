"""Taking actions back: a plan first, newest first, then its steps, each of which can be repeated after a crash.

What was kept for an action is one or more *points*, each of a kind (`preimage`, `git`, `overlay` ...). A `Restorer`
knows one kind. A later gate that keeps snapshots of databases or cloud resources registers a restorer of its own;
nothing else changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from interlock.containment.point import Entry
from interlock.containment.preimage import seen
from interlock.model.errors import InterlockError

CONFLICT = "conflict"  # something changed it since: left alone unless the person says otherwise
_NAMED = 8  # entries of one reason
LOST = "lost"  # it was never kept, or is no longer there: cannot be undone


class Ref(msgspec.Struct, frozen=True):
    """One point: its kind and its name, written `kind:name` in entries."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class Deed(msgspec.Struct, frozen=True):
    """One entry of the ledger that may be taken back, and its points in the order in which they were taken."""

    entry: int
    points: tuple[Ref, ...]
    workspace: str = ""
    stays: tuple[str, ...] = ()  # what was said, before it ran, to be beyond undo


class Change(msgspec.Struct, frozen=True):
    """One thing that a step will do, for people: `restore`, `remove`, `move back` ... and of what."""

    does: str
    what: str


class Problem(msgspec.Struct, frozen=True):
    """One thing that will not be undone. `kind` is CONFLICT or LOST."""

    kind: str
    what: str
    why: str


class Step(msgspec.Struct, frozen=True):
    """One point taken back. `work` is the restorer's own, as bytes: the plan survives a crash."""

    entry: int
    ref: Ref
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...] = ()
    work: bytes = b""


class Plan(msgspec.Struct, frozen=True):
    """Everything that an undo will do, in order. Nothing is left to choose when it runs."""

    steps: tuple[Step, ...]
    problems: tuple[Problem, ...] = ()
    workspace: str = ""  # where all of it lies, if that is one place

    @property
    def digest(self) -> str:
        """What a person agreed to."""
        return "sha256:" + hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()

    @property
    def changes(self) -> int:
        """How much it will do."""
        return sum(len(step.changes) for step in self.steps)

    def all_problems(self) -> tuple[Problem, ...]:
        """Those of the whole and of each step."""
        return (*self.problems, *(problem for step in self.steps for problem in step.problems))


class World:
    """What will stand at each path once the steps planned so far are done; before that, what stands there now."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, ...], str] = {}  # the same for what is no file: a restorer's own names and values
        self._will: dict[bytes, Entry] = {}
        self._put: set[bytes] = set()
        self._stuck: dict[bytes, str] = {}

    def at(self, path: bytes) -> Entry:
        """What a step will meet."""
        found = self._will.get(path)
        if found is None:
            found = self._will[path] = seen(path)
        return found

    def put(self, path: bytes, entry: Entry) -> None:
        """A step will leave this."""
        self._will[path] = entry
        self._put.add(path)

    def rewrites(self, folder: bytes, names: Sequence[bytes]) -> bool:
        """Whether a step planned so far changes something at or below one of these names in a folder."""
        starts = tuple(folder.rstrip(b"/") + b"/" + name for name in names)
        return any((path + b"/").startswith(tuple(start + b"/" for start in starts)) for path in self._put)

    def will(self, path: bytes) -> bool:
        """Whether a step planned so far says what will stand there."""
        return path in self._put

    def stick(self, path: bytes, why: str) -> None:
        """This path stays as it is: nothing older can be undone there either."""
        self._stuck[path] = why

    def stuck(self, path: bytes) -> str:
        """Why this path stays; "" where it does not."""
        return self._stuck.get(path, "")


class Restorer(Protocol):
    """One kind of point."""

    def plan(self, deed: Deed, name: str, world: World, *, force: bool) -> Step:
        """What taking it back means now. Changes nothing. With `force`, conflicts are overridden.

        Raises NotFound, StateError: what was kept is gone or damaged.
        """

    def guard(self, works: Sequence[bytes], name: str) -> bool:
        """Keep, under a new point's `name`, what these works will replace, so that the undo can be undone.

        Returns whether there is such a point. Raises OSError, StateError: then nothing is undone.
        """

    def run(self, work: bytes, *, again: bool = False) -> tuple[Problem, ...]:
        """Do it, or (`again`) what a crash left of it. Returns what could not be done."""

    def finish(self, name: str) -> None:
        """The work guarded by this point is done: note what it left."""


def plan(deeds: Sequence[Deed], restorers: Mapping[str, Restorer], *, force: bool = False) -> Plan:
    """Newest first. Total: a point that cannot be read is a problem of the plan."""
    world = World()
    steps: list[Step] = []
    problems: list[Problem] = _stays(deeds)
    for deed in sorted(deeds, key=lambda d: d.entry, reverse=True):
        for ref in reversed(deed.points):
            restorer = restorers.get(ref.kind)
            if restorer is None:
                problems.append(Problem(LOST, f"entry {deed.entry}", f"nothing here restores {ref.kind}"))
                continue
            try:
                step = restorer.plan(deed, ref.name, world, force=force)
            except InterlockError as error:
                problems.append(Problem(LOST, f"entry {deed.entry}", str(error)))
                continue
            if step.changes or step.problems:
                steps.append(step)
    workspaces = {deed.workspace for deed in deeds}
    return Plan(tuple(steps), tuple(problems), workspaces.pop() if len(workspaces) == 1 else "")


def _stays(deeds: Sequence[Deed]) -> list[Problem]:
    """What was said beforehand to be beyond undo: once a reason, with the entries that it was said of."""
    entries: dict[str, list[int]] = {}
    for deed in deeds:
        for why in deed.stays:
            entries.setdefault(why, []).append(deed.entry)
    return [Problem(LOST, _entries(found), why) for why, found in entries.items()]


def _entries(found: Sequence[int]) -> str:
    if len(found) == 1:
        return f"entry {found[0]}"
    named = ", ".join(map(str, sorted(found, reverse=True)[:_NAMED]))
    return f"entries {named}" + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")


def shown(found: Plan) -> dict[str, Any]:
    """The plan as JSON for people and programs, without the works."""
    return {
        "plan": found.digest,
        "changes": found.changes,
        "steps": [
            {
                "entry": step.entry,
                "point": str(step.ref),
                "changes": [msgspec.to_builtins(change) for change in step.changes],
                "problems": [msgspec.to_builtins(problem) for problem in step.problems],
            }
            for step in found.steps
        ],
        "problems": [msgspec.to_builtins(problem) for problem in found.problems],
    }
