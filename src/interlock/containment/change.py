"""What a contained command did to the workspace: the nouns that listing, commit and undo share.

A `ChangeSet` is the whole difference between the workspace as it is and as the command left it. It is written beside
the run (`save`), because the upper layer is taken apart while it is committed and cannot be listed a second time.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeVar

import msgspec

T = TypeVar("T")

Kind = Literal["none", "file", "directory", "symlink", "other"]
What = Literal["created", "changed", "deleted", "renamed", "replaced", "mode", "xattr"]

# Notes a change may carry. They are words of an interface: `grave` and the views compare with them.
SPECIAL = "special"  # a device, FIFO or socket: never committed
MOUNT = "mount"  # another file system lies inside: never committed
CONFLICT = "conflict"  # the original changed after the run began
SETUID = "setuid"  # setuid or setgid, stripped at commit
CAPABILITY = "capability"  # file capabilities, stripped at commit
LINKED = "hard-linked"  # the original has other names, which keep the old content
UNREADABLE = "unreadable"  # it could not be looked at: never committed
SECRET = "secret"  # noqa: S105 - no secret: the note that no pre-image will be kept, so it cannot be undone
NEVER_COMMITTED = frozenset({SPECIAL, MOUNT, CONFLICT, UNREADABLE})


class Facts(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One file-system object at one moment. Times in nanoseconds; for a surveyed directory, `size` sums its files."""

    kind: Kind = "none"
    size: int = 0
    mode: int = 0  # permission bits, with setuid, setgid and sticky
    mtime: int = 0
    inode: int = 0
    device: int = 0
    ctime: int = 0
    links: int = 0
    target: str = ""  # of a symlink
    entries: int = 0  # of a surveyed directory: how much lies inside, at any depth
    digest: str = ""  # of a surveyed directory: over names, kinds, sizes, modes and times inside

    def same(self, other: Facts) -> bool:
        """Whether both describe the same state, whatever inode holds it.

        A directory's own time does not count, nor its owner's rights, which are loosened while it is moved.
        """
        if self.kind != other.kind:
            return False
        if self.kind == "directory":
            return self.mode | 0o700 == other.mode | 0o700 and self.digest == other.digest
        return (
            self.mode == other.mode
            and self.size == other.size
            and self.mtime == other.mtime
            and self.target == other.target
        )

    def is_inode(self, other: Facts) -> bool:
        """Whether both are the very same object."""
        return self.inode == other.inode and self.device == other.device


NOTHING = Facts()


class Change(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One change. `path` is relative to the workspace, undecodable bytes as surrogates (`os.fsencode` gives them)."""

    path: str
    what: What
    before: Facts = NOTHING
    after: Facts = NOTHING
    source: str = ""  # of a rename: where it was
    notes: tuple[str, ...] = ()

    @property
    def may_commit(self) -> bool:
        """Whether a commit takes it at all."""
        return NEVER_COMMITTED.isdisjoint(self.notes)

    @property
    def can_undo(self) -> bool:
        """Whether its pre-image will be kept."""
        return SECRET not in self.notes


class Merged(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A directory on both sides: as it is, and as the command left it. `xattrs`: names, values in hex."""

    path: str
    before: Facts
    after: Facts
    xattrs_before: tuple[tuple[str, str], ...] = ()
    xattrs_after: tuple[tuple[str, str], ...] = ()


class Totals(msgspec.Struct, frozen=True):
    """The change set in numbers. A directory deleted or renamed as a whole counts as what lay inside."""

    created: int = 0
    changed: int = 0
    deleted: int = 0
    renamed: int = 0
    bytes_written: int = 0
    bytes_deleted: int = 0
    refused: int = 0  # of these, what no commit takes


class ChangeSet(msgspec.Struct, frozen=True):
    """All changes of a run, parents before children, and the directories that both sides have."""

    changes: tuple[Change, ...] = ()
    directories: tuple[Merged, ...] = ()

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    @property
    def totals(self) -> Totals:
        """Counted anew at each call."""
        counts = {"created": 0, "changed": 0, "deleted": 0, "renamed": 0}
        written = deleted = refused = 0
        for change in self.changes:
            word = change.what if change.what in counts else "changed"
            counts[word] += max(1, change.before.entries) if change.what in ("deleted", "renamed") else 1
            written += change.after.size if change.what in ("created", "changed", "replaced") else 0
            deleted += change.before.size if change.what in ("deleted", "replaced") else 0
            refused += not change.may_commit
        return Totals(**counts, bytes_written=written, bytes_deleted=deleted, refused=refused)

    def without(self, paths: Iterable[str]) -> ChangeSet:
        """What remains after these were committed."""
        gone = frozenset(paths)
        return ChangeSet(tuple(c for c in self.changes if c.path not in gone), self.directories)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it, replacing what was there in one step."""
        new = f"{os.fspath(path)}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(to_bytes(self))
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, path)


def load(path: str | os.PathLike[str]) -> ChangeSet:
    """What `save` wrote. Raises OSError, ValueError."""
    with open(path, "rb") as file:
        return from_bytes(file.read(), ChangeSet)


def to_bytes(value: Any) -> bytes:
    """JSON in ASCII, by the standard library: it carries names that are no UTF-8 (as lone surrogates) both ways."""
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=True, separators=(",", ":")).encode("ascii")


def from_bytes(raw: bytes, kind: type[T]) -> T:
    """The other way. Raises ValueError for anything that is not exactly it."""
    try:
        return msgspec.convert(json.loads(raw), kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(str(error)) from error


def shown(path: str) -> str:
    """A path as text that may go to a ledger or a terminal: escapes for control characters and undecodable bytes."""
    if path.isprintable() and "\\" not in path:
        return path
    parts = []
    for character in path:
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            parts.append(f"\\x{code - 0xDC00:02x}")
        elif character == "\\":
            parts.append("\\\\")
        elif character.isprintable():
            parts.append(character)
        else:
            parts.append(f"\\u{{{code:x}}}")
    return "".join(parts)


_KINDS: dict[int, Kind] = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}


def facts(seen: os.stat_result, target: str = "") -> Facts:
    """What `lstat` said. Positions, because this runs for each file twice."""
    mode = seen.st_mode
    return Facts(
        _KINDS.get(mode & 0o170000, "other"),
        seen.st_size if mode & 0o170000 != stat.S_IFDIR else 0,
        mode & 0o7777,
        seen.st_mtime_ns,
        seen.st_ino,
        seen.st_dev,
        seen.st_ctime_ns,
        seen.st_nlink,
        target,
    )


def look(name: str, directory: int) -> Facts:
    """One name in an open directory, never through a link; NOTHING when it is not there. Raises OSError."""
    try:
        seen = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return NOTHING
    target = os.readlink(name, dir_fd=directory) if stat.S_ISLNK(seen.st_mode) else ""
    return facts(seen, target)
