"""The restorer of git restore points: refs, HEAD, stash and index. Files are a pre-image's, of the same name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence

import msgspec

from interlock.containment import repository
from interlock.containment.gitpoint import KIND, GitPoints
from interlock.containment.preimage import Limits
from interlock.containment.repository import Call, Repository, Snapshot
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


class GitUndo:
    """Implements `undo.Restorer`."""

    kind = KIND

    def __init__(self, call: Call, shelf: Shelf, points: GitPoints) -> None:
        self._call = call
        self._shelf = shelf
        self._points = points

    def plan(self, deed: Deed, name: str, world: World, *, force: bool) -> Step:
        """See `undo.Restorer`."""
        was = self._points.moment(name, "git")
        left = self._points.moment(name, "git-after") if self._shelf.has(name, "git-after") else None
        changes: list[Change] = []
        problems: list[Problem] = []
        works = []
        for number, old in enumerate(was.found):
            new = None if left is None else _values(left.found[number])
            live = _values(repository.snapshot(self._call, old.where))
            # A newer step puts git's own files back (a contained command committed them): what it will leave shows only
            # then. The plan goes by what this action left, and `run` looks again before it touches anything.
            ours = {os.fsencode(folder) for folder in (old.where.folder, old.where.common)}
            unseen = new is not None and any(world.rewrites(folder, _FILES) for folder in ours)
            now = _Values(world, old.where, new if unseen and new is not None else live)
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
        return Step(deed.entry, Ref(KIND, name), tuple(changes), tuple(problems), msgspec.msgpack.encode(works))

    def guard(self, works: Sequence[bytes], name: str) -> bool:
        """See `undo.Restorer`."""
        where = {work.where.top: work.where for raw in works for work in _works(raw)}
        if where:
            self._points.note(name, list(where.values()))
        return bool(where)

    def run(self, work: bytes, *, again: bool = False) -> tuple[Problem, ...]:
        """See `undo.Restorer`."""
        problems: list[Problem] = []
        for one in _works(work):
            self._run(one, problems, again=again)
        return tuple(problems)

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


def _works(raw: bytes) -> list[Work]:
    try:
        return msgspec.msgpack.decode(raw, type=list[Work])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StateError("the plan of an undo is damaged.") from error
