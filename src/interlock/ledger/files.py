"""Writing the small files around the database: atomic, private, and synced where the caller asks for it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from interlock.model.errors import StateError


def private_directory(path: Path) -> None:
    """Make `path` a directory of mode 0700; raises `StateError` when it is somebody else's or open to others."""
    try:
        make_directories(path)
        state = path.stat()
    except OSError as error:
        raise StateError(f"{path} cannot be used as a directory: {error.strerror}") from error
    if state.st_uid != os.geteuid():
        raise StateError(f"{path} belongs to another user (uid {state.st_uid}); the ledger must be your own")
    if state.st_mode & 0o077:
        raise StateError(f"{path} is open to other users (mode {state.st_mode & 0o777:04o}); run: chmod 700 {path}")


def make_directories(path: Path) -> None:
    """Make `path` and what is missing above it, each of mode 0700. Raises `OSError`."""
    if not path.is_dir():
        make_directories(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def write_atomic(path: Path, data: bytes, *, sync: bool, mode: int = 0o600) -> None:
    """Replace `path` by `data` as a whole; with `sync` it is on the disk before the old name gives way.

    What is no file stays: whoever writes a report to /dev/null, as root, must not take it from the machine. Raises
    OSError.
    """
    standing = path.lstat().st_mode if os.path.lexists(path) else stat.S_IFREG
    if not (stat.S_ISREG(standing) or stat.S_ISLNK(standing)):
        raise FileExistsError(errno.EEXIST, "it is a device, a pipe or a folder, and no file", str(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        write_all(handle, data)
        if sync:
            os.fsync(handle)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    if sync:
        sync_directory(path.parent)


def write_all(handle: int, data: bytes) -> None:
    """`os.write` until everything is written."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
