"""What the ledger says of repositories: states of files, commits, and where nobody looked. A projection, no memory.

Three kinds of entry: `repository` (first seen, with the commit that was checked out), `edit` (a file became something
else, by whom, and the state that says so line by line), `commit` (HEAD moved to a commit that is new, by whom, how).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec

EDIT = "edit"
COMMIT = "commit"
REPOSITORY = "repository"
KINDS = (REPOSITORY, EDIT, COMMIT)
_STATES = 200  # of one path that are remembered; the oldest are left to the ledger
_PATH = 1_000  # bytes of a path in an entry


class Edit(msgspec.Struct, frozen=True):
    """A file became `content`. `state` is "" where it has no lines: binary, too large, secret, gone."""

    entry: int
    top: str
    path: str
    content: str
    state: str
    head: str
    by: str
    base: str = ""  # the file of that commit that its committed lines stand in
    intent: int = -1


class Commit(msgspec.Struct, frozen=True):
    """A commit that was seen to be made. `source` names commits that it was made from."""

    entry: int
    commit: str
    how: str
    by: str
    author: str
    source: tuple[str, ...] = ()
    intent: int = -1


class Journal:
    """One repository, by the git directory that its worktrees share."""

    def __init__(self) -> None:
        self.first = -1  # the entry that first saw it
        self.head = ""
        self.edits: dict[str, list[Edit]] = defaultdict(list)
        self.last: dict[tuple[str, str], Edit] = {}
        self.commits: dict[str, Commit] = {}
        self.authors: dict[str, list[str]] = defaultdict(list)
        self.gaps: list[int] = []  # entries after which what nobody saw may have been anybody's

    def hear(self, entry: int, kind: str, body: Mapping[str, Any]) -> None:
        """One entry of this repository."""
        if kind == REPOSITORY:
            if self.first < 0:
                self.first, self.head = entry, str(body.get("head", ""))
            if body.get("gap"):
                self.gaps.append(entry)
        elif kind == EDIT:
            edit = Edit(
                entry, str(body["top"]), str(body["path"]), str(body.get("content", "")), str(body.get("state", "")),
                str(body.get("head", "")), str(body["by"]), str(body.get("base", "")), int(body.get("intent", -1)),
            )  # fmt: skip
            known = self.edits[edit.path]
            known.append(edit)
            del known[:-_STATES]
            self.last[edit.top, edit.path] = edit
        elif kind == COMMIT:
            made = Commit(
                entry, str(body["commit"]), str(body["how"]), str(body["by"]), str(body.get("author", "")),
                tuple(map(str, body.get("source", ()))), int(body.get("intent", -1)),
            )  # fmt: skip
            if made.commit not in self.commits:
                self.commits[made.commit] = made
                self.authors[made.author].append(made.commit)


class Journals:
    """Every repository that the ledger speaks of."""

    def __init__(self) -> None:
        self._of: dict[str, Journal] = defaultdict(Journal)
        self.next = 0  # the first entry that was not heard yet

    def of(self, common: str) -> Journal:
        """The journal of a repository."""
        return self._of[named(common)]

    def hear(self, entry: int, kind: str, body: Mapping[str, Any]) -> None:
        """One entry, in order; one that was heard before changes nothing."""
        if entry < self.next:
            return
        self.next = entry + 1
        if kind in KINDS:
            self._of[str(body.get("repository", ""))].hear(entry, kind, body)


def named(path: str) -> str:
    """A path as entries name it: text that any reader takes back, at most so long."""
    raw = path.encode("utf-8", "backslashreplace")
    return path if len(raw) <= _PATH and raw.decode() == path else raw[:_PATH].decode("utf-8", "ignore")
