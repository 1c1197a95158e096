"""The restorer of git restore points: refs, HEAD, stash and index. Files are a pre-image's, of the same name.

Two ways. Where all that the action changed of git's own files is as the action left it, they are put back as they were,
to the byte and the time, under git's own locks: so older steps, of whatever kind, meet there what they left. Where
something else changed since, each ref, HEAD, the stash and the index are put back by git, one by one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from interlock.containment import edits, repository, walk
from interlock.containment.change import shown
from interlock.containment.gitlocks import locked
from interlock.containment.gitpoint import KIND, GitPoints
from interlock.containment.point import ABSENT, DIRECTORY, Entry
from interlock.containment.preimage import Limits, Vault, seen
from interlock.containment.repository import Call, Repository, Snapshot
from interlock.containment.restore import Refusal, Target, acceptable, restore
from interlock.containment.shelf import Shelf
from interlock.containment.undo import CONFLICT, Change, Deed, Problem, Ref, Step, World
from interlock.model.errors import InterlockError, StateError

_UNREPORTED = "nobody reported what the action left there, so what came later cannot be told apart"
_FILES = (b"refs", b"packed-refs", b"HEAD", b"index", b"logs", b"reftable")
_STASH, _INDEX, _HEAD = "stash", "index", "HEAD"


class Part(msgspec.Struct, frozen=True):
    """One thing to put back: a ref, `HEAD`, the stash or the index; `to` and `now` as `_value` writes them."""

    name: str
    to: str
    now: str


class Work(msgspec.Struct, frozen=True):
    """What one step does to one repository. `source` is the point that holds the index and the objects."""

    where: Repository
    source: str
    number: int
    parts: tuple[Part, ...]
    stash: tuple[bytes, ...] = ()


class Task(msgspec.Struct, frozen=True):
    """One step: what it does to each repository, and `own`, to git's own files, where these can be put back exactly."""

    where: tuple[Repository, ...] = ()
    works: tuple[Work, ...] = ()
    own: edits.Work | None = None


class GitUndo:
    """Implements `undo.Restorer`."""

    kind = KIND

    def __init__(self, call: Call, shelf: Shelf, vault: Vault, points: GitPoints) -> None:
        self._call = call
        self._shelf = shelf
        self._vault = vault
        self._points = points

    def plan(self, deed: Deed, name: str, world: World, *, force: bool) -> Step:
        """See `undo.Restorer`."""
        was = self._points.moment(name, "git")
        left = self._points.moment(name, "git-after") if self._shelf.has(name, "git-after") else None
        changes: list[Change] = []
        problems: list[Problem] = []
        works = []
        own = self._own(deed, name, world)
        for number, old in enumerate(was.found):
            new = None if left is None else _values(left.found[number])
            live = _values(repository.snapshot(self._call, old.where))
            # A newer step puts git's own files back (a contained command committed them): what it will leave shows only
            # then. The plan goes by what this action left, and `run` looks again before it touches anything.
            ours = {os.fsencode(folder) for folder in (old.where.folder, old.where.common)}
            unseen = new is not None and any(world.rewrites(folder, _FILES) for folder in ours)
            now = _Values(world, old.where, new if (unseen or own) and new is not None else live)
            parts = []
            for part in _parts(_values(old), new, now):
                problem = "" if force else _conflict(part, new, now)
                if problem:
                    problems.append(Problem(CONFLICT, _named(part.name), problem))
                else:
                    parts.append(part)
                    changes.append(Change(_does(part), _named(part.name)))
                    now.put(part.name, part.to)
            if parts:
                works.append(Work(old.where, name, number, tuple(parts), old.stash))
        if own is not None and not changes and (own.targets or any(f.mtime != f.expect for f in own.frames)):
            changes.append(Change("put back", "git's own files"))
        raw = msgspec.msgpack.encode(Task(tuple(old.where for old in was.found), tuple(works), own))
        return Step(deed.entry, Ref(KIND, name), tuple(changes), tuple(problems), raw)

    def _own(self, deed: Deed, name: str, world: World) -> edits.Work | None:
        """What puts git's own files back, as they will be in the world; None where something changed them since."""
        point, left = self._points.own(name), self._points.own_after(name)
        if point is None or left is None:
            return None
        leftovers = {one.path: one.entry for one in left.left}
        for was in (*point.was, *left.found):
            now, end = world.at(was.path), leftovers.get(was.path, Entry())
            timeless = now.kind in (ABSENT, DIRECTORY)
            if was.frame or end == was.entry or (now.same(end) and (timeless or now.mtime == end.mtime)):
                continue
            return None
        step = edits.Planner(deed, world, self._vault, lambda _: False, force=False).step(Ref(KIND, name), point, left)
        return None if step.problems else edits.decoded(step.work)

    def prepare(self, works: Sequence[bytes]) -> None:
        """See `undo.Restorer`."""
        for work in (work for raw in works for work in _task(raw).works):
            self._unpack(work)  # objects only add

    def guard(self, works: Sequence[bytes], name: str) -> None:
        """See `undo.Restorer`."""
        tasks = [_task(raw) for raw in works]
        where = {one.top: one for task in tasks for one in task.where}
        self._points.note(name, list(where.values()), own=any(task.own is not None for task in tasks))

    def run(self, work: bytes, *, again: bool = False) -> tuple[Problem, ...]:
        """See `undo.Restorer`."""
        task = _task(work)
        problems: list[Problem] = []
        if task.own is not None:
            for one in task.works:
                self._unpack(one)
            try:
                refused = self._exactly(task.own, again=again)
            except (InterlockError, OSError) as error:
                return (Problem(CONFLICT, "git's own files", str(error)),)
            if refused is not None:
                return tuple(Problem(CONFLICT, shown(os.fsdecode(one.path)), one.why) for one in refused)
        for one in task.works:
            self._run(one, problems, again=again)
        return tuple(problems)

    def _exactly(self, own: edits.Work, *, again: bool) -> Sequence[Refusal] | None:
        """Put the files back; None where one of them is not as the plan said: then nothing of it was touched."""
        gone = {target.path for target in own.targets if DIRECTORY in (target.to.kind, target.expect.kind)}
        locks = [path for path in map(_guarding, own.targets) if path and os.path.dirname(path) not in gone]
        frames = [f for f in own.frames if again or walk.facts(f.path).mtime in (f.expect, f.mtime)]
        with locked(locks):
            if not all(acceptable(seen(target.path), target) for target in own.targets):
                return None
            refused = restore(own.targets, (), self._vault, again=again)
        restore((), frames, self._vault, again=True)
        return refused

    def finish(self, name: str) -> None:
        """See `undo.Restorer`."""
        self._points.after(name, Limits())

    def _run(self, work: Work, problems: list[Problem], *, again: bool) -> None:
        now = _values(repository.snapshot(self._call, work.where))
        todo = _todo(work, now, problems, again=again)
        if not todo:
            return
        refs = {name: part.to for name, part in todo.items() if name.startswith("refs/")}
        if _STASH in todo or work.stash:
            now.pop(repository.STASH, None)  # building the stack anew has set it, or removed it
            if not refs.get(repository.STASH):
                refs.pop(repository.STASH, None)
        call, where = self._call, work.where
        steps: tuple[tuple[str, object, Callable[[], None]], ...] = (
            ("objects", True, lambda: self._unpack(work)),
            ("the stash", _STASH in todo, lambda: repository.put_stash(call, where, work.stash)),
            ("refs", refs, lambda: repository.put_refs(call, where, refs, now)),
            (_HEAD, _HEAD in todo, lambda: repository.put_head(call, where, todo[_HEAD].to)),
            ("the index", _INDEX in todo, lambda: self._index(work)),
        )
        for what, wanted, do in steps:
            try:
                if wanted:
                    do()
            except InterlockError as error:
                problems.append(Problem(CONFLICT, what, str(error)))

    def _unpack(self, work: Work) -> None:
        part = f"pack-{work.number}"
        if self._shelf.has(work.source, part):
            raw = self._shelf.read(work.source, part)
            self._call(work.where.top, "unpack-objects", "-q", feed=raw)

    def _index(self, work: Work) -> None:
        repository.put_index(work.where, self._shelf.read(work.source, f"index-{work.number}"))


