"""A git repository as undo sees it: refs, HEAD, stash and index at one moment, and how each is put back.

Everything goes through git's own plumbing, so that every format of refs is right; how git is called (scrubbed, without
hooks, filters or monitors) is the caller's business and comes in as `Call`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from interlock.model.errors import StateError

STASH = "refs/stash"
NONE = ""  # the value of a ref that is not there
_PREFIX = "ref: "
_OWN = "refs/interlock/"
_MOST = 64 << 20  # bytes of one listing
_WHO = {"GIT_COMMITTER_NAME": "Interlock", "GIT_COMMITTER_EMAIL": "interlock@localhost"}
_LOG_LINE = re.compile(rb"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (.*) <(.*)> (\d+) ([+-]\d{4})\t?(.*)", re.DOTALL)


class Call(Protocol):
    """Runs one git command. Raises StateError when it cannot be run, or ends with another status than `fine` ones."""

    def __call__(
        self,
        directory: str,
        *words: str,
        feed: bytes = b"",
        settings: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (0,),
        most: int = _MOST,
    ) -> bytes: ...


class Repository(msgspec.Struct, frozen=True):
    """Where a repository is: its working tree, its own git directory, and the one it shares with its worktrees."""

    top: str
    folder: str
    common: str
    index: str


class Snapshot(msgspec.Struct, frozen=True):
    """What undo puts back of a repository. `listing` is a digest over the index's entries, without their times."""

    where: Repository
    head: str
    refs: dict[str, str]
    stash: tuple[bytes, ...] = ()  # the lines of its log, the oldest first
    listing: str = ""


def find(call: Call, directory: str) -> Repository:
    """The repository around a directory. Raises StateError when there is none, or it has no working tree."""
    asked = ("--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir", "--git-path", "index")
    said = os.fsdecode(call(directory, "rev-parse", *asked)).splitlines()
    if len(said) != 4:
        raise StateError("git says nothing clear about where this repository lies.")
    top, folder, common = (os.path.realpath(path) for path in said[:3])
    return Repository(top, folder, common, said[3])


def snapshot(call: Call, where: Repository) -> Snapshot:
    """The repository now. Raises StateError."""
    refs = {}
    for line in call(where.top, "for-each-ref", "--format=%(refname) %(objectname) %(symref)").decode().splitlines():
        name, value, symbolic = line.split(" ", 2)
        if not name.startswith(_OWN):
            refs[name] = _PREFIX + symbolic if symbolic else value
    stashed = stash(call, where)
    if stashed:
        refs.pop(STASH, None)  # its log says more: the whole stack
    entries = call(where.top, "ls-files", "-s", "-v", "-z")
    return Snapshot(where, head(call, where), refs, stashed, hashlib.sha256(entries).hexdigest())


def head(call: Call, where: Repository) -> str:
    """`ref: refs/heads/x`, or the commit of a detached HEAD."""
    symbolic = call(where.top, "symbolic-ref", "-q", "HEAD", fine=(0, 1)).decode().strip()
    if symbolic:
        return _PREFIX + symbolic
    return call(where.top, "rev-parse", "-q", "--verify", "HEAD", fine=(0, 1)).decode().strip()


def stash(call: Call, where: Repository) -> tuple[bytes, ...]:
    """The stack of stashes, as the lines of its log."""
    path = os.fsdecode(call(where.top, "rev-parse", "--path-format=absolute", "--git-path", "logs/refs/stash")).strip()
    try:
        with open(path, "rb") as file:
            return tuple(file.read(_MOST).splitlines())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StateError(f"cannot read the stash's log: {error.strerror}.") from error


def commits(found: Snapshot) -> set[str]:
    """Every object that refs, HEAD and stash name."""
    named = {value for value in (*found.refs.values(), found.head) if is_commit(value)}
    return named | {match[2].decode() for line in found.stash if (match := _LOG_LINE.match(line))}


def is_commit(value: str) -> bool:
    """Whether a value names an object, and no other ref."""
    return bool(value) and not value.startswith(_PREFIX)


def put_refs(call: Call, where: Repository, to: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Set, make and remove refs, each only while it is what `now` says. Raises StateError: none was changed."""
    gone = [name for name in to if to[name] == NONE]
    plain = [name for name in to if to[name] and not to[name].startswith(_PREFIX)]
    for names in (gone, plain):  # a branch `a` can only be made once `a/b` is gone
        lines = []
        for name in names:
            old = "" if now.get(name, "").startswith(_PREFIX) else now.get(name, "")
            word = "delete" if to[name] == NONE else "update" if old else "create"
            lines.append("option no-deref\0" + "\0".join(p for p in (f"{word} {name}", to[name]) if p) + "\0")
            if word != "create":
                lines.append(f"{old}\0")
        if lines:
            feed = "".join(lines).encode()
            call(where.top, "update-ref", "-m", "interlock undo", "--stdin", "-z", feed=feed, settings=_WHO)
    for name, value in to.items():
        if value.startswith(_PREFIX):
            call(where.top, "symbolic-ref", name, value.removeprefix(_PREFIX), settings=_WHO)


def put_head(call: Call, where: Repository, to: str) -> None:
    """Let HEAD be a branch, or a commit. Raises StateError."""
    if to.startswith(_PREFIX):
        call(where.top, "symbolic-ref", "-m", "interlock undo", "HEAD", to.removeprefix(_PREFIX), settings=_WHO)
    elif to:
        call(where.top, "update-ref", "-m", "interlock undo", "--no-deref", "HEAD", to, settings=_WHO)


def put_stash(call: Call, where: Repository, lines: Iterable[bytes]) -> None:
    """Build the stack of stashes anew, each with its own author, time and message. Raises StateError."""
    call(where.top, "update-ref", "-d", STASH, fine=(0, 1))
    for line in lines:
        match = _LOG_LINE.fullmatch(line)
        if match is None:
            raise StateError("the stash's log holds a line that is none of git's.")
        _, new, name, mail, when, zone, message = (os.fsdecode(part) for part in match.groups())
        author = {
            "GIT_COMMITTER_NAME": name or "?",
            "GIT_COMMITTER_EMAIL": mail,
            "GIT_COMMITTER_DATE": f"{when} {zone}",
        }
        call(where.top, "update-ref", "--create-reflog", "-m", message, STASH, new, settings=author)


def put_index(where: Repository, raw: bytes) -> None:
    """Replace the index by these bytes, as git does it: whoever holds its lock comes first. Raises StateError.

    The lock appears whole (a link), so that one which a crash left is known by its content.
    """
    lock = f"{where.index}.lock"
    new = f"{where.index}.{secrets.token_hex(8)}"
    try:
        with open(
            os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            file.write(raw)
            os.fchmod(file.fileno(), _mode(where))
            file.flush()
            os.fsync(file.fileno())
        _lock(new, lock, raw)
        if raw:
            os.rename(lock, where.index)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(where.index)
            os.unlink(lock)
    except OSError as error:
        raise StateError(f"cannot write git's index: {error.strerror}. Check the space and the owner.") from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(new)


def _lock(new: str, lock: str, raw: bytes) -> None:
    try:
        os.link(new, lock)
    except FileExistsError:
        with open(lock, "rb") as file:
            ours = bool(raw) and file.read(len(raw) + 1) == raw
        if not ours:
            raise StateError(f"git's index is locked. If no git command runs, remove {lock} and undo again.") from None


def _mode(where: Repository) -> int:
    try:
        return os.stat(where.index).st_mode & 0o777
    except FileNotFoundError:
        return 0o666 & os.stat(where.folder).st_mode
