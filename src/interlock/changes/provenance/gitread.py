"""The repository, as provenance reads it: contents, history and what moved HEAD. Nothing here writes, or runs anything
of the repository's own: how git is called (scrubbed, without hooks, filters or monitors) comes in as `Call`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from interlock.changes.provenance.text import LARGEST
from interlock.model.errors import NotFound, StateError

_MOST = 64 << 20
_COMMITS = 2_000  # of one file's history that are walked; what is older is unknown
_REFLOG = 8 << 20  # bytes of the end of HEAD's log that are read
_FILE_MODES = (b"100644", b"100755")
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LOG_LINE = re.compile(rb"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [^\n]*?> \d+ [+-]\d{4}(?:\t([^\n]*))?")
_PLAIN = ("-c", "core.commitGraph=false", "-c", "core.quotePath=false")  # someone may have written a graph that lies
_PACKED = 1 << 20  # bytes of `packed-refs` that are read here; git reads larger ones


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


class Moved(NamedTuple):
    """One line of HEAD's log: from which commit to which, and what git says did it (`commit (amend)`)."""

    old: str
    new: str
    how: str


class Facts(NamedTuple):
    """A commit's own words. `author` is a digest of who wrote it and when, which a rebase keeps."""

    commit: str
    tree: str
    parents: tuple[str, ...]
    author: str
    time: int
    message: str


class Repo(NamedTuple):
    """A repository around a directory: its working tree, its git directory, and the one its worktrees share."""

    call: Call
    top: str
    folder: str
    common: str

    def git(self, *words: str, feed: bytes = b"", fine: tuple[int, ...] = (0,), most: int = _MOST) -> bytes:
        """One command in the working tree. Raises StateError."""
        return self.call(self.top, *_PLAIN, *words, feed=feed, fine=fine, most=most)

    def commit(self, revision: str) -> str:
        """The commit that a person means. Raises NotFound."""
        if revision.startswith("-") or "\0" in revision:
            raise NotFound(f"{revision!r} names no commit.")
        said = self.git("rev-parse", "-q", "--verify", f"{revision}^{{commit}}", fine=(0, 1, 128))
        name = said.decode("ascii", "replace").strip()
        if not _OID.fullmatch(name):
            raise NotFound(f"{revision!r} names no commit of this repository. `git log --oneline` lists them.")
        return name

    def head(self) -> str:
        """The commit that is checked out; "" where there is none yet."""
        known = self._head_file()
        if known is not None:
            return known
        try:
            return self.commit("HEAD")
        except NotFound:
            return ""

    def _head_file(self) -> str | None:
        """What git's plain files say is checked out, without asking git, since this is looked at on every edit.

        None where they do not say: symbolic once more, or kept in another way.
        """
        said = _first_line(os.path.join(self.folder, "HEAD"))
        if said.startswith("ref: refs/heads/") and ".." not in said:
            name = said.removeprefix("ref: ")
            said = _first_line(os.path.join(self.common, name)) or self._packed(name)
            if not said and not os.path.lexists(os.path.join(self.common, "reftable")):
                return ""  # no commit yet
        return said if _OID.fullmatch(said) else None

    def _packed(self, name: str) -> str:
        """A ref as `packed-refs` has it; "" where it has not, "?" where that cannot be told."""
        try:
            with open(os.path.join(self.common, "packed-refs"), "rb") as file:
                raw = file.read(_PACKED + 1)
        except FileNotFoundError:
            return ""
        except OSError:
            return "?"
        ending = b" " + os.fsencode(name)
        found = next((line for line in raw.split(b"\n") if line.endswith(ending)), b"")
        return found.removesuffix(ending).decode("ascii", "replace") if found else "?" * (len(raw) > _PACKED)

    def blob(self, commit: str, path: str) -> bytes | None:
        """A file's content in a commit; None where there is no file of that name, or it is too large."""
        said = self.git("ls-tree", "-z", "-l", "--full-tree", commit, "--", f":(top,literal){path}", fine=(0, 128))
        for row in said.split(b"\0"):
            facts, tab, name = row.partition(b"\t")
            parts = facts.split()
            if tab and os.fsdecode(name) == path and len(parts) == 4 and parts[0] in _FILE_MODES:
                if not parts[3].isdigit() or int(parts[3]) > LARGEST:
                    return None
                return self.git("cat-file", "blob", parts[2].decode("ascii"), most=LARGEST + 1)
        return None

    def changed(self, most: int) -> list[str] | None:
        """The paths that differ from HEAD, and those git does not know yet; None where there are more than `most`."""
        words = ("--untracked-files=all", "--ignore-submodules=all", "--no-renames", "--no-ahead-behind")
        raw = self.git("--no-optional-locks", "status", "--porcelain", "-z", *words)
        names = sorted({os.fsdecode(row[3:]) for row in raw.split(b"\0") if row})
        return names if len(names) <= most else None

    def history(self, commit: str, path: str) -> list[tuple[str, tuple[str, ...]]]:
        """The commits that changed a path, the newest first, each with its parents among them."""
        raw = self.git(
            "rev-list", "--parents", f"--max-count={_COMMITS}", commit, "--", f":(top,literal){path}", fine=(0, 128)
        )
        rows = [line.split() for line in raw.decode("ascii", "replace").splitlines()]
        return [(row[0], tuple(row[1:])) for row in rows if row]

    def before_rename(self, commit: str, path: str) -> tuple[str, str] | None:
        """Where a file that appears in a commit came from: (parent, path there); None where it came from nowhere."""
        parents = self.facts([commit])[0].parents
        for parent in parents[:1]:
            raw = self.git("diff-tree", "-r", "-M", "-l1000", "--diff-filter=R", "--name-status", "-z", parent, commit)
            parts = raw.split(b"\0")
            for at in range(0, len(parts) - 2, 3):
                if os.fsdecode(parts[at + 2]) == path:
                    return parent, os.fsdecode(parts[at + 1])
        return None

    def facts(self, commits: Sequence[str]) -> list[Facts]:
        """What these commits say of themselves. Raises StateError for one that is not there."""
        if not commits:
            return []
        form = "%H%x00%T%x00%P%x00%an%x01%ae%x01%at%x00%ct%x00%B%x00%x02"
        words = ("log", "--no-walk=unsorted", "--no-show-signature", "--no-notes", "--no-mailmap", f"--format={form}")
        raw = self.git(*words, "--stdin", feed="".join(f"{name}\n" for name in commits).encode(), most=_MOST)
        found = []
        for row in raw.split(b"\0\x02"):
            parts = row.lstrip(b"\n").split(b"\0")
            if len(parts) >= 6:
                commit, tree, parents, author, time = (part.decode("utf-8", "replace") for part in parts[:5])
                message = b"\0".join(parts[5:]).decode("utf-8", "replace")
                found.append(Facts(commit, tree, tuple(parents.split()), author, _number(time), message))
        if len(found) != len(commits):
            raise StateError("git does not show every commit that was asked for. `git fsck` shows whether it is sound.")
        return found

    def raw(self, commit: str) -> bytes:
        """The commit object itself. Raises StateError."""
        return self.git("cat-file", "commit", commit)

    def touched(self, commit: str) -> list[str]:
        """The paths that a commit brought in: against its first parent, or all of a first commit."""
        words = ("diff-tree", "--root", "-r", "-m", "--first-parent", "--no-commit-id", "--name-only")
        raw = self.git(*words, "--diff-filter=d", "-z", commit)
        return [os.fsdecode(name) for name in raw.split(b"\0") if name]

    def shallow(self) -> frozenset[str]:
        """The commits whose parents were not fetched."""
        try:
            with open(os.path.join(self.common, "shallow"), "rb") as file:
                return frozenset(file.read(_MOST).decode("ascii", "replace").split())
        except OSError:
            return frozenset()

    def moves(self) -> list[Moved]:
        """HEAD's own log, the oldest first; none where git keeps none."""
        try:
            with open(os.path.join(self.folder, "logs", "HEAD"), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - _REFLOG))
                lines = file.read(_REFLOG).split(b"\n")
        except OSError:
            return []
        rows = [match for line in lines if (match := _LOG_LINE.fullmatch(line))]
        return [Moved(row[1].decode(), row[2].decode(), (row[3] or b"").decode("utf-8", "replace")) for row in rows]

    def log_mark(self) -> tuple[int, int]:
        """What changes when HEAD moves: size and time of its log."""
        try:
            seen = os.stat(os.path.join(self.folder, "logs", "HEAD"))
        except OSError:
            return (0, 0)
        return (seen.st_size, seen.st_mtime_ns)


