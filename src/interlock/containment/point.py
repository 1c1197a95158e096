"""What undo knows of one action: what stood at each path before it, and what it left there.

A point is written before the action is released (`Point`), and completed when its outcome is known (`After`). Paths are
absolute, real (no link above the last name) and bytes: a name need not be text.
"""

from __future__ import annotations

import stat

import msgspec

ABSENT = "absent"
FILE = "file"
DIRECTORY = "directory"
SYMLINK = "symlink"
OTHER = "other"  # a device, FIFO or socket: seen, never kept


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands at a path. `digest` names a file's bytes (SHA-256) and is "" where nobody looked at them."""

    kind: str = ABSENT
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = 0  # nanoseconds
    digest: str = ""
    target: bytes = b""  # of a symbolic link
    xattrs: tuple[tuple[bytes, bytes], ...] = ()  # those of the user's own namespace
    links: int = 1
    place: tuple[int, int] = (0, 0)  # device and inode: whether it is still the very same file

    def same(self, other: Entry) -> bool:
        """Whether both are the same to a reader: kind, mode and content; times and names elsewhere aside."""
        if self.kind != other.kind:
            return False
        match self.kind:
            case "file":
                return (self.mode, self.size, self.digest) == (other.mode, other.size, other.digest)
            case "symlink":
                return self.target == other.target
            case "directory":
                return self.mode == other.mode
            case _:
                return True


class Was(msgspec.Struct, frozen=True, omit_defaults=True):
    """One path before the action. `lost` says why its content was not kept; `frame`: only its times matter.

    A frame is a directory around something that the action changes: making or removing a name moves its time.
    """

    path: bytes
    entry: Entry
    lost: str = ""
    frame: bool = False


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything kept for one action. `trees` were kept whole: what is new below them came with the action."""

    id: str
    was: tuple[Was, ...] = ()
    trees: tuple[bytes, ...] = ()
    version: int = 1


class Left(msgspec.Struct, frozen=True, omit_defaults=True):
    """One path after the action."""

    path: bytes
    entry: Entry


class After(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the action left: of the paths of its point, and of those that only showed afterwards (`found`)."""

    left: tuple[Left, ...] = ()
    found: tuple[Was, ...] = ()


def kind_of(mode: int) -> str:
    """The kind of a file by its `st_mode`."""
    if stat.S_ISREG(mode):
        return FILE
    if stat.S_ISDIR(mode):
        return DIRECTORY
    return SYMLINK if stat.S_ISLNK(mode) else OTHER
