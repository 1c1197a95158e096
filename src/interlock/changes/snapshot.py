"""The working tree as a commit that nobody else sees: what an agent has made so far, before it is committed.

git is asked for names, and to keep objects in a folder of ours that goes away. The files are read and hashed here:
`git add` would run the repository's filters.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from interlock.changes.repo import Repo
from interlock.model.errors import StateError, UsageError

_LARGEST = 64 << 20  # bytes of one file; a larger one is left as the last commit has it
_FILES = 200_000
_WHO = {
    f"GIT_{who}_{what}": word
    for who in ("AUTHOR", "COMMITTER")
    for what, word in (("NAME", "iteration"), ("EMAIL", "iteration@invalid"), ("DATE", "2000-01-01T00:00:00Z"))
}


class Snapshot(NamedTuple):
    """A repository that has the commit, and the commit. `left`: files that were too large to be read."""

    repo: Repo
    commit: str
    tree: str
    left: tuple[str, ...]


@contextmanager
def snapshot(directory: str) -> Iterator[Snapshot]:
    """The working tree around a directory; it is there until the end of the block.

    Raises:
        UsageError: there is no working tree.
        NotFound: there is no commit yet.
        OperatorError: git cannot say.
        StateError: there are more files than are read.
    """
    top = Repo(directory).call("rev-parse", "--show-toplevel", fine=(0, 128)).decode("utf-8", "surrogateescape")
    if not top.strip():
        raise UsageError("a bare repository has no working tree. Name a range instead: interlock gate BASE..HEAD.")
    with tempfile.TemporaryDirectory(prefix="interlock-iteration-") as folder:
        os.mkdir(os.path.join(folder, "objects"))
        plain = Repo(top.rstrip("\n"))
        repo = Repo(plain.directory, settings={
            **_WHO, "GIT_INDEX_FILE": os.path.join(folder, "index"),
            "GIT_OBJECT_DIRECTORY": os.path.join(folder, "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.path.join(plain.folder, "objects"),
        })  # fmt: skip
        head = repo.commit("HEAD")
        rows, left = _rows(plain, repo, repo.listing(repo.tree(head)))
        repo.call("read-tree", head)
        repo.call("update-index", "-z", "--index-info", feed=b"".join(rows))
        tree = repo.call("write-tree").decode().strip()
        made = repo.call("commit-tree", tree, "-p", head, "-m", "iteration").decode().strip()
        yield Snapshot(repo, made, tree, left)


def _rows(plain: Repo, repo: Repo, held: dict[str, tuple[str, str]]) -> tuple[list[bytes], tuple[str, ...]]:
    """What differs from the last commit, as `git update-index --index-info` reads it."""
    names = plain.call("ls-files", "-z", "--cached", "--others", "--exclude-standard").split(b"\0")
    wanted = sorted(set(filter(None, names)) | {os.fsencode(path) for path in held})
    if len(wanted) > _FILES:
        raise StateError(f"the working tree has {len(wanted):,} files; {_FILES:,} are read. Judge commits: BASE..HEAD.")
    rows, left = [], []
    for name in wanted:
        path = os.fsdecode(name)
        mode, oid = held.get(path, ("", ""))
        found = _file(os.path.join(plain.directory, path))
        if mode == "160000" or found is _UNREAD:
            left += [path] * (mode != "160000")
        elif found is None:
            rows += [b"0 " + b"0" * (len(oid) or 40) + b"\t" + name + b"\0"] * bool(mode)
        elif (found[0], _oid(found[1], oid)) != (mode, oid) and not _same_lines(found, mode, oid):
            new = repo.call("hash-object", "-w", "--stdin", "--no-filters", feed=found[1]).strip()
            rows.append(found[0].encode() + b" " + new + b"\t" + name + b"\0")
    return rows, tuple(left)


_UNREAD = ("", b"")


def _file(path: str) -> tuple[str, bytes] | None:
    """Mode and content as git keeps them; None where nothing is, `_UNREAD` what cannot be read or is too large."""
    try:
        facts = os.lstat(path)
        if stat.S_ISLNK(facts.st_mode):
            return "120000", os.fsencode(os.readlink(path))
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST:
            return _UNREAD
        with open(path, "rb") as file:
            return "100755" if facts.st_mode & stat.S_IXUSR else "100644", file.read(_LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return _UNREAD


def _oid(content: bytes, like: str) -> str:
    """The name that git gives a content, by the hash of the other name."""
    name = "sha256" if len(like) == 64 else "sha1"
    return hashlib.new(name, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _same_lines(found: tuple[str, bytes], mode: str, oid: str) -> bool:
    """Whether it differs only by the ends of its lines, which git was asked to write so."""
    return found[0] == mode and b"\r\n" in found[1] and _oid(found[1].replace(b"\r\n", b"\n"), oid) == oid
