"""Git's own locks on the files of a repository that an undo puts back: whoever holds one comes first.

Git writes `HEAD`, a ref, `packed-refs` or the index as `<name>.lock` and renames it. While that name is taken, no other
git command changes the file. Ours is a link that leads nowhere: it appears with its content in one step, so that one
which a crash left is known, whenever that was, and taken over.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

from interlock.containment import walk
from interlock.model.errors import StateError

_OURS = b"interlock undo"


@contextlib.contextmanager
def locked(paths: Iterable[bytes]) -> Iterator[None]:
    """Hold the locks of these files, in order of their names. Raises StateError: somebody else holds one; OSError."""
    with contextlib.ExitStack() as held:
        for lock in sorted({path + b".lock" for path in paths}):
            if _take(lock):
                held.callback(_release, lock)
        yield


def _release(lock: bytes) -> None:
    with contextlib.suppress(OSError), walk.parent(lock) as (directory, name):
        os.unlink(name, dir_fd=directory)


def _take(lock: bytes) -> bool:
    try:
        with walk.parent(lock) as (directory, name):
            try:
                os.symlink(_OURS, name, dir_fd=directory)
            except FileExistsError:
                return _left_by_us(directory, name, lock)
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False  # its directory is not there yet: nobody can write in it


def _left_by_us(directory: int, name: bytes, lock: bytes) -> bool:
    with contextlib.suppress(OSError):
        if os.readlink(name, dir_fd=directory) == _OURS:
            return True
    raise StateError(f"git holds {os.fsdecode(lock)}. If no git command runs, remove it and undo again.")
