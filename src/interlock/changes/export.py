"""A tree of the change as files in a folder, for programs that need them: written here, never checked out by git.

git's checkout would run filters; and what a tree says of its paths is the change's own word.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from interlock.changes.change import Change

_MOST = 1 << 30  # bytes of a tree


class TooLarge(Exception):
    """The tree is more than is laid out; the message says how much that is."""


def lay(
    change: Change, folder: Path, *, after: bool, other: Mapping[str, bytes | None] | None = None,
    only: Iterable[str] | None = None,
) -> None:  # fmt: skip
    """Write a side of the change into an empty folder; `other` stands instead of its own files (None: nothing does).
    `only`: no more of its own files than these, and no links.

    Submodules are left out, and files larger than the gate reads.

    Raises:
        TooLarge: it is more than anybody wants to test.
    """
    paths = change.paths(after=after) if only is None else only
    held = dict(change.reads(paths, after=after)) | dict(other or {})
    if sum(len(content or b"") for content in held.values()) > _MOST:
        raise TooLarge(f"the tree has more than {_MOST >> 30} GiB of files")
    for path, content in held.items():
        if content is not None and _plain(path):
            where = folder / path
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_bytes(content)
            if change.executable(path, after=after):
                where.chmod(0o755)
    links = change.links(after=after) if only is None else {}
    for path, leads in links.items():  # last: nothing is written through one
        where = folder / path
        if _plain(path) and not os.path.lexists(where):
            where.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(leads, os.fsencode(where))


def _plain(path: str) -> bool:
    """Whether it stays in the folder; a tree that somebody made by hand may say anything."""
    return all(part not in ("", ".", "..") and part.lower() != ".git" for part in path.split("/"))
