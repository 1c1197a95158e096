"""A deletion and a creation that are one rename.

An overlay does not say that something was renamed: it copies, and covers the old name. A file is taken for renamed when
exactly one deleted and exactly one created file have its size and its time to the nanosecond, which a rename keeps; a
directory when everything inside has.
"""

from __future__ import annotations

import os
from collections import Counter

import msgspec

from interlock.containment.change import NOTHING, Change, Facts
from interlock.containment.descent import Descent, split
from interlock.containment.survey import survey


def with_renames(changes: list[Change], uppers: Descent) -> list[Change]:
    """The changes with each such pair made one, in the same order. The deletion's notes go with it."""
    deleted = [change for change in changes if change.what == "deleted"]
    if not deleted:
        return changes
    sources = _directories(changes, deleted, uppers)
    sources.update(_files(changes, deleted, tuple(f"{path}/" for path in sources)))
    if not sources:
        return changes
    gone = {source.path for source in sources.values()}
    return [_renamed(change, sources) for change in changes if change.what != "deleted" or change.path not in gone]


def _files(changes: list[Change], deleted: list[Change], covered: tuple[str, ...]) -> dict[str, Change]:
    """New path -> the deletion that it came from."""
    old = [change for change in deleted if change.before.kind == "file" and change.before.size]
    new = [c for c in changes if c.what == "created" and c.after.kind == "file" and not c.path.startswith(covered)]
    return _pairs(old, new, {change.path: change.after for change in new})


def _directories(changes: list[Change], deleted: list[Change], uppers: Descent) -> dict[str, Change]:
    old = [change for change in deleted if change.before.entries]
    if not old:
        return {}
    made = {change.path for change in changes if change.what == "created" and change.after.kind == "directory"}
    tops = [change for change in changes if change.path in made and split(change.path)[0] not in made]
    seen: dict[str, Facts] = {}
    for change in tops:
        directory, name = split(change.path)
        try:
            seen[change.path] = survey(uppers.at(directory), name, change.path).facts
        except OSError:
            continue  # it stays a creation
    return _pairs(old, [change for change in tops if change.path in seen], seen)


def _pairs(old: list[Change], new: list[Change], after: dict[str, Facts]) -> dict[str, Change]:
    once = Counter(_mark(change.before) for change in old)
    arrived = Counter(_mark(after[change.path]) for change in new)
    origins = {_mark(change.before): change for change in old}
    found = {}
    for change in new:
        mark = _mark(after[change.path])
        if once[mark] == 1 and arrived[mark] == 1:
            found[change.path] = origins[mark]
    return found


def _mark(seen: Facts) -> tuple[object, ...]:
    return (seen.size, seen.digest, seen.entries) if seen.kind == "directory" else (seen.size, seen.mtime)


def _renamed(change: Change, sources: dict[str, Change]) -> Change:
    source = sources.get(change.path)
    if source is not None:
        notes = tuple(dict.fromkeys((*change.notes, *source.notes)))
        return msgspec.structs.replace(change, what="renamed", before=source.before, source=source.path, notes=notes)
    top = _top(change.path, sources)
    if change.what == "created" and top:
        origin = f"{sources[top].path}{change.path[len(top) :]}"
        return msgspec.structs.replace(change, what="renamed", before=NOTHING, source=origin)
    return change


def _top(path: str, sources: dict[str, Change]) -> str:
    while path := os.path.dirname(path):
        if path in sources:
            return path
    return ""
