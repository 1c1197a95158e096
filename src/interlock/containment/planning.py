"""From chosen changes to the steps that bring them into the workspace. Decides everything, moves nothing.

A new directory whose whole inside was chosen is one step. Where something inside is held, the directory is made empty
and its chosen entries follow one by one. What lies in a new directory that is itself held is held with it, and a
renamed directory goes as a whole or not at all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from interlock.containment import xattrs
from interlock.containment.change import NOTHING, Change, ChangeSet, Facts, Merged, look
from interlock.containment.descent import LISTED, Descent, split
from interlock.containment.moves import Conflict
from interlock.containment.survey import empty, survey
from interlock.containment.transaction import Directory, Look, Step, Verb


class Chosen(NamedTuple):
    """A change that will be committed; `whole`: a directory that moves with all that is inside."""

    change: Change
    whole: bool


class Selection(NamedTuple):
    """What of the chosen can go, and which paths go with it."""

    chosen: list[Chosen]
    paths: frozenset[str]
    broken: frozenset[str]  # directories with something inside that stays


def select(changes: ChangeSet, wanted: frozenset[str]) -> Selection:
    """Leave out what cannot go without what is held."""
    stays = [change.path for change in changes if change.path not in wanted or not change.may_commit]
    staying = set(stays)
    broken = frozenset(_above(stays))
    chosen: list[Chosen] = []
    paths: set[str] = set()
    held, gone = "\0", "\0"  # the directory above: held with all inside, or moved with all inside
    for change in changes:
        path = change.path
        if path.startswith(gone):
            paths.add(path)
            continue
        if path.startswith(held):
            continue
        renamed = change.what == "renamed"
        arrives = change.after.kind == "directory" and (renamed or change.before.kind != "directory")
        if path in staying or (renamed and path in broken):
            held = f"{path}/" if arrives else held
            continue
        whole = arrives and path not in broken
        gone = f"{path}/" if whole and change.after.kind == "directory" else gone
        chosen.append(Chosen(change, whole))
        paths.add(path)
    return Selection(chosen, frozenset(paths), broken)


def _above(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        above = path
        while above:
            above = split(above)[0]
            if above in found:
                break
            found.add(above)
    return found


def steps(selection: Selection, upper: int) -> list[Step]:
    """The steps, parents first, with what is in the upper layer made ready: no setuid, nothing of the overlay's.

    Raises OSError, and Conflict for what cannot be made ready.
    """
    made: list[Step] = []
    with Descent(upper, LISTED) as tree:
        for change, whole in selection.chosen:
            if change.what == "deleted":
                made.append(Step("take", change.path, change.path, change.before, NOTHING))
                continue
            if change.after.kind == "directory" == change.before.kind and change.what != "renamed":
                continue  # its own mode or attributes: a row among the directories
            if change.source and change.before.kind != "none":
                made.append(Step("take", change.source, change.path, change.before, NOTHING))
            directory, name = split(change.path)
            after, empty_one = _ready(change, name, tree.at(directory), whole)
            old = NOTHING if change.what == "renamed" else change.before
            verb: Verb = "put" if old.kind == "none" else "swap"
            made.append(Step(verb, change.path, change.path, old, after, empty_one))
    return made


def _ready(change: Change, name: str, directory: int, whole: bool) -> tuple[Facts, bool]:
    if change.after.kind != "directory":
        return _strip(change.path, name, directory), False
    if not whole:
        return empty(look(name, directory)), True
    root = os.open(name, LISTED, dir_fd=directory)
    try:
        _strip_inside(change.path, root)
    finally:
        os.close(root)
    return survey(directory, name, change.path).facts, False


def _strip_inside(path: str, root: int) -> None:
    if not xattrs.strip(xattrs.place(".", root)):
        raise Conflict(path, path, "its attributes cannot be taken away")
    waiting = [""]
    with Descent(root, LISTED) as tree:
        while waiting:
            inside = waiting.pop()
            fd = tree.at(inside)
            with os.scandir(fd) as listed:
                found = list(listed)
            for entry in found:
                below = f"{inside}/{entry.name}" if inside else entry.name
                _strip(f"{path}/{below}", entry.name, fd)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(below)


def _strip(path: str, name: str, directory: int) -> Facts:
    """Take away what must not arrive in the workspace; what is then there."""
    where = xattrs.place(name, directory)
    if not xattrs.strip(where):
        raise Conflict(path, path, "its attributes cannot be taken away")
    seen = look(name, directory)
    if seen.kind == "file" and seen.mode & 0o6000:
        os.chmod(where, seen.mode & 0o1777)  # the last name is a file of the upper layer, which nothing else can reach
        return msgspec.structs.replace(seen, mode=seen.mode & 0o1777)
    return seen


def directories(selection: Selection, changes: ChangeSet, made: list[Step], live: Descent) -> list[Directory]:
    """The directories that stay, with how they look before and after. Raises OSError, Conflict."""
    rows = list(_moving(made))
    arriving = {row.path for row in rows if row.there == "after"}
    touched = {split(step.path)[0] for step in made} - arriving
    for row in changes.directories:
        own = row.path in selection.paths
        complete = row.path not in selection.broken  # as the command left it
        if row.path in touched:
            touched.discard(row.path)
        elif not own and not (complete and row.before.mtime != row.after.mtime):
            continue
        rows.append(_staying(row, live, own=own, complete=complete))
    for path in touched:
        now = _now(live.at(path))
        rows.append(Directory(path, now, now))
    rows.sort(key=lambda row: row.path.replace("/", "\0"))
    return rows


def _staying(row: Merged, live: Descent, *, own: bool, complete: bool) -> Directory:
    now = _now(live.at(row.path))
    if own and (now.mode, now.xattrs) != (row.before.mode, row.xattrs_before):
        raise Conflict(row.path, row.path, "its mode or attributes were changed meanwhile")
    mode, pairs = (row.after.mode, row.xattrs_after) if own else (now.mode, now.xattrs)
    # Where something else happened in it meanwhile, or something stays out of it, it was changed now.
    mtime = row.after.mtime if complete and now.mtime == row.before.mtime else time.time_ns()
    return Directory(row.path, now, Look(mode, mtime, pairs))


def _moving(made: list[Step]) -> Iterator[Directory]:
    """Directories that come or go, and whose modes change on the way: to be filled, or to be moved at all."""
    for step in made:
        if step.made:
            yield Directory(step.path, _look(step.after), _look(step.after), "after")
        for seen, side in ((step.before, "before"), (step.after, "after")):
            if seen.kind == "directory" and not step.made and needs_loosening(seen):
                yield Directory(step.path, _look(seen), _look(seen), "before" if side == "before" else "after")


def loosened(step: Step) -> Step:
    """The step with the modes that its directories have while they are moved."""
    before, after = (
        msgspec.structs.replace(seen, mode=seen.mode | 0o700)
        if seen.kind == "directory" and needs_loosening(seen)
        else seen
        for seen in (step.before, step.after)
    )
    return (
        step
        if (before, after) == (step.before, step.after)
        else msgspec.structs.replace(step, before=before, after=after)
    )


def needs_loosening(seen: Facts) -> bool:
    """A directory that its owner may not write to cannot be moved to another one, except by root."""
    return seen.mode & 0o700 != 0o700 and os.geteuid() != 0


def _look(seen: Facts) -> Look:
    return Look(seen.mode, seen.mtime)


def _now(fd: int) -> Look:
    seen = os.stat(".", dir_fd=fd)
    return Look(seen.st_mode & 0o7777, seen.st_mtime_ns, xattrs.pairs(xattrs.place(".", fd)))
