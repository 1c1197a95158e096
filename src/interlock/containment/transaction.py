"""One transaction on a workspace: what it moves, and where in it we are.

A transaction is a list of steps between the workspace and its own `stage`, a directory of numbered slots on the same
file system. Each step moves whole objects, so what a slot holds tells, after any crash, whether the step was done:

- `put`   the slot's object goes to its place in the workspace, which is free;
- `take`  what stands in the place goes to the slot;
- `swap`  both trade places, in one system call.

The stage is filled from the upper layer before the first run (the slots of `put` and `swap`).

Undoing is the same list backwards, redoing is it forwards again: nothing is copied, and an object that comes back is
the very one that was there, with its times, modes, attributes and hard links.

Journal: `plan`, then for every run through the steps `begin` (direction, which steps; the stage is full) and `end`.
What began and did not end is taken back to where it began.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from interlock.containment.change import Facts
from interlock.containment.journal import Journal, Record, read
from interlock.containment.xattrs import Pairs
from interlock.model.errors import InternalError, StateError

VERSION = 1
Verb = Literal["put", "take", "swap"]


class Step(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One move. `change` is the path of the change that it belongs to; `made`: an empty directory made for it."""

    verb: Verb
    path: str
    change: str
    before: Facts
    after: Facts
    made: bool = False


class Look(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a directory that stays shows of itself."""

    mode: int
    mtime: int
    xattrs: Pairs = ()


class Directory(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A directory of the workspace whose entries are moved, or whose own mode or attributes change.

    `there`: whether it stands in the workspace on both sides, or comes or goes with a step.
    """

    path: str
    before: Look
    after: Look
    there: Literal["both", "before", "after"] = "both"


class Plan(msgspec.Struct, frozen=True):
    """All of it, decided before anything moves."""

    workspace: str
    upper: str
    stage: str
    desk: str  # where the steps are run through instead, when the stage lies on another file system; mostly ""
    steps: tuple[Step, ...]
    directories: tuple[Directory, ...]
    secrets: tuple[tuple[int, str], ...] = ()  # step, and path inside of its slot ("": all of it): not to be kept


class Begun(NamedTuple):
    """A run through the steps that has begun and not ended."""

    forward: bool
    steps: list[int]
    leave: dict[int, int]  # directories somebody else changed: the time they show, or -1 to let them be altogether


class Transaction:
    """The state of one transaction, as its journal tells it."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self.applied = [False] * len(plan.steps)
        self.slots = [step.after.inode if step.verb == "swap" else 0 for step in plan.steps]
        self.lost: set[int] = set()  # slots whose object was not kept
        self.begun: Begun | None = None
        self.ended = False  # at least once: it was committed
        self.stands = False  # which way the last run went

    def record(self, journal: Journal, record: Record) -> None:
        """Write a record, durable, then advance by it.

        Raises OSError: it is as if it had not been tried. Raises StateError when even that cannot be made sure of.
        """
        size = journal.size
        try:
            journal.append(record)
            journal.sync()
        except OSError:
            try:
                journal.cut(size)
            except OSError as error:
                raise StateError("the disk fails in the middle of a transaction. Run `interlock doctor`.") from error
            raise
        self.take_in(record)

    @property
    def committed(self) -> bool:
        """Whether anything of it stands in the workspace."""
        return self.ended and (self.stands or any(self.applied))

    @property
    def running(self) -> Begun:
        """The run that has begun and not ended. Raises InternalError when there is none."""
        if self.begun is None:
            raise InternalError("no run through this transaction has begun")
        return self.begun

    def take_in(self, record: Record) -> None:
        """Advance by one record. Raises StateError for one that makes no sense here."""
        match record:
            case ["begin", bool(forward), list(steps), list(leave), list(slots)]:
                self.begun = Begun(forward, steps, dict(leave))
                self.slots = slots
            case ["end", bool(forward), list(slots), list(stuck)] if self.begun is not None:
                for number in self.begun.steps:
                    self.applied[number] = forward is (number not in stuck)
                self.slots = slots
                self.begun, self.ended, self.stands = None, True, forward
            case ["lost", list(numbers)]:
                self.lost.update(numbers)
            case _:
                raise StateError(f"the journal of {self.folder.name} holds a record that makes no sense there.")


def create(folder: Path, plan: Plan) -> tuple[Transaction, Journal]:
    """Write the plan, durable. Nothing has moved yet. Raises OSError."""
    journal = Journal(folder / "journal", new=True)
    try:
        journal.append(["plan", VERSION, msgspec.to_builtins(plan)])
        journal.sync()
    except BaseException:
        journal.close()
        raise
    return Transaction(folder, plan), journal


def load(folder: str | os.PathLike[str]) -> Transaction | None:
    """The transaction in a folder; None when there is none, or a kill came before its plan was whole.

    Raises StateError.
    """
    folder = Path(folder)
    try:
        records = read(folder / "journal")
    except FileNotFoundError:
        return None
    if not records:
        return None
    transaction = Transaction(folder, _plan(records[0]))
    for record in records[1:]:
        transaction.take_in(record)
    return transaction


def _plan(record: list[Any]) -> Plan:
    match record:
        case ["plan", 1, dict(plan)]:
            return msgspec.convert(plan, Plan)
        case _:
            raise StateError("this journal was written by another version of Interlock.")
