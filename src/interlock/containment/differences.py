"""How one entry of an upper directory differs from the live one of the same name."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from interlock.containment import xattrs
from interlock.containment.change import What

_COMPARED = 64 << 20  # larger files of equal size and time are taken for changed rather than read
_PIECE = 1 << 18


class Entry(NamedTuple):
    """A name in an upper directory, and what the live one has under it."""

    name: str
    path: str
    upper: int  # descriptors of the two directories
    live: int
    new: os.stat_result
    old: os.stat_result | None


def is_whiteout(entry: Entry, hidden: bool) -> bool:
    """Whether an entry says that there is nothing; `hidden`: an empty file with an attribute may."""
    if stat.S_ISCHR(entry.new.st_mode):
        return entry.new.st_rdev == 0
    if not (hidden and entry.new.st_size == 0 and stat.S_ISREG(entry.new.st_mode)):
        return False
    return xattrs.value(xattrs.place(entry.name, entry.upper), xattrs.WHITEOUT) is not None


def difference(entry: Entry, old: os.stat_result) -> What | None:
    """How two objects of one kind, neither a directory, differ."""
    new = entry.new
    if stat.S_ISLNK(new.st_mode):
        moved = os.readlink(entry.name, dir_fd=entry.upper) != os.readlink(entry.name, dir_fd=entry.live)
        return "changed" if moved or new.st_mtime_ns != old.st_mtime_ns else None
    if not stat.S_ISREG(new.st_mode):
        return "replaced"
    if (new.st_size, new.st_mtime_ns) != (old.st_size, old.st_mtime_ns) or not _same_content(entry):
        return "changed"
    if new.st_mode != old.st_mode:
        return "mode"
    if xattrs.pairs(xattrs.place(entry.name, entry.upper)) != xattrs.pairs(xattrs.place(entry.name, entry.live)):
        return "xattr"
    # An original that was given a second name: only the copy in the upper layer is the same file as the new name.
    return "changed" if new.st_nlink > 1 else None


def _same_content(entry: Entry) -> bool:
    """Sizes and times are equal, but a program can set a time."""
    if entry.new.st_size > _COMPARED:
        return False
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        one = os.open(entry.name, flags, dir_fd=entry.upper)
    except OSError:
        return False
    try:
        two = os.open(entry.name, flags, dir_fd=entry.live)
    except OSError:
        os.close(one)
        return False
    with open(one, "rb", buffering=0) as new, open(two, "rb", buffering=0) as old:
        while True:
            piece = new.read(_PIECE)
            if piece != old.read(_PIECE):
                return False
            if not piece:
                return True
