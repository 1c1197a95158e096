"""What a repository's refs name, read from its files: in a millisecond, and without starting git.

Only git's usual format is read. A repository in another one (reftable) names nothing here: nothing is then known of it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

_ID = re.compile(rb"(?:[0-9a-f]{40}|[0-9a-f]{64})")
_REFS = 20_000
_PACKED = 16 << 20  # bytes of packed-refs
_SMALL = 4 << 10
_OWN = b"interlock"  # refs of restore points


class Place(NamedTuple):
    """A repository around a directory: its top, its git directory, and the one that it shares with its worktrees."""

    top: str
    folder: str
    common: str


def find(directory: str) -> Place | None:
    """The repository around a real directory; None where there is none."""
    top = directory
    while True:
        git = os.path.join(top, ".git")
        if os.path.isdir(git):
            return Place(top, os.path.realpath(git), os.path.realpath(git))
        if os.path.isfile(git):
            return _worktree(top, git)
        if top == "/":
            return None
        top = os.path.dirname(top)


def named(place: Place) -> set[str]:
    """Every object that a ref or a detached HEAD names. Never raises: what cannot be read names nothing."""
    if os.path.isdir(os.path.join(place.common, "reftable")):
        return set()
    found = {_first(os.path.join(place.folder, "HEAD"))}
    for line in _read(os.path.join(place.common, "packed-refs"), _PACKED).splitlines():
        value, _, name = line.partition(b" ")
        if not name.startswith(b"refs/" + _OWN):
            found.add(_id(value))
    found |= {_first(path) for path in _loose(place.common)}
    return {value for value in found if value}


def _worktree(top: str, git: str) -> Place | None:
    said = os.fsdecode(_read(git, _SMALL)).strip()
    if not said.startswith("gitdir: "):
        return None
    folder = os.path.realpath(os.path.join(top, said.removeprefix("gitdir: ")))
    common = os.fsdecode(_read(os.path.join(folder, "commondir"), _SMALL)).strip()
    return Place(top, folder, os.path.realpath(os.path.join(folder, common)) if common else folder)


def _loose(common: str) -> Iterator[str]:
    left = _REFS
    for folder, names, files in os.walk(os.path.join(common, "refs")):
        if folder == os.path.join(common, "refs") and _OWN.decode() in names:
            names.remove(_OWN.decode())
        for name in files:
            left -= 1
            if left < 0:
                return
            yield os.path.join(folder, name)


def _first(path: str) -> str:
    return _id(_read(path, _SMALL).partition(b"\n")[0])


def _id(value: bytes) -> str:
    return value.decode() if _ID.fullmatch(value) else ""


def _read(path: str, most: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            return file.read(most) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""
