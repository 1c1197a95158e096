"""Before a commit is noted as done, what it brought is on the disk: a loss of power leaves it before or after.

The command wrote to a layer that nobody synced. A few files are waited for one by one; many with one `syncfs`, which
also waits for what others wrote on that file system. An undo needs none of it: what comes back was there before.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

from interlock.containment.descent import split
from interlock.containment.moves import Places
from interlock.containment.transaction import Transaction

_FEW = 8  # files: up to here one `fsync` each costs less than what others may have to write
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def settle(transaction: Transaction, places: Places) -> None:
    """Wait until all that a commit brought into the workspace is durable. Raises OSError."""
    brought = [step for step in transaction.plan.steps if step.verb != "take"]
    files = [step.path for step in brought if step.after.kind == "file"]
    if len(files) > _FEW or any(step.after.kind == "directory" and not step.made for step in brought):
        _everything(places)
        return
    for path in files:
        directory, name = split(path)
        _wait(name, places.live.at(directory), _FILE)
    for directory in dict.fromkeys(split(step.path)[0] for step in transaction.plan.steps):
        _wait(".", places.live.at(directory), _DIRECTORY)


def _everything(places: Places) -> None:
    """The file system of the workspace."""
    directory = os.open(".", _DIRECTORY, dir_fd=places.live.at(""))
    try:
        if _SYNCFS is None:
            os.sync()
        elif _SYNCFS(directory) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(directory)


def _wait(name: str, directory: int, flags: int) -> None:
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):
            return  # somebody else has put something in its place already
        raise
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _syncfs() -> ctypes._NamedFuncPointer | None:
    if sys.platform != "linux":
        return None
    try:
        call: ctypes._NamedFuncPointer = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError):
        return None
    call.argtypes = (ctypes.c_int,)
    return call


_SYNCFS = _syncfs()
