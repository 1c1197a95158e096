"""Directories of a tree, opened one name at a time and never through a link.

Every step is one `openat` of one name with `O_NOFOLLOW`: a name cannot hold a slash, and `..` never comes from outside,
so no step leaves the tree, whatever is swapped meanwhile. Descriptors are kept along the current path only, at most
`_OPEN` of them; a directory whose descriptor was let go is found again through `..` of its child, and must be the same.
"""

from __future__ import annotations

import errno
import os

_OPEN = 64
# Where the system has it, a mere handle: needs no right to read the directory, and opening it has no effect.
HANDLE = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
LISTED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What an open says when a directory is not there, or not as it was: for all else, the system is to blame.
NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ESTALE})


class Descent:
    """The current position in one tree. The root's descriptor stays the caller's."""

    def __init__(self, root: int, flags: int = HANDLE) -> None:
        self._flags = flags
        self._path = ""
        self._fds: list[int] = [root]  # -1: let go
        self._ids: list[tuple[int, int]] = [(0, 0)]  # of those let go

    def at(self, path: str) -> int:
        """The descriptor of a directory, "" for the root; good until the next call.

        Raises OSError: FileNotFoundError, NotADirectoryError, ELOOP for a link, ESTALE when a parent was moved away.
        """
        if path == self._path:
            return self._fds[-1]
        while self._path and not path.startswith(self._path + "/"):
            self._rise()
            if path == self._path:
                return self._fds[-1]
        below = path[len(self._path) + 1 :] if self._path else path
        for name in below.split("/"):
            self._enter(name)
        return self._fds[-1]

    def close(self) -> None:
        """Let go of everything but the root."""
        while len(self._fds) > 1:
            self._ids.pop()
            fd = self._fds.pop()
            if fd >= 0:
                os.close(fd)
        self._path = ""

    def __enter__(self) -> Descent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _enter(self, name: str) -> None:
        if name in ("", ".", ".."):
            raise OSError(errno.EINVAL, "no name of an entry", name)
        fd = os.open(name, self._flags, dir_fd=self._fds[-1])
        self._fds.append(fd)
        self._ids.append((0, 0))
        self._path += f"/{name}" if self._path else name
        old = len(self._fds) - 1 - _OPEN
        if old > 0 and self._fds[old] >= 0:
            seen = os.fstat(self._fds[old])
            self._ids[old] = (seen.st_dev, seen.st_ino)
            os.close(self._fds[old])
            self._fds[old] = -1

    def _rise(self) -> None:
        if self._fds[-2] < 0:
            self._fds[-2] = self._parent()
        os.close(self._fds.pop())
        self._ids.pop()
        self._path = self._path.rpartition("/")[0]

    def _parent(self) -> int:
        fd = os.open("..", self._flags, dir_fd=self._fds[-1])
        seen = os.fstat(fd)
        if (seen.st_dev, seen.st_ino) != self._ids[-2]:
            os.close(fd)
            raise OSError(errno.ESTALE, "a directory was moved away meanwhile", self._path.rpartition("/")[0])
        return fd


def split(path: str) -> tuple[str, str]:
    """The directory and the name of a path below the root."""
    directory, _, name = path.rpartition("/")
    return directory, name
