"""A copy of a workspace for a run that has no overlay: blocks are shared where that can be, else copied.

Both trees are walked through descriptors and no link is followed. What the copy leaves out (devices, sockets, other
file systems, what may not be read) is not in the record that is made of it afterwards, so it does not count as
deleted.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from interlock.containment import xattrs
from interlock.containment.descent import LISTED, Descent
from interlock.model.errors import StateError

MOST_BYTES = 4 << 30  # copied, not shared: a few seconds of a disk
MOST_ENTRIES = 400_000
_FICLONE = 0x40049409  # Linux: share all blocks of a file
_NOT_SHARED = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM}
_PIECE = 16 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Cloned(NamedTuple):
    """What was done: entries in the copy, bytes really copied, what was left out, and whether blocks were shared."""

    entries: int
    copied: int
    left_out: int
    shared: bool


Secret = Callable[[str], bool]
"""Whether the file at this path of the workspace holds credentials."""


def clone(
    source: int,
    target: int,
    *,
    secret: Secret | None = None,
    most_bytes: int = MOST_BYTES,
    most_entries: int = MOST_ENTRIES,
    modes: int = 0o1777,
) -> Cloned:
    """Copy the directory `source` into the empty directory `target` (both open).

    `modes` are the bits that are kept: as a rule, not those that grant another's rights.

    A file that holds credentials never leaves its place: in the copy it is empty. Raises StateError when the workspace
    is too large for a copy, OSError when the target cannot take it.
    """
    copying = _Copying(source, target, secret, most_bytes, most_entries)
    copying.modes = modes
    with copying.sources, copying.targets:
        copying.all()
    return Cloned(copying.entries, copying.copied, copying.left_out, copying.sharing)


class _Copying:
    """One walk through both trees."""

    def __init__(self, source: int, target: int, secret: Secret | None, most_bytes: int, most_entries: int) -> None:
        self.modes = 0o1777
        self.sources = Descent(source, LISTED)
        self.targets = Descent(target, LISTED)
        root, own = os.fstat(source), os.fstat(target)
        self._device = root.st_dev
        self._own = (own.st_dev, own.st_ino)  # the copy may lie in what is copied
        self._secret = secret
        self._most_bytes = most_bytes
        self._most_entries = most_entries
        self._directories: list[tuple[str, os.stat_result]] = [("", root)]
        self.entries = self.copied = self.left_out = 0
        self.sharing = True

    def all(self) -> None:
        """Copy everything; modes and times of directories last, because making what is in them changes both."""
        done = 0
        while done < len(self._directories):
            self._directory(self._directories[done][0])
            done += 1
        for path, seen in reversed(self._directories):
            _dress(self.targets.at(path), seen, self.modes)

    def _directory(self, path: str) -> None:
        try:
            source = self.sources.at(path)
        except PermissionError:
            self.left_out += 1
            return
        target = self.targets.at(path)
        xattrs.apply(target, xattrs.pairs(source))
        with os.scandir(source) as listed:
            for entry in listed:
                seen = entry.stat(follow_symlinks=False)
                if (seen.st_dev, seen.st_ino) == self._own:
                    continue
                self.entries += 1
                if self.entries > self._most_entries:
                    raise StateError(f"the workspace has more than {self._most_entries} files, too many for a copy")
                self._entry(entry.name, f"{path}/{entry.name}" if path else entry.name, source, target, seen)

    def _entry(self, name: str, path: str, source: int, target: int, seen: os.stat_result) -> None:
        if stat.S_ISDIR(seen.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            if seen.st_dev == self._device:
                self._directories.append((path, seen))
            else:
                self.left_out += 1
        elif stat.S_ISLNK(seen.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            times = (seen.st_atime_ns, seen.st_mtime_ns)
            os.utime(name, ns=times, dir_fd=target, follow_symlinks=False)
        elif stat.S_ISREG(seen.st_mode):
            self._file(name, path, source, target)
        else:
            self.left_out += 1

    def _file(self, name: str, path: str, source: int, target: int) -> None:
        try:
            old = os.open(name, _READ, dir_fd=source)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EPERM, errno.ENOENT, errno.ELOOP}:
                raise
            self.left_out += 1  # not ours to read, or gone meanwhile
            return
        try:
            new = os.open(name, _NEW, 0o600, dir_fd=target)
            try:
                seen = os.fstat(old)
                if self._secret is not None and self._secret(path):
                    self.left_out += 1
                elif not self._share(old, new):
                    self._copy(old, new, seen.st_size)
                xattrs.apply(new, xattrs.pairs(old))
                _dress(new, seen, self.modes)
            finally:
                os.close(new)
        finally:
            os.close(old)

    def _share(self, old: int, new: int) -> bool:
        if not self.sharing:
            return False
        try:
            fcntl.ioctl(new, _FICLONE, old)
        except OSError as error:
            if error.errno not in _NOT_SHARED:
                raise
            self.sharing = False
        return self.sharing

    def _copy(self, old: int, new: int, size: int) -> None:
        """Copy what is no hole."""
        at = 0
        while at < size:
            try:
                start = os.lseek(old, at, os.SEEK_DATA)
                end = min(os.lseek(old, start, os.SEEK_HOLE), size)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                break  # nothing but a hole to the end
            self.copied += end - start
            if self.copied > self._most_bytes:
                raise StateError(f"the workspace holds more than {self._most_bytes >> 20} MiB, too much for a copy")
            _range(old, new, start, end)
            at = end
        os.truncate(new, size)


def _range(old: int, new: int, start: int, end: int) -> None:
    os.lseek(old, start, os.SEEK_SET)
    os.lseek(new, start, os.SEEK_SET)
    while start < end:
        piece = os.read(old, min(_PIECE, end - start))
        if not piece:
            return  # it became shorter meanwhile
        view = memoryview(piece)
        while view:
            view = view[os.write(new, view) :]
        start += len(piece)


def _dress(new: int, seen: os.stat_result, modes: int) -> None:
    """Mode and times."""
    os.fchmod(new, seen.st_mode & modes)
    os.utime(new, ns=(seen.st_atime_ns, seen.st_mtime_ns))
