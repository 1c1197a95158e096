"""The git CLI, asked without giving the repository a say in what runs.

A repository that an agent can write carries configuration that executes: `core.fsmonitor`, hooks, filters, pagers,
aliases. Only plumbing commands that need none of them are used, with what could execute switched off for the call, and
file contents are compared by hashing them here, because `git status` runs clean filters.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import NamedTuple

from interlock.preview.finding import Tools, Unseen

OFF = tuple(
    word
    for setting in (
        "core.fsmonitor=false",
        "core.hooksPath=/dev/null",
        "core.pager=cat",
        "core.editor=false",
        "core.untrackedCache=false",
        "core.sshCommand=false",
        "core.alternateRefsCommand=",
        "protocol.allow=never",
        "credential.helper=",
        "diff.external=",
        "gpg.program=false",
        "log.showSignature=false",
    )
    for word in ("-c", setting)
)
SETTINGS = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
}
_HASHED = 256 << 20  # bytes that one look compares
_LARGE = 32 << 20  # a single file above this is not compared but taken for changed


class Staged(NamedTuple):
    """One entry of the index."""

    path: str
    object: str


class Git:
    """One repository, around `directory`."""

    def __init__(self, directory: str, tools: Tools) -> None:
        self._tools = tools
        self._directory = directory
        self.top = self._one("rev-parse", "--show-toplevel")
        self._hashed = 0

    def ask(self, *words: str, fine: tuple[int, ...] = (0,)) -> str:
        """The output of one plumbing command.

        Raises:
            Unseen: git is not there, there is no repository, or it said no.
        """
        found = self._tools.run(("git", *OFF, *words), self._directory, settings=SETTINGS)
        if found.status not in fine:
            raise Unseen("git could not say" if words[0] != "rev-parse" else "there is no git repository here")
        return found.text

    def _one(self, *words: str) -> str:
        return self.ask(*words).strip("\n")

    def tracked(self, path: str) -> list[Staged]:
        """What the index holds at or below an absolute path."""
        listed = self.ask("ls-files", "-z", "-s", "--full-name", "--", f":(top,literal){self._within(path)}")
        rows = [row.split("\t", 1) for row in listed.split("\0") if "\t" in row]
        return [Staged(name, facts.split(" ")[1]) for facts, name in rows if facts.split(" ")[2:] == ["0"]]

    def uncommitted(self, path: str) -> list[str]:
        """Tracked files below a path whose content, staged or not, no commit holds.

        Raises:
            Unseen: a merge is under way, or there is no commit yet: what would be lost cannot be told.
        """
        where = f":(top,literal){self._within(path)}"
        if self.ask("ls-files", "-z", "--unmerged", "--", where):
            raise Unseen("a merge is under way")
        staged = self.ask("diff-index", "--cached", "--name-only", "-z", "HEAD", "--", where).split("\0")
        changed = [entry.path for entry in self.tracked(path) if not self.has(entry)]
        return sorted({*changed, *filter(None, staged)})

    def _within(self, path: str) -> str:
        inside = os.path.relpath(os.path.realpath(path), os.path.realpath(self.top))
        if inside == ".." or inside.startswith("../"):
            raise Unseen("it lies outside of the git repository")
        return "" if inside == "." else inside

    def has(self, entry: Staged) -> bool:
        """Whether the file on the disk is, to the byte, what git keeps. Raises Unseen when the look grows too large."""
        full = os.path.join(self.top, entry.path)
        try:
            facts = os.lstat(full)
            if stat.S_ISLNK(facts.st_mode):
                return _object(os.readlink(full).encode("utf-8", "surrogateescape"), entry.object) == entry.object
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGE:
                return False
            self._hashed += facts.st_size
            if self._hashed > _HASHED or not self._tools.deadline.left():
                raise Unseen("there is too much to compare")
            with open(full, "rb") as file:
                return _object(file.read(_LARGE + 1), entry.object) == entry.object
        except OSError:
            return False

    def count(self, *words: str) -> int:
        """A number that git prints. Raises Unseen."""
        try:
            return int(self._one(*words))
        except ValueError:
            raise Unseen("git could not count") from None

    def knows(self, ref: str) -> bool:
        """Whether a ref names a commit here."""
        shown = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", fine=(0, 1, 128))
        return bool(shown.strip())


def _object(raw: bytes, like: str) -> str:
    """The name that git gives a blob (SHA-1, or SHA-256 in repositories of that format)."""
    blob = b"blob %d\0" % len(raw) + raw
    return (
        hashlib.sha256(blob).hexdigest() if len(like) == 64 else hashlib.sha1(blob, usedforsecurity=False).hexdigest()
    )
