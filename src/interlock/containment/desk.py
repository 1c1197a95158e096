"""Where a transaction works when its folder lies on another file system than the workspace: a copy of its stage.

The `desk` is a hidden directory beside the workspace, or in it where there is no place beside it, that exists only
while steps are run through. It is laid out from the stage before a run begins, and what its slots hold afterwards is
copied back to the stage. Whenever it is there, it is what counts; it appears, and the stage is replaced, in one rename
each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from interlock.containment.clone import clone
from interlock.containment.descent import HANDLE
from interlock.containment.removal import remove_tree
from interlock.containment.system import same_mount
from interlock.containment.transaction import Plan

_NO_LIMIT = 1 << 62
_PART, _NEW = ".part", ".new"


def choose(workspace: str, root: int) -> str:
    """A name for a desk from which renames lead into the workspace, whose open directory is `root`. Raises OSError."""
    name = f".interlock-{token_hex(8)}"
    directory = os.path.dirname(workspace)
    beside = os.open(directory, HANDLE)
    try:
        if same_mount(beside, root) and os.access(directory, os.W_OK | os.X_OK):
            return os.path.join(directory, name)
    finally:
        os.close(beside)
    return os.path.join(workspace, name)


def lay_out(plan: Plan) -> None:
    """Make the desk, if the plan has one. Raises OSError."""
    if plan.desk and not os.path.lexists(plan.desk):
        with _unnoticed(plan):
            _copy(plan.stage, plan.desk + _PART)
            os.rename(plan.desk + _PART, plan.desk)


def put_away(plan: Plan) -> None:
    """Bring what is on the desk to the stage and remove the desk. Raises OSError: may be tried again."""
    if not plan.desk:
        return
    if os.path.lexists(plan.desk):
        _copy(plan.desk, plan.stage + _NEW)
        remove_tree(plan.stage)
        os.rename(plan.stage + _NEW, plan.stage)
        with _unnoticed(plan):
            remove_tree(plan.desk + _PART)
            os.rename(plan.desk, plan.desk + _PART)  # from here on the stage is what counts
    remove(plan)


def remove(plan: Plan) -> None:
    """Remove the desk as it is. Raises OSError."""
    if plan.desk:
        with _unnoticed(plan):
            for place in (plan.desk + _PART, plan.stage + _NEW, plan.desk):
                remove_tree(place)


@contextmanager
def _unnoticed(plan: Plan) -> Iterator[None]:
    """A workspace that has the desk in it keeps its time."""
    if os.path.dirname(plan.desk) != plan.workspace:
        yield
        return
    seen = os.stat(plan.workspace)
    try:
        yield
    finally:
        os.utime(plan.workspace, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def _copy(source: str, target: str) -> None:
    remove_tree(target)
    os.mkdir(target, 0o700)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    old = os.open(source, flags)
    try:
        new = os.open(target, flags)
        try:
            clone(old, new, most_bytes=_NO_LIMIT, most_entries=_NO_LIMIT, modes=0o7777)
        finally:
            os.close(new)
    finally:
        os.close(old)
