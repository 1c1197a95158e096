"""The repository that is judged, read through git's plumbing without letting it run or hide anything.

It may be hostile: its configuration, attributes, replacements, grafts and commit graph are written by whoever works in
it. Nothing here reads the working tree, so no filter, hook, monitor or driver has an occasion to run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from interlock.model.errors import NotFound, OperatorError, UsageError
from interlock.preview.finding import Deadline, Unseen
from interlock.preview.git import OFF, SETTINGS
from interlock.preview.process import Machine

_SECONDS = 30.0  # of one command; a diff of 500 files in a repository of 100,000 lines takes 0.1
_MOST = 256 << 20
# Beside what looks switch off: a commit graph that someone wrote can lie about parents; files of orders, attributes and
# mailmaps change what a diff shows.
_MORE = tuple(
    word
    for setting in (
        "core.commitGraph=false",
        "core.attributesFile=/dev/null",
        "diff.orderFile=/dev/null",
        "core.quotePath=false",
    )
    for word in ("-c", setting)
)
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# A server's hook runs before the objects have come to stay: where they wait is told by git, to its hooks alone.
QUARANTINE = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")


class Repo:
    """One repository, bare or not, around a directory."""

    def __init__(self, directory: str, *, settings: Mapping[str, str] | None = None) -> None:
        """`settings`: variables of a server's hook (`QUARANTINE`). Raises UsageError where there is no repository."""
        self.directory = os.path.realpath(directory)
        self._settings = {**SETTINGS, **(settings or {})}
        status, said = self._run(("rev-parse", "--path-format=absolute", "--git-common-dir"))
        if status:
            raise UsageError(
                f"there is no git repository at {self.directory}, or git does not trust its owner. "
                "Go into the repository; `git status` says what is wrong."
            )
        self.folder = os.fsdecode(said).strip("\n")

    def call(self, *words: str, feed: bytes = b"", fine: tuple[int, ...] = (0,), most: int = _MOST) -> bytes:
        """One plumbing command. Raises OperatorError where it fails."""
        status, said = self._run(words, feed, most)
        if status not in fine:
            raise OperatorError(
                f"git {words[0]} said no (exit {status}) in {self.directory}. `git fsck` shows whether it is sound."
            )
        return said

    def _run(self, words: tuple[str, ...], feed: bytes = b"", most: int = _MOST) -> tuple[int, bytes]:
        machine = Machine(Deadline(_SECONDS), never_from=(self.directory,))
        try:
            return machine.take(
                ("git", *OFF, *_MORE, *words), self.directory, settings=self._settings, feed=feed, most=most
            )
        except Unseen as error:
            raise OperatorError(f"git could not be asked: {error}.") from error

    def commit(self, name: str) -> str:
        """The commit that a name means. Raises NotFound."""
        said = self.call("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", fine=(0, 1, 128))
        found = said.decode("ascii", "replace").strip()
        if not _OID.fullmatch(found):
            raise NotFound(
                f"{name!r} names no commit here.{self._perhaps_shallow()} `git fetch` brings what is missing."
            )
        return found

    def fork(self, base: str, head: str) -> list[str]:
        """The commits where two histories part (several after criss-cross merges). Raises NotFound: there is none."""
        found = self.call("merge-base", "--all", base, head, fine=(0, 1)).decode().split()
        if not found:
            raise NotFound(
                f"{base[:12]} and {head[:12]} have no commit in common.{self._perhaps_shallow()} "
                "Name a base that the change was made on."
            )
        return found

    def _perhaps_shallow(self) -> str:
        return " This clone is shallow: `git fetch --unshallow` brings the history." if self.shallow else ""

    @property
    def shallow(self) -> bool:
        """Whether history was cut off."""
        return self.call("rev-parse", "--is-shallow-repository").strip() == b"true"

    @property
    def grafted(self) -> bool:
        """Whether a file of grafts pretends other parents."""
        return os.path.lexists(os.path.join(self.folder, "info", "grafts"))

    def tree(self, commit: str) -> str:
        """The tree of a commit."""
        return self.trees((commit,))[commit]

    def trees(self, commits: Iterable[str]) -> dict[str, str]:
        """commit -> its tree, for full names; git is asked once for all of them."""
        named = sorted(set(commits))
        said = self.call("rev-parse", *(f"{commit}^{{tree}}" for commit in named)).decode().split()
        return dict(zip(named, said, strict=True))

    def default(self) -> str:
        """The branch that changes go to: the remote's own, or a branch with a usual name. Raises NotFound."""
        said = self.call("symbolic-ref", "-q", "refs/remotes/origin/HEAD", fine=(0, 1)).decode().strip()
        names = [said] if said else []
        names += [f"refs/remotes/origin/{n}" for n in ("main", "master")] + [
            f"refs/heads/{n}" for n in ("main", "master")
        ]
        for name in names:
            if self.call("rev-parse", "--verify", "--quiet", "--end-of-options", name, fine=(0, 1, 128)).strip():
                return name
        raise NotFound("nothing says what this change is to be merged into. Name it: `interlock gate BASE..HEAD`.")

    def listing(self, tree: str) -> dict[str, tuple[str, str]]:
        """path -> (mode, object) of every file, link and submodule of a tree."""
        out = {}
        for row in self.call("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
            if row:
                facts, _, name = row.partition(b"\t")
                mode, _, oid = facts.decode().split(" ")
                out[os.fsdecode(name)] = (mode, oid)
        return out

    def blobs(self, oids: Iterable[str], most: int) -> dict[str, tuple[int, bytes | None]]:
        """object -> (size, content); the content is None above `most` bytes, and the size -1 where it is not there."""
        wanted = sorted(set(oids))
        if not wanted:
            return {}
        feed = "".join(f"{oid}\n" for oid in wanted).encode()
        sizes: dict[str, int] = {}
        for oid, row in zip(
            wanted, self.call("cat-file", "--batch-check", feed=feed).decode().splitlines(), strict=True
        ):
            words = row.split(" ")
            sizes[oid] = int(words[2]) if len(words) == 3 and words[1] == "blob" else -1
        small = [oid for oid in wanted if 0 <= sizes[oid] <= most]
        content = self._contents(small) if small else {}
        return {oid: (sizes[oid], content.get(oid)) for oid in wanted}

    def commits(self, base: str, head: str, most: int) -> dict[str, bytes]:
        """name -> object of at most so many commits that are in `head` and not in `base`, the newest first."""
        said = self.call("rev-list", f"--max-count={most}", head, f"^{base}").decode().split()
        return self._contents(said) if said else {}

    def notes(self, ref: str, commits: Iterable[str], most: int) -> dict[str, bytes]:
        """commit -> note; what is larger than `most` bytes is empty."""
        wanted = set(commits)
        rows = [row.split(" ") for row in self.call("notes", f"--ref={ref}", "list", fine=(0, 1)).decode().splitlines()]
        named = {row[1]: row[0] for row in rows if len(row) == 2 and row[1] in wanted}
        found = self.blobs(named.values(), most)
        return {commit: found[oid][1] or b"" for commit, oid in named.items()}

    def _contents(self, oids: list[str]) -> dict[str, bytes]:
        raw = self.call("cat-file", "--batch", feed="".join(f"{oid}\n" for oid in oids).encode())
        found, at = {}, 0
        for oid in oids:
            stop = raw.index(b"\n", at)
            size = int(raw[at:stop].split(b" ")[2])
            found[oid] = raw[stop + 1 : stop + 1 + size]
            at = stop + 1 + size + 1
        return found
