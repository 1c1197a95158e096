"""Running through the steps of a transaction, forwards or back. Commit, undo, redo and recovery are all this.

Whatever comes out of the workspace is looked at after it came out: if it is not what the plan expected (somebody wrote
in between), it goes back at once and the run is a `Conflict`. So no race can make us overwrite or lose anything.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from types import TracebackType

from interlock.containment import xattrs
from interlock.containment.change import NOTHING, Facts, look, shown
from interlock.containment.descent import HANDLE, NOT_THERE, Descent, split
from interlock.containment.survey import survey
from interlock.containment.system import exchange, move
from interlock.containment.transaction import Begun, Directory, Look, Plan, Step, Transaction
from interlock.model.errors import StateError


class Conflict(StateError):
    """The workspace is not as expected in one place. Callers of this room get it as `NotCommitted` or `NotRewound`."""

    def __init__(self, path: str, change: str, why: str) -> None:
        super().__init__(f"{shown(path)}: {why}")
        self.path = path
        self.change = change
        self.number = -1  # of the step
        self.why = why


class Places:
    """The open directories that a run works between: the workspace and the stage."""

    def __init__(self, plan: Plan) -> None:
        """Raises OSError, FileNotFoundError when the workspace or the stage is gone."""
        self.plan = plan
        self._root = os.open(plan.workspace, HANDLE)
        try:
            self.stage = os.open(plan.desk or plan.stage, HANDLE)
        except BaseException:
            os.close(self._root)
            raise
        self.live = Descent(self._root)

    def __enter__(self) -> Places:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.live.close()
        os.close(self.stage)
        os.close(self._root)

    def parent(self, step: Step) -> tuple[int, str]:
        """The directory and the name of a step's place. Raises Conflict."""
        directory, name = split(step.path)
        try:
            return self.live.at(directory), name
        except OSError as error:
            if error.errno not in NOT_THERE:
                raise
            raise Conflict(step.path, step.change, f"its directory cannot be used ({error.strerror})") from error

    def slot(self, number: int) -> Facts:
        """What a slot holds."""
        return look(str(number), self.stage)


def is_applied(transaction: Transaction, number: int, places: Places) -> bool:
    """Whether a step's object stands in the workspace, by what its slot holds. The stage has to be filled."""
    step = transaction.plan.steps[number]
    held = places.slot(number)
    if step.verb == "swap":
        return transaction.applied[number] is (held.inode == transaction.slots[number])
    return (held is NOTHING) is (step.verb == "put")


def perform(
    transaction: Transaction, places: Places, begun: Begun, *, forward: bool, stuck: list[Conflict] | None = None
) -> list[int]:
    """Bring the steps of a run to one side, and the directories around them; returns the inodes that the slots hold.

    Towards where the run was going nothing has been done yet; on the way back each step is looked at first, because
    nobody knows how far it came.

    Raises OSError, and Conflict unless they are to be collected: then what is in conflict stays as it is.
    """
    leave = begun.leave
    slots = list(transaction.slots)
    loosen(transaction, places, leave, forward=forward)
    for number in sorted(begun.steps, reverse=not forward):
        try:
            if forward is begun.forward or is_applied(transaction, number, places) is not forward:
                _move(transaction.plan.steps[number], number, places, forward=forward)
            slots[number] = _check(transaction.plan.steps[number], number, places, forward=forward)
        except Conflict as conflict:
            if stuck is None:
                raise
            conflict.number = number
            stuck.append(conflict)
    for number, row in reversed(_rows(transaction, leave, there="after" if forward else "before")):
        wanted = row.after if forward else row.before
        mtime = wanted.mtime if number not in leave else None if forward is begun.forward else leave[number]
        try:
            _show(_directory(places, row), wanted, mtime)
        except Conflict:
            if stuck is None:
                raise
    return slots


def _move(step: Step, number: int, places: Places, *, forward: bool) -> None:
    directory, name = places.parent(step)
    slot = str(number)
    try:
        if step.verb == "swap":
            exchange(slot, places.stage, name, directory)
        elif forward is (step.verb == "put"):
            move(slot, places.stage, name, directory)
        else:
            move(name, directory, slot, places.stage)
    except FileExistsError as error:
        raise Conflict(step.path, step.change, "something else stands there now") from error
    except FileNotFoundError as error:
        raise Conflict(step.path, step.change, "it is no longer there") from error
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # A mount inside of the workspace, or a directory of an overlay's lower layer (a workspace inside a container).
        raise Conflict(step.path, step.change, "it cannot be moved on its file system") from error


def _check(step: Step, number: int, places: Places, *, forward: bool) -> int:
    """Look at what came out of the workspace; returns its inode, 0 for nothing."""
    if step.verb != "swap" and forward is (step.verb == "put"):
        return 0
    expected = step.before if forward else step.after
    found = whole(str(number), places.stage, expected)
    # A directory made for the transaction must be empty again; its mode may have been loosened meanwhile.
    fine = found.digest == expected.digest if step.made and not forward else found.same(expected)
    if not fine:
        _move(step, number, places, forward=not forward)
        raise Conflict(step.path, step.change, "it was changed meanwhile")
    return found.inode


def whole(name: str, directory: int, expected: Facts) -> Facts:
    """What stands in a place; surveyed when it is a directory and one is expected. Raises OSError."""
    seen = look(name, directory)
    if seen.kind == "directory" == expected.kind:
        return survey(directory, name, name).facts
    return seen


def loosen(transaction: Transaction, places: Places, leave: Mapping[int, int], *, forward: bool) -> None:
    """Give ourselves the rights to move entries; `perform` takes them back at its end. Raises OSError, Conflict."""
    if os.geteuid() == 0:
        return
    for _, row in _rows(transaction, leave, there="before" if forward else "after"):
        fd = _directory(places, row)
        mode = os.stat(".", dir_fd=fd).st_mode & 0o7777
        if mode & 0o700 != 0o700:
            os.chmod(".", mode | 0o700, dir_fd=fd)


def _rows(transaction: Transaction, leave: Mapping[int, int], *, there: str) -> list[tuple[int, Directory]]:
    """The directories that stand in the workspace on one side and are ours to touch, outermost first."""
    rows = enumerate(transaction.plan.directories)
    return [(number, row) for number, row in rows if row.there in ("both", there) and leave.get(number, 0) >= 0]


def _show(fd: int, wanted: Look, mtime: int | None) -> None:
    here = xattrs.place(".", fd)
    if xattrs.pairs(here) != wanted.xattrs:
        xattrs.apply(here, wanted.xattrs)
    seen = os.stat(".", dir_fd=fd)
    if mtime is not None and seen.st_mtime_ns != mtime:
        os.utime(".", ns=(seen.st_atime_ns, mtime), dir_fd=fd)
    if seen.st_mode & 0o7777 != wanted.mode:
        os.chmod(".", wanted.mode, dir_fd=fd)


def _directory(places: Places, row: Directory) -> int:
    try:
        return places.live.at(row.path)
    except OSError as error:
        if error.errno not in NOT_THERE:
            raise
        raise Conflict(row.path, row.path, f"it cannot be used ({error.strerror})") from error
