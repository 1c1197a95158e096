"""Git's own locks on the files of a repository that an undo puts back: whoever holds one comes first.

Git writes `HEAD`, a ref, `packed-refs` or the index as `<name>.lock` and renames it. While that name is taken, no other
git command changes the file. A lock that a crash of an undo left is known by its content, and taken over.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

from interlock.containment import walk
from interlock.model.errors import StateError

_OURS = b"interlock undo\n"


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
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                descriptor = os.open(name, flags, 0o600, dir_fd=directory)
            except FileExistsError:
                return _left_by_us(directory, name, lock)
            with open(descriptor, "wb") as file:
                file.write(_OURS)
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False  # its directory is not there yet: nobody can write in it


def _left_by_us(directory: int, name: bytes, lock: bytes) -> bool:
    with open(walk.open_file(directory, name), "rb") as file:
        if file.read(len(_OURS) + 1) == _OURS:
            return True
    raise StateError(f"git holds {os.fsdecode(lock)}. If no git command runs, remove it and undo again.")
