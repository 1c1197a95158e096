"""What taking a commit back, or bringing it again, will meet and leave, once the newer steps of a plan are done.

What stands there now says little: the newer steps may put there just what the commit left. So each place is looked at
in the plan's world first, and on the disk only where no newer step reaches. The run looks again before it moves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from interlock.containment.change import Facts
from interlock.containment.point import ABSENT, DIRECTORY, Entry
from interlock.containment.preimage import seen
from interlock.containment.rewind import Only, look_ahead, waiting, wanted
from interlock.containment.transaction import Look, Transaction
from interlock.containment.undo import Turned, World
from interlock.containment.xattrs import Pairs


class Foreseen(NamedTuple):
    """What will be done, by the paths of the changes, and what will not: `conflicts` with the reason."""

    paths: tuple[str, ...]
    conflicts: tuple[tuple[str, str], ...] = ()
    lost: tuple[str, ...] = ()


def foreseen(commit: str, transaction: Transaction, world: World, *, redo: bool, only: Only = None) -> Foreseen:
    """Turn a commit round in the world. Raises StateError, OSError."""
    newer = world.turned.pop(commit, None)
    if newer is not None:
        # A newer step of the same plan turns it the other way: this one takes just that back.
        for was in reversed(newer):
            _again(was, world)
        paths = dict.fromkeys(was.change for was in newer if was.change)
        return Foreseen(tuple(paths) or tuple(dict.fromkeys(row.path or "." for row in transaction.plan.directories)))
    ahead = look_ahead(transaction.folder, redo=redo, only=only)
    conflicts = _conflicts(transaction, dict(ahead.met), frozenset(ahead.lost), world, redo=redo, only=only)
    out = conflicts.keys() | ahead.lost
    numbers = [
        number for number in wanted(transaction, redo=redo, only=only) if _change(transaction, number) not in out
    ]
    looks = waiting(transaction, redo=redo, only=only)
    if numbers or looks:
        world.turned[commit] = list(_moved(transaction, numbers, world, redo=redo, partly=bool(out)))
    paths = dict.fromkeys(_change(transaction, number) for number in numbers)
    if looks:
        paths = dict.fromkeys(row.path or "." for row in transaction.plan.directories)
    return Foreseen(tuple(paths), tuple(conflicts.items()), ahead.lost)


def _change(transaction: Transaction, number: int) -> str:
    return transaction.plan.steps[number].change


def _conflicts(
    transaction: Transaction, now: dict[int, str], lost: frozenset[str], world: World, *, redo: bool, only: Only
) -> dict[str, str]:
    found: dict[str, str] = {}
    for number in wanted(transaction, redo=redo, only=only):
        step = transaction.plan.steps[number]
        if step.change in found or step.change in lost:
            continue
        path = _path(transaction, step.path)
        expected = step.before if redo else step.after
        if world.will(path):
            if not _fits(world.at(path), expected):
                found[step.change] = now.get(number, "something else will stand there")
        elif number in now and not world.stirs(path):
            found[step.change] = now[number]
    return found


def _fits(entry: Entry, expected: Facts) -> bool:
    if expected.kind == "none":
        return entry.kind == ABSENT
    if entry.kind != expected.kind or expected.kind == "directory":
        return entry.kind == expected.kind  # what is in a directory is looked at when it is moved
    if entry.mtime != expected.mtime:
        return False
    if expected.kind == "symlink":
        return os.fsdecode(entry.target) == expected.target
    return (entry.mode, entry.size) == (expected.mode, expected.size)


def _moved(transaction: Transaction, numbers: list[int], world: World, *, redo: bool, partly: bool) -> Iterator[Turned]:
    """Say in the world what the steps will leave; yields what they will have met."""
    plan = transaction.plan
    looks = _looks(transaction, world, redo=redo, partly=partly)
    for number in sorted(numbers, reverse=not redo):
        path = _path(transaction, plan.steps[number].path)
        slot = os.path.join(os.fsencode(plan.stage), b"%d" % number)
        yield Turned(path, world.at(path), world.source(path), plan.steps[number].change)
        world.put(path, seen(slot), source=slot) if os.path.lexists(slot) else world.put(path, Entry())
    for path, look, mtime in looks:
        there = world.at(path)
        if there.kind == DIRECTORY:
            yield Turned(path, there)
            world.dress(path, msgspec.structs.replace(there, mode=look.mode, mtime=mtime, xattrs=_users(look.xattrs)))


def _looks(transaction: Transaction, world: World, *, redo: bool, partly: bool) -> list[tuple[bytes, Look, int]]:
    """Directories that will stand there, with their look: the one that somebody else gave them since is theirs."""
    found = []
    for row in transaction.plan.directories:
        path = _path(transaction, row.path)
        left, look = (row.before, row.after) if redo else (row.after, row.before)
        if row.there == ("after" if redo else "before"):
            found.append((path, look, look.mtime))
        elif row.there == "both":
            now = world.at(path)
            if (now.mode, now.xattrs) == (left.mode, _users(left.xattrs)):
                found.append((path, look, look.mtime if now.mtime == left.mtime and not partly else now.mtime))
    return found


def _again(was: Turned, world: World) -> None:
    if was.change:
        world.put(was.path, was.entry, was.source)
    else:
        world.dress(was.path, was.entry)


def _users(pairs: Pairs) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((os.fsencode(name), bytes.fromhex(value)) for name, value in pairs if name.startswith("user."))


def _path(transaction: Transaction, path: str) -> bytes:
    return os.path.join(os.fsencode(transaction.plan.workspace), os.fsencode(path)).rstrip(b"/")
