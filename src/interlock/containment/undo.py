"""Taking actions back: a plan first, newest first, then its steps, each of which can be repeated after a crash.

What was kept for an action is one or more *points*, each of a kind (`preimage`, `git`, `overlay` ...). A `Restorer`
knows one kind. A later gate that keeps snapshots of databases or cloud resources registers a restorer of its own;
nothing else changes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from interlock.containment.point import ABSENT, DIRECTORY, Entry
from interlock.containment.preimage import seen
from interlock.model.errors import InterlockError

UNDO = "undo"  # the kind of a point that stands for those of an undo's own steps (`carry.unfold`)
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


class Turned(NamedTuple):
    """What a step that turns a commit round will have met at a path; `change`: of what, "" for a directory's look."""

    path: bytes
    entry: Entry
    source: bytes = b""
    change: str = ""


class World:
    """What will stand at each path once the steps planned so far are done; before that, what stands there now."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, ...], str] = {}  # the same for what is no file: a restorer's own names and values
        self._will: dict[bytes, Entry] = {}
        self._put: set[bytes] = set()
        self._dressed: set[bytes] = set()
        self._grafts: dict[bytes, bytes] = {}
        self._new: set[bytes] = set()  # directories that a step makes: empty, whatever the disk has there now
        self.turned: dict[str, list[Turned]] = {}  # by commit
        self._stuck: dict[bytes, str] = {}

    def at(self, path: bytes) -> Entry:
        """What a step will meet."""
        found = self._will.get(path)
        if found is None:
            source = self.source(path)
            found = self._will[path] = seen(source) if source else Entry()
        return found

    def names(self, folder: bytes) -> set[bytes]:
        """The paths of what will be in a directory."""
        source = self.source(folder)
        try:
            listed = {os.path.join(folder, name) for name in os.listdir(source)} if source else set()
        except OSError:
            listed = set()
        listed |= {path for path in self._put if os.path.dirname(path) == folder}
        return {path for path in listed if self.at(path).kind != ABSENT}

    def source(self, path: bytes) -> bytes:
        """Where what will be at a path can be seen now; b"" where nothing will be."""
        above, below = path, b""
        while above != b"/":
            if above in self._grafts:
                return self._grafts[above] + below
            if above in self._new:
                return b""
            if below and above in self._put and self._will[above].kind != DIRECTORY:
                return b""
            below = b"/" + os.path.basename(above) + below
            above = os.path.dirname(above)
        return path

    def put(self, path: bytes, entry: Entry, source: bytes = b"") -> None:
        """A step will leave this; a directory that comes as a whole is in `source` until then."""
        if entry.kind != DIRECTORY or source:
            self._new.discard(path)
        elif self.at(path).kind != DIRECTORY:
            self._new.add(path)
        self._will[path] = entry
        self._put.add(path)
        self._grafts.pop(path, None)
        if source and entry.kind == DIRECTORY:
            self._grafts[path] = source
        if source or entry.kind == ABSENT:
            for inside in [other for other in self._will if other.startswith(path + b"/")]:
                del self._will[inside]
                self._put.discard(inside)
                self._grafts.pop(inside, None)
                self._new.discard(inside)

    def dress(self, path: bytes, entry: Entry) -> None:
        """A step will leave a directory with another look; what is in it stays."""
        self._will[path] = entry
        self._dressed.add(path)

    def rewrites(self, folder: bytes, names: Sequence[bytes]) -> bool:
        """Whether a step planned so far changes something at or below one of these names in a folder."""
        starts = tuple(folder.rstrip(b"/") + b"/" + name for name in names)
        return any((path + b"/").startswith(tuple(start + b"/" for start in starts)) for path in self._put)

    def will(self, path: bytes) -> bool:
        """Whether a step planned so far says what will stand there: at the path itself, or at a directory above it."""
        while path != b"/":
            if path in self._put:
                return True
            path = os.path.dirname(path)
        return False

    def stirs(self, path: bytes) -> bool:
        """Whether a step planned so far changes something below a path."""
        return any(other.startswith(path + b"/") for other in (*self._put, *self._dressed))

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

    def prepare(self, works: Sequence[bytes]) -> None:
        """Before anything is undone: make sure that what all these works replace can be kept, and have at hand what
        they need. Raises OSError, StateError: then nothing is undone.
        """

    def guard(self, works: Sequence[bytes], name: str) -> None:
        """Keep, under a new point's `name`, what these works will replace now, so that they can be undone.

        Raises OSError, StateError: then they are not run.
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
                gone = ref.kind == UNDO  # what is kept of an undo was unfolded
                why = "what was kept for it is no longer there" if gone else f"nothing here restores {ref.kind}"
                problems.append(Problem(LOST, f"entry {deed.entry}", why))
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
