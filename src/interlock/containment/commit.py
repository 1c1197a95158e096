"""Bringing chosen changes of a run into the workspace: all of them, or none, whatever happens meanwhile.

The steps are journalled before anything moves. A kill at any point leaves what `recovery.recover` takes back; a full
disk or a failing one is taken back at once. Where the workspace is not as the change set says, that change is refused,
stays in the upper layer, and the others are committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from interlock.containment import planning, running
from interlock.containment.change import ChangeSet
from interlock.containment.conflicts import conflicts
from interlock.containment.descent import HANDLE, LISTED, Descent
from interlock.containment.desk import choose
from interlock.containment.moves import Conflict
from interlock.containment.planning import Selection
from interlock.containment.returned import returned
from interlock.containment.survey import Secret
from interlock.containment.system import same_mount
from interlock.containment.transaction import Plan
from interlock.containment.unkept import named
from interlock.model.errors import StateError


class NotCommitted(StateError):
    """A commit failed and was taken back: the workspace is as it was, the changes are where they were."""


class Refused(NamedTuple):
    """A change that stays out, and why."""

    path: str
    why: str


class Committed(NamedTuple):
    """What a commit did. `paths` are those of the changes that now stand in the workspace."""

    paths: frozenset[str]
    refused: tuple[Refused, ...]
    folder: Path | None  # of the transaction, for `rewind`; None when nothing was left to commit


def commit(
    folder: Path,
    workspace: str,
    upper: str,
    changes: ChangeSet,
    chosen: Iterable[str] | None = None,
    *,
    secret: Secret | None = None,
) -> Committed:
    """Commit the changes with these paths (default: all that may be) as one transaction in a new folder.

    The folder must not exist, and lies on the file system of the upper layer; when that is the workspace's too, nothing
    is copied. Contents that `secret` (or the listing) says hold secrets are not kept: it cannot be undone. One commit,
    undo or recovery at a time in a workspace is the caller's to see to.

    Raises NotCommitted: nothing was changed. Raises StateError: it failed, and taking it back failed as well;
    `recover(folder)` has to be tried again before anything else is done in the workspace.
    """
    job = _Job(folder, workspace, upper, changes, secret)
    wanted = frozenset(change.path for change in changes) if chosen is None else frozenset(chosen)
    refused: dict[str, str] = {}
    while True:
        selection = planning.select(changes, wanted - refused.keys())
        known = len(refused)
        if not selection.chosen or _attempt(job, selection, refused):
            break
        if len(refused) == known:
            raise NotCommitted("the workspace changes faster than it can be committed to. Nothing was committed.")
    said = tuple(Refused(*row) for row in refused.items())
    return Committed(selection.paths, said, folder if selection.chosen else None)


class _Job(NamedTuple):
    folder: Path
    workspace: str
    upper: str
    changes: ChangeSet
    secret: Secret | None


def _attempt(job: _Job, selection: Selection, refused: dict[str, str]) -> bool:
    """Commit this selection, or say what has to be left out of it."""
    try:
        plan = _plan(job, selection, refused)
        if plan is None:
            return False
        job.folder.mkdir(mode=0o700, parents=True)
        running.first(job.folder, plan)
    except Conflict as conflict:
        refused[conflict.change] = conflict.why
        return False
    except OSError as error:
        raise NotCommitted(f"{error.strerror or error}: nothing was committed, the changes are kept.") from error
    return True


def _plan(job: _Job, selection: Selection, refused: dict[str, str]) -> Plan | None:
    """All steps; None when some of them meet what they cannot go over: these are then among the refused."""
    above = os.open(job.upper, LISTED)
    try:
        steps = planning.steps(selection, above)
        root = os.open(job.workspace, HANDLE)
        try:
            desk = "" if same_mount(above, root) else choose(job.workspace, root)
            with Descent(root) as live:
                known = len(refused)
                for conflict in conflicts(
                    steps, range(len(steps)), live, forward=True, first=returned(job.folder.parent)
                ):
                    refused.setdefault(conflict.change, conflict.why)
                if len(refused) > known:
                    return None
                rows = planning.directories(selection, job.changes, steps, live)
                noted = {change.path for change in job.changes if not change.can_undo}
                unkept = named(steps, live, noted, job.secret)
        finally:
            os.close(root)
    finally:
        os.close(above)
    stage = str(job.folder / "stage")
    loose = [planning.loosened(step) for step in steps]
    return Plan(job.workspace, job.upper, stage, desk, tuple(loose), tuple(rows), unkept)