def around(directory: str) -> str:
    """The nearest directory that git may take for a working tree; "" where there is none, and git finds none either.

    It holds a `.git` that is a file, or a directory with a `HEAD`: git passes over any other.
    """
    if not os.path.isabs(directory):
        return ""
    path = os.path.realpath(directory)
    while not _may_be_one(os.path.join(path, ".git")):
        if path == "/":
            return ""
        path = os.path.dirname(path)
    return path


def _may_be_one(folder: str) -> bool:
    return os.path.lexists(os.path.join(folder, "HEAD")) or os.path.isfile(folder)


def find(call: Call, directory: str) -> Repo | None:
    """The repository around a directory; None where there is none, or it has no working tree."""
    if not around(directory):
        return None
    asked = ("--path-format=absolute", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    try:
        said = os.fsdecode(call(directory, "rev-parse", *asked)).splitlines()
    except StateError:
        return None
    if len(said) != 3:
        return None
    return Repo(call, *(os.path.realpath(path) for path in said))


def within(repo: Repo, path: str) -> str | None:
    """A path as the repository names it; None for one that lies outside, or in its git directory."""
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    if not real.startswith(repo.top.rstrip("/") + "/"):
        return None
    relative = os.path.relpath(real, repo.top)
    return None if relative.split("/")[0] == ".git" else relative


def _first_line(path: str) -> str:
    """The first line of a small file; "" where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(4_096).partition(b"\n")[0].decode("ascii", "replace").strip()
    except (OSError, ValueError):
        return ""


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else 0
