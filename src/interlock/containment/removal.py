"""Removing a tree of any depth, through descriptors, following no link."""

from __future__ import annotations

import contextlib
import os
import stat

from interlock.containment.descent import LISTED, Descent


def remove_tree(path: str | os.PathLike[str]) -> None:
    """Remove whatever stands at a path, with all inside; nothing when nothing does. Raises OSError."""
    directory, name = os.path.split(os.fspath(path))
    parent = os.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove_at(name, parent)
    finally:
        os.close(parent)


def remove_at(name: str, parent: int) -> None:
    """The same for a name in an open directory."""
    try:
        seen = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(seen.st_mode):
        os.unlink(name, dir_fd=parent)
        return
    _open_up(name, parent, seen.st_mode)
    root = os.open(name, LISTED, dir_fd=parent)
    try:
        _empty(root)
    finally:
        os.close(root)
    os.rmdir(name, dir_fd=parent)


def _empty(root: int) -> None:
    waiting = [("", False)]
    with Descent(root, LISTED) as tree:
        while waiting:
            path, emptied = waiting.pop()
            directory, _, name = path.rpartition("/")
            if emptied:
                os.rmdir(name, dir_fd=tree.at(directory))
                continue
            fd = tree.at(path)
            if path:
                waiting.append((path, True))
            with os.scandir(fd) as listed:
                found = list(listed)
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    _open_up(entry.name, fd, entry.stat(follow_symlinks=False).st_mode)
                    waiting.append((f"{path}/{entry.name}" if path else entry.name, False))
                else:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(entry.name, dir_fd=fd)


def _open_up(name: str, parent: int, mode: int) -> None:
    """A directory of ours whose rights were taken from us: nobody else can put a link in its place here."""
    if mode & 0o700 != 0o700:
        os.chmod(name, mode & 0o7777 | 0o700, dir_fd=parent)
