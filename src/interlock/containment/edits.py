"""The restorer of pre-images: files, directories and links, each with its content, mode and time."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Sequence

import msgspec

from interlock.containment.change import shown
from interlock.containment.point import ABSENT, DIRECTORY, FILE, After, Entry, Point, Was
from interlock.containment.preimage import Keeper, Limits, Vault, after, untouched
from interlock.containment.restore import Frame, Target, restore, twin_at
from interlock.containment.shelf import Shelf
from interlock.containment.undo import CONFLICT, LOST, Change, Deed, Problem, Ref, Step, World
from interlock.model.errors import StateError

KIND = "preimage"
_ALONE = ", as a file of its own,"  # its other names lie elsewhere, and stay with the other file
_BESIDE = 10_000  # names of a directory that are looked through for another one of a file
# An undo waits for a person, not an agent: it may keep far more of what it replaces.
_LIMITS = Limits(files=200_000, size=4 << 30, seconds=300.0)
_IRREPLACEABLE = "it holds secrets, so no copy of it could be kept for an undo of this undo"
_UNREPORTED = "nobody reported what the action left there, so what came later cannot be told apart"


class Work(msgspec.Struct, frozen=True):
    """What one step does."""

    targets: tuple[Target, ...]
    frames: tuple[Frame, ...] = ()


class Edits:
    """Implements `undo.Restorer` over a shelf of points and the store of contents."""

    kind = KIND

    def __init__(self, shelf: Shelf, vault: Vault, secret: Callable[[str], bool]) -> None:
        self._shelf = shelf
        self._vault = vault
        self._secret = secret

    def plan(self, deed: Deed, name: str, world: World, *, force: bool) -> Step:
        """See `undo.Restorer`."""
        point, left = self._shelf.point(name), self._shelf.after(name)
        return Planner(deed, world, self._vault, self._secret, force=force).step(Ref(KIND, name), point, left)

    def prepare(self, works: Sequence[bytes]) -> None:
        """See `undo.Restorer`. What stands there now goes into the store; what newer steps put there is in it."""
        self._keeper(works)

    def guard(self, works: Sequence[bytes], name: str) -> None:
        """See `undo.Restorer`."""
        self._shelf.save(self._keeper(works).point(name), durable=True)

    def _keeper(self, works: Sequence[bytes]) -> Keeper:
        keeper = Keeper(self._vault, self._secret, within="/", limits=_LIMITS, durable=True)
        for work in map(decoded, works):
            for target in work.targets:
                keeper.path(target.path)
            for frame in work.frames:
                keeper.frame(frame.path)
        # INVARIANT: nothing is replaced that could not be brought back; secrets only where a person forced it.
        lost = [(path, why) for path, why in keeper.lost() if not self._secret(path)]
        if lost:
            raise StateError(
                f"{lost[0][0]} could not be kept ({lost[0][1]}), so nothing is replaced. Undo less at once."
            )
        return keeper

    def run(self, work: bytes, *, again: bool = False) -> tuple[Problem, ...]:
        """See `undo.Restorer`."""
        todo = decoded(work)
        refused = restore(todo.targets, todo.frames, self._vault, again=again)
        return tuple(Problem(CONFLICT, shown(os.fsdecode(one.path)), one.why) for one in refused)

    def finish(self, name: str) -> None:
        """See `undo.Restorer`."""
        self._shelf.finish(name, after(self._shelf.point(name), _LIMITS))


class Planner:
    """One point against the world."""

    def __init__(self, deed: Deed, world: World, vault: Vault, secret: Callable[[str], bool], *, force: bool) -> None:
        self._secret = secret
        self._workspace = deed.workspace
        self._entry = deed.entry
        self._world = world
        self._vault = vault
        self._force = force
        self._targets: list[Target] = []
        self._frames: list[Frame] = []
        self._unsettled: set[bytes] = set()
        self._now: dict[bytes, Entry] = {}
        self._changes: list[Change] = []
        self._problems: list[Problem] = []

    def step(self, ref: Ref, point: Point, left: After | None) -> Step:
        leftovers = {} if left is None else {one.path: one.entry for one in left.left}
        every = (*point.was, *(() if left is None else left.found))
        # All of it is looked at before anything of it is put: what becomes of a directory hides what was in it.
        self._now = {was.path: self._world.at(was.path) for was in every}
        for was in every:
            now = leftovers.get(was.path)
            if now is not None and was.entry.kind == now.kind == DIRECTORY and was.entry.mode == now.mode:
                self._frame(was, now)
            elif not was.frame or (now or self._world.at(was.path)).kind != DIRECTORY:
                self._one(was, now)
        self._keep_what_came_later()
        # Where something stays that should have gone, the directory has changed since, and keeps its time.
        self._frames = [frame for frame in self._frames if frame.path not in self._unsettled]
        moved = [frame for frame in self._frames if frame.mtime != frame.expect]
        if not self._targets:
            self._changes += [Change("set time of", self._named(frame.path)) for frame in moved]
        work = Work(tuple(self._targets), tuple(self._frames) if self._changes else ())
        raw = msgspec.msgpack.encode(work)
        return Step(self._entry, ref, tuple(self._changes), tuple(self._problems), raw)

    def _one(self, was: Was, left: Entry | None) -> None:
        world, to = self._world, was.entry
        now = self._now[was.path]
        if was.lost:
            if left is None or not untouched(left, to):
                self._stuck(was.path, LOST, was.lost)
        elif left is not None and left.same(to) and left.mtime == to.mtime:
            return  # the action did not change it
        elif stuck := world.stuck(was.path):
            self._stuck(was.path, CONFLICT, stuck)
        elif now.same(to) and (to.kind in (ABSENT, DIRECTORY) or now.mtime == to.mtime):
            world.put(was.path, to)  # it is as it was already
        elif left is None and not self._force:
            self._stuck(was.path, CONFLICT, _UNREPORTED)
        elif left is not None and not (now.same(left) or untouched(now, left)) and not self._force:
            self._stuck(was.path, CONFLICT, "it changed since")
        elif now.kind == FILE and self._secret(os.fsdecode(was.path)) and not self._force:
            self._stuck(was.path, CONFLICT, _IRREPLACEABLE)
        elif to.kind == FILE and to.digest not in self._vault:
            self._stuck(was.path, LOST, "its bytes were pruned from the store")
        else:
            twin = self._twin(was.path, to, now)
            alone = to.links > 1 and now.place != to.place and not twin
            self._targets.append(Target(was.path, to, now, twin))
            self._changes.append(Change(_does(now, to) + _ALONE * alone, self._named(was.path)))
            if to.kind != ABSENT or now.kind != DIRECTORY:
                world.put(was.path, to)

    def _twin(self, path: bytes, to: Entry, now: Entry) -> bytes:
        """Another name of the file that stood there: beside it, or among what the action touched; b"" for none."""
        if to.kind != FILE or to.links < 2 or now.place == to.place:
            return b""
        folder = os.path.dirname(path)
        beside: list[bytes] = []
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            names = itertools.islice(entries, _BESIDE)
            beside = [entry.path for entry in names if entry.inode() == to.place[1]]
        touched = [other for other, entry in self._now.items() if entry.place == to.place]
        return next((other for other in (*beside, *touched) if other != path and twin_at(other, to)), b"")

    def _frame(self, was: Was, left: Entry) -> None:
        """A directory that is only written in: its time is put back unless something else moved it since."""
        now = self._world.at(was.path)
        if now.kind == DIRECTORY and now.mtime in (left.mtime, was.entry.mtime):
            self._frames.append(Frame(was.path, was.entry.mtime, now.mtime))
            self._world.dress(was.path, msgspec.structs.replace(now, mtime=was.entry.mtime))

    def _keep_what_came_later(self) -> None:
        """A directory that the action made goes only if nothing is in it that came from elsewhere."""
        world = self._world
        going = {target.path for target in self._targets if target.to.kind == ABSENT}
        for target in sorted(self._targets, key=lambda t: t.path.count(b"/"), reverse=True):
            if target.to.kind != ABSENT or target.expect.kind != DIRECTORY:
                continue
            if all(path in going or world.at(path).kind == ABSENT for path in world.names(target.path)):
                world.put(target.path, target.to)
                continue
            place = self._targets.index(target)
            del self._targets[place], self._changes[place]
            going.discard(target.path)
            self._stuck(target.path, CONFLICT, "it holds what came later")

    def _stuck(self, path: bytes, kind: str, why: str) -> None:
        self._world.stick(path, why)
        self._unsettled.add(os.path.dirname(path))
        self._problems.append(Problem(kind, self._named(path), why))

    def _named(self, path: bytes) -> str:
        text = os.fsdecode(path)
        top = os.path.realpath(self._workspace).rstrip("/") + "/" if self._workspace else ""
        return shown(text.removeprefix(top) if top and text + "/" != top else text)


def _does(now: Entry, to: Entry) -> str:
    if to.kind == ABSENT:
        return "remove"
    if now.kind == ABSENT:
        return "put back"
    if now.kind == to.kind == FILE and now.digest == to.digest:
        return "set mode and time of"
    return "restore"


def decoded(raw: bytes) -> Work:
    """A step's own bytes."""
    return msgspec.msgpack.decode(raw, type=Work)
