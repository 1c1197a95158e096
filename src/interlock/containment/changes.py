"""What a run changed: its upper layer, or its copy of the workspace, against the workspace as it is now.

The cost is that of what changed, not of the tree: only directories that the upper layer holds are looked into. Both
sides are walked through descriptors, no link is followed, and nothing that is read here is trusted to be there later:
the commit looks again.

There is no record of the tree from before the run. That an original changed meanwhile shows in its ctime, which no
program can set: younger than the start of the run means a conflict.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from interlock.containment import xattrs
from interlock.containment.change import (
    CAPABILITY,
    CONFLICT,
    LINKED,
    MOUNT,
    NOTHING,
    SECRET,
    SETUID,
    SPECIAL,
    UNREADABLE,
    Change,
    ChangeSet,
    Facts,
    Merged,
    What,
    facts,
)
from interlock.containment.descent import LISTED, Descent
from interlock.containment.differences import Entry, difference, is_whiteout
from interlock.containment.renames import with_renames
from interlock.containment.returned import Returned, is_back
from interlock.containment.survey import Secret, survey

Baseline = Mapping[str, tuple[int, int]]  # path -> inode and ctime of the copy when it was made


class _Way(Enum):
    """How the entries of an upper directory relate to the live one."""

    OVER = "what is not in the upper layer is as it was"
    INSTEAD = "what is not in the upper layer is gone"
    NEW = "there is no live directory"


def overlay(
    upper: int, workspace: int, *, began: int, secret: Secret | None = None, back: Returned | None = None
) -> ChangeSet:
    """The changes that an overlay's upper layer (an open directory, no longer mounted) makes to a workspace.

    `began` is what `start` gave before the run; `back` is what `returned` says of the run's folder. Raises OSError when
    one of the roots cannot be read.
    """
    listing = _Listing(upper, workspace, began, secret, None, back or {})
    return listing.all(_Way.OVER)


def copied(
    copy: int,
    workspace: int,
    baseline: Baseline,
    *,
    began: int,
    secret: Secret | None = None,
    back: Returned | None = None,
) -> ChangeSet:
    """The same for a run on a copy of the workspace, by the record that `baseline` made of it before the run."""
    listing = _Listing(copy, workspace, began, secret, baseline, back or {})
    return listing.all(_Way.INSTEAD)


def baseline(copy: int) -> dict[str, tuple[int, int]]:
    """The record of a fresh copy."""
    own = os.fstat(copy)
    found = {"": (own.st_ino, own.st_ctime_ns)}
    waiting = [""]
    with Descent(copy, LISTED) as tree:
        while waiting:
            inside = waiting.pop()
            with os.scandir(tree.at(inside)) as listed:
                for entry in listed:
                    path = f"{inside}/{entry.name}" if inside else entry.name
                    seen = entry.stat(follow_symlinks=False)
                    found[path] = (seen.st_ino, seen.st_ctime_ns)
                    if stat.S_ISDIR(seen.st_mode):
                        waiting.append(path)
    return found


def start(folder: str | os.PathLike[str]) -> int:
    """The moment a run begins, by the clock that stamps files: the ctime of a file made for it in the run's folder."""
    fd = os.open(os.path.join(folder, "began"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        return os.fstat(fd).st_ctime_ns
    finally:
        os.close(fd)


class _Listing:
    """One walk through both sides."""

    def __init__(
        self, upper: int, live: int, began: int, secret: Secret | None, known: Baseline | None, back: Returned
    ) -> None:
        self._back = back
        self._uppers = Descent(upper, LISTED)
        self._lives = Descent(live, LISTED)
        self._began = began
        self._secret = secret
        self._known = known
        self._changes: list[Change] = []
        self._merged: list[Merged] = []
        self._waiting: list[tuple[str, _Way]] = []

    def all(self, way: _Way) -> ChangeSet:
        self._waiting.append(("", way))
        with self._uppers, self._lives:
            while self._waiting:
                path, way = self._waiting.pop()
                self._directory(path, way)
            self._changes.sort(key=lambda change: change.path.replace("/", "\0"))  # parents first, trees together
            self._merged.sort(key=lambda merged: merged.path.replace("/", "\0"))
            changes = with_renames(self._changes, self._uppers)
        return ChangeSet(tuple(changes), tuple(self._merged))

    def _directory(self, path: str, way: _Way) -> None:
        try:
            upper = self._uppers.at(path)
            live = self._lives.at(path) if way is not _Way.NEW else -1
        except PermissionError:
            self._changes.append(Change(path, "changed", notes=(UNREADABLE,)))
            return
        hidden = False
        if self._known is None:
            mark = xattrs.value(upper, xattrs.OPAQUE)
            hidden = mark == b"x"  # whiteouts may be empty files with an attribute here
            if mark == b"y" and way is _Way.OVER:
                way = _Way.INSTEAD
        if way is not _Way.NEW:
            self._both(path, upper, live)
        with os.scandir(upper) as listed:
            found = list(listed)
        prefix = f"{path}/" if path else ""
        for entry in found:
            name = entry.name
            new = entry.stat(follow_symlinks=False)
            old = _stat(name, live) if live >= 0 else None
            self._entry(Entry(name, prefix + name, upper, live, new, old), way, hidden)
        if way is _Way.INSTEAD:
            self._missing(prefix, live, {entry.name for entry in found})

    def _both(self, path: str, upper: int, live: int) -> None:
        old, new = facts(os.fstat(live)), facts(os.fstat(upper))
        before, after = xattrs.pairs(live), xattrs.pairs(upper)
        if self._known is not None and self._known.get(path) == (new.inode, new.ctime):
            new, after = old, before  # the copy's own directory was not touched
        self._merged.append(Merged(path, old, new, before, after))
        if old.mode != new.mode:
            self._changes.append(Change(path, "mode", old, new))
        elif before != after:
            self._changes.append(Change(path, "xattr", old, new))

    def _entry(self, entry: Entry, way: _Way, hidden: bool) -> None:
        new, old = entry.new, entry.old
        if self._known is None and is_whiteout(entry, hidden):
            if old is not None:
                self._deleted(entry.name, entry.path, entry.live, old)
            return
        kind = stat.S_IFMT(new.st_mode)
        if kind == stat.S_IFDIR:
            if old is not None and stat.S_ISDIR(old.st_mode):
                self._waiting.append((entry.path, way))
                return
            self._waiting.append((entry.path, _Way.NEW))
        if self._known is not None and self._untouched(entry.path, new, kind == stat.S_IFDIR and old is None):
            return
        if old is None:
            self._add(entry, "created", _NO_WHOLE)
        elif stat.S_IFMT(old.st_mode) != kind:
            self._add(entry, "replaced", self._whole(entry.name, entry.path, entry.live, old))
        elif (what := difference(entry, old)) is not None:
            self._add(entry, what, _Whole(_facts(old, entry.name, entry.live), old.st_ctime_ns, ()))

    def _untouched(self, path: str, new: os.stat_result, directory: bool) -> bool:
        """Whether the copy still holds what was copied; of a directory, whether it is the one that was copied.

        Of a directory that stands where the workspace has something else, the time counts too: it may be a new one that
        got the number of a file that was removed.
        """
        inode, ctime = self._known.get(path, (0, 0)) if self._known is not None else (0, 0)
        return inode == new.st_ino and (directory or ctime == new.st_ctime_ns)

    def _add(self, entry: Entry, what: What, before: _Whole) -> None:
        after = _facts(entry.new, entry.name, entry.upper)
        notes = self._notes(entry.path, before)
        if after.kind == "other":
            notes += (SPECIAL,)
        elif after.kind == "file":
            if after.mode & 0o6000:
                notes += (SETUID,)
            if after.mode & 0o111 and xattrs.CAPABILITY in xattrs.names(xattrs.place(entry.name, entry.upper)):
                notes += (CAPABILITY,)
        if self._known is not None and what == "created" and entry.path in self._known:
            notes += (CONFLICT,)  # it was there when the copy was made
        self._changes.append(Change(entry.path, what, before.facts, after, notes=notes))

    def _missing(self, prefix: str, live: int, there: set[str]) -> None:
        """Names of a live directory that the one instead of it does not have."""
        with os.scandir(live) as listed:
            gone = [entry for entry in listed if entry.name not in there]
        for entry in gone:
            if self._known is None or prefix + entry.name in self._known:
                self._deleted(entry.name, prefix + entry.name, live, entry.stat(follow_symlinks=False))

    def _deleted(self, name: str, path: str, live: int, old: os.stat_result) -> None:
        before = self._whole(name, path, live, old)
        self._changes.append(Change(path, "deleted", before.facts, notes=self._notes(path, before)))

    def _whole(self, name: str, path: str, live: int, old: os.stat_result) -> _Whole:
        """What is replaced or deleted; a directory with all that is inside."""
        if not stat.S_ISDIR(old.st_mode):
            return _Whole(_facts(old, name, live), old.st_ctime_ns, ())
        try:
            seen = survey(live, name, path, self._secret)
        except PermissionError:
            return _Whole(facts(old), old.st_ctime_ns, (UNREADABLE,))
        notes = ((MOUNT,) if seen.mounted else ()) + ((SECRET,) if seen.secrets else ())
        return _Whole(seen.facts, seen.newest, notes)

    def _notes(self, path: str, before: _Whole) -> tuple[str, ...]:
        notes = before.notes
        if before is _NO_WHOLE:
            return notes
        if before.newest > self._began:
            own = before.newest == before.facts.ctime and is_back(path, before.facts, self._back)
            notes += () if own else (CONFLICT,)
        kind = before.facts.kind
        if kind == "file" and before.facts.links > 1:
            notes += (LINKED,)
        if kind in ("file", "symlink") and self._secret is not None and self._secret(path):
            notes += (SECRET,)
        return notes


class _Whole(NamedTuple):
    """What stood in a place before, how young the youngest of it is, and what is to be noted."""

    facts: Facts
    newest: int
    notes: tuple[str, ...]


_NO_WHOLE = _Whole(NOTHING, 0, ())


def _stat(name: str, directory: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _facts(seen: os.stat_result, name: str, directory: int) -> Facts:
    return facts(seen, os.readlink(name, dir_fd=directory) if stat.S_ISLNK(seen.st_mode) else "")