def _todo(work: Work, now: Mapping[str, str], problems: list[Problem], *, again: bool) -> dict[str, Part]:
    """The parts that are not put back yet and that nothing changed since the plan was made."""
    todo: dict[str, Part] = {}
    for part in work.parts:
        there = now.get(part.name, "")
        if there == part.to:
            continue
        # A crash may have left the stash halfway: it is built entry by entry.
        if there == part.now or (again and part.name == _STASH):
            todo[part.name] = part
        else:
            problems.append(Problem(CONFLICT, _named(part.name), "it changed meanwhile"))
    return todo


class _Values:
    """What a repository will say once the steps planned so far are done."""

    def __init__(self, world: World, where: Repository, found: Mapping[str, str]) -> None:
        self._world = world
        self._key = (KIND, where.common, where.folder)
        self._found = found

    def get(self, name: str) -> str:
        """The value of a ref, HEAD, stash or index."""
        return self._world.said.get((*self._key, name), self._found.get(name, ""))

    def put(self, name: str, value: str) -> None:
        """A step will leave this."""
        self._world.said[(*self._key, name)] = value

    def names(self) -> set[str]:
        """Everything that has a value now."""
        return set(self._found)


def _values(found: Snapshot) -> dict[str, str]:
    """Everything that undo may put back, as comparable texts."""
    stash = hashlib.sha256(b"\n".join(found.stash)).hexdigest() if found.stash else ""
    return {**found.refs, _HEAD: found.head, _STASH: stash, _INDEX: found.listing}


def _parts(old: Mapping[str, str], new: Mapping[str, str] | None, now: _Values) -> list[Part]:
    """What the action changed; where nobody said what it left, everything that differs from what was."""
    names = sorted({*old, *(now.names() if new is None else new)})
    changed = [name for name in names if new is None or old.get(name, "") != new.get(name, "")]
    return [Part(name, old.get(name, ""), now.get(name)) for name in changed if now.get(name) != old.get(name, "")]


def _conflict(part: Part, new: Mapping[str, str] | None, now: _Values) -> str:
    if new is None:
        return _UNREPORTED
    return "" if now.get(part.name) == new.get(part.name, "") else "it changed since"


def _named(name: str) -> str:
    known = {_STASH: "the stash", _INDEX: "what is staged"}
    for prefix, kind in (("refs/heads/", "branch "), ("refs/tags/", "tag "), ("refs/", "")):
        if name.startswith(prefix):
            return kind + name.removeprefix(prefix)
    return known.get(name, name)


def _does(part: Part) -> str:
    if not part.to:
        return "remove"
    return "move back" if part.now else "put back"


def _guarding(target: Target) -> bytes:
    """The file whose lock git would take to write this one; the log of a ref goes by the ref's."""
    if DIRECTORY in (target.to.kind, target.expect.kind):
        return b""
    return re.sub(rb"(/\.git/(?:worktrees/[^/]+/)?)logs/", rb"\1", target.path, count=1)


def _task(raw: bytes) -> Task:
    try:
        return msgspec.msgpack.decode(raw, type=Task)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StateError("the plan of an undo is damaged.") from error
