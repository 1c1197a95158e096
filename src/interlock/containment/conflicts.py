"""Where the workspace is not as a run through a transaction's steps expects, found before anything moves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from interlock.containment.change import NOTHING, Facts, look
from interlock.containment.descent import LISTED, NOT_THERE, Descent, split
from interlock.containment.moves import Conflict, whole
from interlock.containment.returned import Returned, is_back
from interlock.containment.transaction import Step


def conflicts(
    steps: Sequence[Step], numbers: Iterable[int], live: Descent, *, forward: bool, first: Returned | None = None
) -> Iterator[Conflict]:
    """Each step that would meet something else than it expects. `first`: against the listing, by inode and ctime.

    Raises OSError.
    """
    order = sorted(numbers, reverse=not forward)
    moving = {steps[number].path for number in order}
    arriving = {steps[number].path for number in order if steps[number].made} if forward else set()
    for number in order:
        step = steps[number]
        directory, name = split(step.path)
        if directory in arriving:
            continue  # it is made by an earlier step; if something is in its way, that is where it shows
        expected = step.before if forward else step.after
        try:
            parent = live.at(directory)
            why = _why(step, name, parent, expected, moving, first=first)
        except OSError as error:
            if error.errno not in NOT_THERE:
                raise
            why = f"its directory cannot be used ({error.strerror})"
        if why:
            conflict = Conflict(step.path, step.change, why)
            conflict.number = number
            yield conflict


def _why(step: Step, name: str, parent: int, expected: Facts, moving: set[str], *, first: Returned | None) -> str:
    if step.made and expected is step.after:
        return _not_emptied(step, name, parent, moving)
    if first is not None:
        found = look(name, parent)
        same = found.is_inode(expected) and found.mode == expected.mode and found.kind == expected.kind
        if found.kind != "directory":  # a directory is surveyed when it has been taken out
            same = same and found.same(expected) and (found.ctime == expected.ctime or is_back(step.path, found, first))
    else:
        found = whole(name, parent, expected)
        same = found.same(expected)
    if same:
        return ""
    if found is NOTHING:
        return "it is no longer there"
    return "something else stands there now" if expected.kind == "none" else "it was changed meanwhile"


def _not_emptied(step: Step, name: str, parent: int, moving: set[str]) -> str:
    """Whether a directory that was made for a transaction holds something that does not go with it."""
    try:
        fd = os.open(name, LISTED, dir_fd=parent)
    except FileNotFoundError:
        return "it is no longer there"
    except NotADirectoryError:
        return "something else stands there now"
    try:
        with os.scandir(fd) as listed:
            others = [entry.name for entry in listed if f"{step.path}/{entry.name}" not in moving]
    finally:
        os.close(fd)
    return "something else was put into it" if others else ""
