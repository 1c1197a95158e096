"""Taking one committed transaction back, and bringing it again: undo, and the undo of an undo.

`look_ahead` says what would happen and where somebody changed something since; `rewind` does it. What is in conflict is
never touched: either nothing is done, or the rest of it (`around=True`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from interlock.containment import desk, running, xattrs
from interlock.containment.conflicts import conflicts
from interlock.containment.descent import HANDLE, NOT_THERE, Descent
from interlock.containment.journal import Journal
from interlock.containment.lasting import lasts
from interlock.containment.moves import Conflict, Places
from interlock.containment.transaction import Look, Transaction, load
from interlock.model.errors import StateError

Only = frozenset[int] | None  # the steps that may be turned; None: all


class NotRewound(StateError):
    """An undo failed and was taken back: the workspace is as it was before it."""


class Ahead(NamedTuple):
    """What an undo (or redo) would do. Paths are those of the changes, as they were committed."""

    paths: tuple[str, ...]
    conflicts: tuple[tuple[str, str], ...]  # path, why
    lost: tuple[str, ...]  # changes whose other side was not kept (secrets) or was pruned
    steps: tuple[int, ...] = ()
    leave: tuple[tuple[int, int], ...] = ()
    met: tuple[tuple[int, str], ...] = ()  # the conflicts by step

    @property
    def clean(self) -> bool:
        """Whether all of it can be done."""
        return not self.conflicts and not self.lost


def look_ahead(folder: Path, *, redo: bool = False, only: Only = None) -> Ahead:
    """The plan of an undo; changes nothing. Raises StateError, OSError."""
    transaction = _load(folder)
    root = os.open(transaction.plan.workspace, HANDLE)
    try:
        with Descent(root) as live:
            return _ahead(transaction, live, redo=redo, only=only)
    finally:
        os.close(root)


def wanted(transaction: Transaction, *, redo: bool, only: Only = None) -> list[int]:
    """The steps that an undo (or redo) is about: those that are on the other side, and that may leave it."""
    return [
        number
        for number, (step, applied) in enumerate(zip(transaction.plan.steps, transaction.applied, strict=True))
        if applied is not redo and (only is None or number in only) and not lasts(step, redo=redo)
    ]


def rewind(folder: Path, *, redo: bool = False, around: bool = False, only: Only = None) -> Ahead:
    """Undo a committed transaction, or what of it stands (`redo`: bring it again). Returns what was done.

    `only`: nothing but these steps. `around`: leave out what is in conflict or lost; without it, any of these and
    nothing is done: `NotRewound`.
    Raises NotRewound: nothing was changed. Raises StateError: taking it back failed too, `recover` has to be tried.
    """
    transaction = _load(folder)
    try:
        ahead = look_ahead(folder, redo=redo, only=only)
        if not (ahead.clean or around):
            path, why = (*ahead.conflicts, *((path, "its content was not kept") for path in ahead.lost))[0]
            raise NotRewound(f"{path}: {why}. Nothing was undone; `--around` leaves such changes out.")
        if not ahead.steps and not waiting(transaction, redo=redo, only=only):
            return ahead
        with Journal(folder / "journal") as journal:
            desk.lay_out(transaction.plan)
            try:
                with Places(transaction.plan) as places:
                    running.again(transaction, journal, places, list(ahead.steps), dict(ahead.leave), forward=redo)
            except (Conflict, OSError):
                running.after(transaction, journal)
                raise
            running.after(transaction, journal)
    except (Conflict, OSError) as error:
        raise NotRewound(f"{error}: nothing was undone.") from error
    return ahead


def waiting(transaction: Transaction, *, redo: bool, only: Only = None) -> bool:
    """Whether a transaction without steps (only looks of directories) is on the other side."""
    return not transaction.plan.steps and transaction.stands is not redo and only is None


def _load(folder: Path) -> Transaction:
    transaction = load(folder)
    if transaction is None or not transaction.ended:
        raise StateError(f"nothing was committed in {folder.name}, so nothing can be undone.")
    if transaction.begun is not None:
        raise StateError(f"{folder.name} was interrupted; it has to be recovered first.")
    return transaction


def _ahead(transaction: Transaction, live: Descent, *, redo: bool, only: Only) -> Ahead:
    steps = transaction.plan.steps
    meant = wanted(transaction, redo=redo, only=only)
    lost = {steps[n].change for n in meant if n in transaction.lost and not (redo is False and steps[n].verb == "put")}
    trouble: dict[str, str] = {}
    met: list[tuple[int, str]] = []
    while True:
        left_out = lost | trouble.keys()
        numbers = [number for number in meant if steps[number].change not in left_out]
        found = [c for c in conflicts(steps, numbers, live, forward=redo) if c.change not in trouble]
        if not found:
            break
        trouble.update((conflict.change, conflict.why) for conflict in found)
        met += [(conflict.number, conflict.why) for conflict in found]
    paths = tuple(dict.fromkeys(steps[number].change for number in numbers))
    leave = _leave(transaction, live, redo=redo, partly=bool(left_out))
    return Ahead(paths, tuple(trouble.items()), tuple(sorted(lost)), tuple(numbers), tuple(leave.items()), tuple(met))


def _leave(transaction: Transaction, live: Descent, *, redo: bool, partly: bool) -> dict[int, int]:
    """Directories that somebody else touched since: their time is theirs now, and a mode that they set stays."""
    found: dict[int, int] = {}
    for number, row in enumerate(transaction.plan.directories):
        if row.there == ("after" if redo else "before"):
            continue
        try:
            fd = live.at(row.path)
        except OSError as error:
            if error.errno not in NOT_THERE:
                raise
            found[number] = -1
            continue
        seen = os.stat(".", dir_fd=fd)
        now = Look(seen.st_mode & 0o7777, seen.st_mtime_ns, xattrs.pairs(xattrs.place(".", fd)))
        left = row.before if redo else row.after
        if (now.mode, now.xattrs) != (left.mode, left.xattrs):
            found[number] = -1
        elif now.mtime != left.mtime or partly:
            found[number] = now.mtime
    return found
