"""Objects of git outlive the undo of the run that made them: a later commit by somebody else may be made of them.

Git names an object by its content, writes one that is there already no second time, and throws away what nothing names
in its own time. So taking a commit back leaves them, and keeps a second name of each beside the commit, for the day on
which it is brought again after git has thrown them away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from interlock.containment import walk
from interlock.containment.point import DIRECTORY, FILE
from interlock.containment.transaction import Step, Transaction

_OBJECT = re.compile(r"(?:^|/)\.git/(?:modules/.+/)?objects/")
_KEPT = "objects"


def lasts(step: Step, *, redo: bool) -> bool:
    """Whether turning this step round would take objects away."""
    return step.verb == ("take" if redo else "put") and _OBJECT.search(step.path) is not None


def keep(transaction: Transaction) -> None:
    """Before a commit is taken back: give its objects a second name. Raises OSError."""
    for number, path in _made(transaction):
        place = transaction.folder / _KEPT / str(number)
        for found, entry in walk.below(path):
            target = Path(os.fsdecode(os.path.join(os.fsencode(place), found[len(path) + 1 :])))
            if entry.kind == DIRECTORY:
                target.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif entry.kind == FILE and not target.exists():
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with walk.parent(found) as (directory, name):
                    _link(name, directory, target)


def bring(transaction: Transaction) -> None:
    """Before it is brought again: put back the objects that are gone. Raises OSError."""
    for number, path in _made(transaction):
        place = transaction.folder / _KEPT / str(number)
        for kept in (place, *sorted(place.rglob("*"))):
            if kept.is_file():
                _back(kept, os.path.normpath(os.path.join(path, os.fsencode(kept.relative_to(place)))))


def _made(transaction: Transaction) -> Iterator[tuple[int, bytes]]:
    top = os.fsencode(transaction.plan.workspace)
    for number, step in enumerate(transaction.plan.steps):
        if lasts(step, redo=False):
            yield number, os.path.join(top, os.fsencode(step.path))


def _link(name: bytes, directory: int, target: Path) -> None:
    try:
        os.link(name, target, src_dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM):
            raise
        with open(walk.open_file(directory, name), "rb") as file, target.open("xb") as copy:
            shutil.copyfileobj(file, copy)


def _back(kept: Path, path: bytes) -> None:
    if not kept.is_file() or walk.facts(path).kind == FILE:
        return
    folder = os.path.dirname(path)
    if walk.facts(folder).kind != DIRECTORY:
        with walk.parent(folder) as (directory, name), contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=directory)
    with walk.parent(path) as (directory, name):
        new = b".interlock-" + name
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new, dir_fd=directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(new, flags, 0o444, dir_fd=directory), "wb") as file:
            file.write(kept.read_bytes())
        os.rename(new, name, src_dir_fd=directory, dst_dir_fd=directory)
