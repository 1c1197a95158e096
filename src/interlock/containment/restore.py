"""Puts paths back as they were: content, mode, times, links. A step is whole or has not happened, and can be repeated.

INVARIANT: nothing here follows a link, and a file is replaced by a rename, so that whoever looks sees the one or the
other. Only a file with several names is written in place: a rename would part it from them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from interlock.containment import walk
from interlock.containment.point import ABSENT, DIRECTORY, FILE, OTHER, SYMLINK, Entry
from interlock.containment.preimage import Vault, seen
from interlock.model.errors import StateError

_FEW = 32  # files that are waited for one by one
_OWNER = 0o700  # while a directory is being filled


class Target(msgspec.Struct, frozen=True):
    """A path and what shall stand there. `expect` is what may stand there now; anything else is left alone.

    `twin` is another name of the very file that stood there: where it still is, the path becomes a name of it again.
    """

    path: bytes
    to: Entry
    expect: Entry
    twin: bytes = b""


class Frame(msgspec.Struct, frozen=True):
    """A directory whose time is put back, if it is `expect` when the work begins."""

    path: bytes
    mtime: int
    expect: int


class Refusal(msgspec.Struct, frozen=True):
    """A path that was not put back, and why."""

    path: bytes
    why: str


def restore(
    targets: Sequence[Target], frames: Sequence[Frame], vault: Vault, *, again: bool = False
) -> tuple[Refusal, ...]:
    """Put every target back. What stands in the way of one does not stop the others.

    Run `again` after a crash in the middle, it does what is left; the frames' times have then been moved by itself.
    """
    refused: dict[bytes, str] = {}
    moved = [frame for frame in frames if again or walk.facts(frame.path).mtime in (frame.expect, frame.mtime)]
    wanted = {target.path: target for target in targets}
    deepest = sorted(targets, key=lambda target: target.path.count(b"/"), reverse=True)
    for step in (
        [t for t in deepest if t.to.kind == ABSENT],
        [t for t in reversed(deepest) if t.to.kind == DIRECTORY],
        [t for t in deepest if t.to.kind in (FILE, SYMLINK)],
    ):
        for target in step:
            _attempt(target, vault, refused)
    for target in deepest:
        if target.to.kind == DIRECTORY and target.path not in refused:
            _guarded(target.path, refused, partial(_finish, target.path, target.to))
    for frame in sorted(moved, key=lambda f: f.path.count(b"/"), reverse=True):
        if frame.path not in wanted:
            with contextlib.suppress(OSError):
                _time(frame.path, frame.mtime)
    _settled(targets)
    return tuple(Refusal(path, why) for path, why in refused.items())


def _settled(targets: Sequence[Target]) -> None:
    """What was put back is on the disk before the step is noted as done. Many files: one wait for all of them."""
    files = [target.path for target in targets if target.to.kind == FILE]
    if len(files) > _FEW:
        os.sync()
        return
    for path in files:
        with contextlib.suppress(OSError), walk.parent(path) as (directory, name):
            descriptor = walk.open_file(directory, name)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _attempt(target: Target, vault: Vault, refused: dict[bytes, str]) -> None:
    def put() -> None:
        now = seen(target.path)
        twin = twin_at(target.twin, target.to) and now.place != target.to.place
        if _there(now, target.to) and not twin:
            return
        if not acceptable(now, target):
            refused[target.path] = "it changed meanwhile"
        elif twin:
            _join(target.path, now, target.twin)
        else:
            _put(target.path, now, target.to, vault)

    _guarded(target.path, refused, put)


def acceptable(now: Entry, target: Target) -> bool:
    """Whether what stands there may be replaced."""
    return now.same(target.expect) or now.same(target.to)


def _there(now: Entry, to: Entry) -> bool:
    if to.kind == DIRECTORY:
        return now.kind == DIRECTORY  # its mode and time come last
    return now.same(to) and (to.kind == ABSENT or (now.mtime == to.mtime and now.xattrs == to.xattrs))


def _guarded(path: bytes, refused: dict[bytes, str], work: Callable[[], None]) -> None:
    try:
        work()
    except StateError as error:
        refused[path] = str(error)
    except OSError as error:
        refused[path] = error.strerror or str(error)


def _put(path: bytes, now: Entry, to: Entry, vault: Vault) -> None:
    with walk.parent(path) as (directory, name):
        if to.kind == ABSENT:
            _remove(directory, name, now)
        elif to.kind == DIRECTORY:
            if now.kind != ABSENT:
                _remove(directory, name, now)
            os.mkdir(name, _OWNER, dir_fd=directory)
        elif to.kind == SYMLINK:
            _clear(directory, name, now)
            new = _new(directory, path)
            os.symlink(to.target, new, dir_fd=directory)
            _settle(directory, new, name, to)
        elif to.kind == FILE and now.kind == FILE and to.digest == now.digest:
            descriptor = walk.open_file(directory, name)
            try:
                _dress(descriptor, to)
            finally:
                os.close(descriptor)
        elif to.kind == FILE and now.kind == FILE and to.links > 1 and now.links > 1:
            _in_place(directory, name, to, vault)
        elif to.kind == FILE:
            _clear(directory, name, now)
            new = _new(directory, path)
            _file(directory, new, to, vault)
            _settle(directory, new, name, to)


def twin_at(path: bytes, to: Entry) -> bool:
    """Whether this is a name of the file that is meant, and it is as it was."""
    if not path:
        return False
    found = seen(path, to)
    return found.place == to.place and found.same(to) and found.mtime == to.mtime


def _join(path: bytes, now: Entry, twin: bytes) -> None:
    with walk.parent(path) as (directory, name), walk.parent(twin) as (beside, other):
        _clear(directory, name, now)
        new = _new(directory, path)
        os.link(other, new, src_dir_fd=beside, dst_dir_fd=directory, follow_symlinks=False)
        os.rename(new, name, src_dir_fd=directory, dst_dir_fd=directory)


def _remove(directory: int, name: bytes, now: Entry) -> None:
    if now.kind == OTHER:
        raise OSError(errno.EEXIST, "a device, a pipe or a socket stands there")
    if now.kind == DIRECTORY:
        try:
            os.rmdir(name, dir_fd=directory)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise OSError(errno.ENOTEMPTY, "the directory holds what came later") from error
            raise
    elif now.kind != ABSENT:
        os.unlink(name, dir_fd=directory)


def _clear(directory: int, name: bytes, now: Entry) -> None:
    """A directory cannot be renamed over; anything else can."""
    if now.kind in (DIRECTORY, OTHER):
        _remove(directory, name, now)


def _new(directory: int, path: bytes) -> bytes:
    """The name under which it is made before it takes its place: always the same, so that a crash leaves no litter."""
    name = b".interlock-undo-" + hashlib.sha256(path).hexdigest()[:16].encode()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)
    return name


def _file(directory: int, name: bytes, to: Entry, vault: Vault) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=directory)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            for part in vault.pieces(to.digest):
                file.write(part)
        _dress(descriptor, to)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=directory)
        raise
    finally:
        os.close(descriptor)


def _in_place(directory: int, name: bytes, to: Entry, vault: Vault) -> None:
    # Everything is read first: a pre-image that is gone or damaged must not cost the file that is there.
    parts = list(vault.pieces(to.digest))
    descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file any more")
        with open(descriptor, "wb", closefd=False) as file:
            file.truncate(0)
            file.writelines(parts)
        _dress(descriptor, to)
    finally:
        os.close(descriptor)


def _dress(descriptor: int, to: Entry) -> None:
    """Owner, mode, attributes and, last, the time of an open file or directory."""
    found = os.fstat(descriptor)
    if (found.st_uid, found.st_gid) != (to.uid, to.gid):
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, to.uid, to.gid)
    if stat.S_IMODE(found.st_mode) != to.mode or found.st_uid != to.uid:
        os.fchmod(descriptor, to.mode)
    _attributes(descriptor, to)
    os.utime(descriptor, ns=(found.st_atime_ns, to.mtime))


def _attributes(descriptor: int, to: Entry) -> None:
    if not hasattr(os, "listxattr"):
        return
    try:
        there = {os.fsencode(n) for n in os.listxattr(descriptor) if n.startswith("user.")}
        wanted: Mapping[bytes, bytes] = dict(to.xattrs)
        for name in there - wanted.keys():
            os.removexattr(descriptor, name)
        for name, value in wanted.items():
            os.setxattr(descriptor, name, value)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise


def _settle(directory: int, new: bytes, name: bytes, to: Entry) -> None:
    try:
        if to.kind == SYMLINK:
            os.utime(new, ns=(to.mtime, to.mtime), dir_fd=directory, follow_symlinks=False)
            with contextlib.suppress(PermissionError):
                os.chown(new, to.uid, to.gid, dir_fd=directory, follow_symlinks=False)
        os.rename(new, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new, dir_fd=directory)
        raise


def _finish(path: bytes, to: Entry) -> None:
    with walk.parent(path) as (directory, name):
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        _dress(descriptor, to)
    finally:
        os.close(descriptor)


def _time(path: bytes, mtime: int) -> None:
    with walk.parent(path) as (directory, name):
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        os.utime(name, ns=(found.st_atime_ns, mtime), dir_fd=directory, follow_symlinks=False)
