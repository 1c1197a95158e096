"""Files reached without ever following a link: component by component, through descriptors of directories.

A path that is looked up twice may name two files. Each step here opens one name in a directory that is already held,
and refuses links, so that whoever swaps a directory for a link in between gains nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Callable, Iterator, Sequence

from interlock.containment.point import DIRECTORY, FILE, OTHER, SYMLINK, Entry, kind_of

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_XATTRS = frozenset({errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENODATA, errno.ELOOP})
_XATTRS = 32  # kept of one file
_XATTR_BYTES = 16 << 10
_DEEP = 200  # directories within each other; each holds a descriptor, and a process has a thousand


@contextlib.contextmanager
def parent(path: bytes) -> Iterator[tuple[int, bytes]]:
    """The directory that holds an absolute path, open, and the last name.

    Raises OSError: a component is missing, is a link, or is no directory.
    """
    *above, name = [part for part in path.split(b"/") if part]
    if b".." in above or name in (b"..", b"."):
        raise OSError(errno.EINVAL, "the path goes up")
    descriptor = _opened(above)
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)


def _opened(parts: Sequence[bytes]) -> int:
    """A directory, by names from the root: in one call where the kernel can refuse links, else step by step."""
    if _OPENAT2 is not None:
        how = struct.pack("=QQQ", _DIRECTORY, 0, _NO_SYMLINKS)
        descriptor = int(_OPENAT2(437, -100, b"/" + b"/".join(parts), how, len(how)))
        if descriptor >= 0:
            return descriptor
        number = ctypes.get_errno()
        if number not in (errno.ENOSYS, errno.EPERM, errno.EINVAL):
            raise OSError(number, os.strerror(number))
    descriptor = os.open(b"/", _DIRECTORY)
    try:
        for part in parts:
            deeper = os.open(part, _DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = deeper
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _openat2() -> Callable[..., int] | None:
    """The raw system call: its number is the same on every architecture of Linux."""
    if sys.platform != "linux":
        return None
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    call.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)
    return call


_NO_SYMLINKS = 0x04
_OPENAT2 = _openat2()


class Held:
    """The directory that was used last, kept open: most files have their neighbours beside them."""

    def __init__(self) -> None:
        self._folder = b""
        self._descriptor = -1

    def at(self, folder: bytes) -> int:
        """This directory, open until the next one is asked for. Raises OSError as `parent` does."""
        if folder != self._folder:
            self.close()
            with parent(folder.rstrip(b"/") + b"/.names") as (directory, _):
                self._descriptor = os.dup(directory)
            self._folder = folder
        return self._descriptor

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._folder, self._descriptor = b"", -1


def facts(path: bytes) -> Entry:
    """What stands at a path, without the bytes of a file. Absent where nothing does, or no directory leads there."""
    try:
        with parent(path) as (directory, name):
            return facts_at(directory, name)
    except (FileNotFoundError, NotADirectoryError):
        return Entry()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return Entry()  # a link took the place of a directory above it: what was there is not there any more
        raise


def facts_at(directory: int, name: bytes) -> Entry:
    """The same, in a directory that is held."""
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    kind = kind_of(found.st_mode)
    return Entry(
        kind=kind,
        mode=found.st_mode & 0o7777,
        uid=found.st_uid,
        gid=found.st_gid,
        size=found.st_size if kind == FILE else 0,
        mtime=found.st_mtime_ns,
        target=os.readlink(name, dir_fd=directory) if kind == SYMLINK else b"",
        xattrs=_xattrs(directory, name, kind),
        links=found.st_nlink if kind == FILE else 1,
        place=(found.st_dev, found.st_ino),
    )


def _xattrs(directory: int, name: bytes, kind: str) -> tuple[tuple[bytes, bytes], ...]:
    if kind not in (FILE, DIRECTORY) or not hasattr(os, "listxattr"):
        return ()
    where = b"/proc/self/fd/%d/%s" % (directory, name)
    try:
        names = [n for n in os.listxattr(where, follow_symlinks=False) if n.startswith("user.")][:_XATTRS]
        pairs = [(os.fsencode(n), os.getxattr(where, n, follow_symlinks=False)) for n in names]
    except OSError as error:
        if error.errno in _NO_XATTRS or isinstance(error, FileNotFoundError):
            return ()
        raise
    return tuple(sorted(pairs)) if sum(len(value) for _, value in pairs) <= _XATTR_BYTES else ()


def open_file(directory: int, name: bytes) -> int:
    """A regular file for reading; never waits (a FIFO) and never follows. Raises OSError."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
    return os.open(name, flags, dir_fd=directory)


def still(descriptor: int, entry: Entry) -> bool:
    """Whether an open file is the one whose facts these are."""
    found = os.fstat(descriptor)
    return stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) == entry.place


def below(path: bytes) -> Iterator[tuple[bytes, Entry]]:
    """Everything at and below a path, directories before what they hold. Raises OSError: a directory is shut."""
    entry = facts(path)
    yield path, entry
    if entry.kind != DIRECTORY:
        return
    with parent(path) as (directory, name):
        top = os.open(name, _DIRECTORY, dir_fd=directory)
    try:
        yield from _below(top, path, 0)
    finally:
        os.close(top)


def _below(descriptor: int, path: bytes, depth: int) -> Iterator[tuple[bytes, Entry]]:
    if depth > _DEEP:
        raise OSError(errno.ENAMETOOLONG, "the directories lie too deep in each other")
    for text in sorted(os.listdir(descriptor)):
        name = os.fsencode(text)
        full = path.rstrip(b"/") + b"/" + name
        try:
            entry = facts_at(descriptor, name)
        except FileNotFoundError:
            continue
        yield full, entry
        if entry.kind == DIRECTORY:
            try:
                deeper = os.open(name, _DIRECTORY, dir_fd=descriptor)
            except FileNotFoundError:
                continue
            try:
                yield from _below(deeper, full, depth + 1)
            finally:
                os.close(deeper)


__all__ = ["OTHER", "below", "facts", "facts_at", "open_file", "parent"]
