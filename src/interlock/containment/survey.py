"""One directory as a whole: how much lies inside, how young, and a digest that says whether it is still the same.

The digest covers names, kinds, sizes, modes, link targets and times of files, not contents (a size and a time in
nanoseconds are the witness, as they are for make and git) and not the times of directories, which change when something
is made and removed again inside.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from interlock.containment.change import Facts, facts
from interlock.containment.descent import LISTED, Descent

Secret = Callable[[str], bool]  # whether what a path (relative to the workspace) holds may not be copied anywhere


class Survey(NamedTuple):
    """What a walk through a directory found."""

    facts: Facts
    newest: int  # the youngest ctime of anything inside, and of itself
    mounted: bool  # another file system lies inside
    secrets: tuple[str, ...]  # paths for which `secret` said yes


def survey(parent: int, name: str, path: str, secret: Secret | None = None) -> Survey:
    """Walk through `name` in an open directory; `path` is what `secret` is asked about. Raises OSError."""
    root = os.open(name, LISTED, dir_fd=parent)
    try:
        return _walk(root, path, secret)
    finally:
        os.close(root)


def empty(seen: Facts) -> Facts:
    """A directory's facts as a survey would give them if nothing were inside."""
    return msgspec.structs.replace(seen, size=0, entries=0, digest=hashlib.sha256().hexdigest())


def _walk(root: int, path: str, secret: Secret | None) -> Survey:
    own = os.fstat(root)
    newest, size, entries, mounted = own.st_ctime_ns, 0, 0, False
    secrets: list[str] = []
    seen = hashlib.sha256()
    waiting = [""]
    with Descent(root, LISTED) as tree:
        while waiting:
            inside = waiting.pop()
            fd = tree.at(inside)
            with os.scandir(fd) as listed:
                found = sorted(listed, key=lambda entry: entry.name)
            below = []
            for entry in found:
                one = entry.stat(follow_symlinks=False)
                kind = stat.S_IFMT(one.st_mode)
                entries += 1
                newest = max(newest, one.st_ctime_ns)
                mounted |= one.st_dev != own.st_dev
                name = f"{inside}/{entry.name}" if inside else entry.name
                target = os.readlink(entry.name, dir_fd=fd) if kind == stat.S_IFLNK else ""
                if kind == stat.S_IFDIR:
                    below.append(name)
                    line = f"{name}\0{one.st_mode}\0"
                else:
                    size += one.st_size if kind == stat.S_IFREG else 0
                    line = f"{name}\0{one.st_mode}\0{one.st_size}\0{one.st_mtime_ns}\0{target}\0"
                    if secret is not None and secret(f"{path}/{name}"):
                        secrets.append(f"{path}/{name}")
                seen.update(line.encode("utf-8", "surrogateescape"))
            waiting.extend(reversed(below))
    whole = msgspec.structs.replace(facts(own), size=size, entries=entries, digest=seen.hexdigest())
    return Survey(whole, newest, mounted, tuple(secrets))
