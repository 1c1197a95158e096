"""A change as stages see it: its files on both sides, which lines are new, and the rules of the protected base."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

import msgspec

from interlock.changes.config import Config
from interlock.changes.magic import Form
from interlock.changes.patch import Hunk


class Kind(enum.StrEnum):
    """What lies at a path."""

    TEXT = "text"
    BINARY = "binary"  # not UTF-8, or with NUL bytes: nobody reads it line by line
    HUGE = "huge"  # larger than `LARGEST`, or than the change may be as a whole
    LINK = "link"
    SUBMODULE = "submodule"


LARGEST = 4 << 20  # bytes of one file that is read; the longest lock files of web projects are about 2 MiB


class Version(msgspec.Struct, frozen=True):
    """One side of one file. `data`: its bytes, or where a link leads; empty where nobody reads it.

    `form`: what its bytes say it is, where they are not plain text.
    """

    path: str
    mode: str
    oid: str
    kind: Kind
    size: int
    data: bytes = b""
    form: Form | None = None

    @property
    def text(self) -> str:
        """Its text, without a byte order mark; empty unless it is TEXT."""
        return self.data.decode("utf-8-sig") if self.kind is Kind.TEXT else ""

    @property
    def lines(self) -> list[str]:
        """Its lines as git counts them, without their ends (CR LF is one end)."""
        parts = self.text.split("\n")
        if parts[-1] == "":
            parts.pop()
        return [part.removesuffix("\r") for part in parts]

    @property
    def executable(self) -> bool:
        """Whether git gives it the right to be run."""
        return self.mode == "100755"


class FileChange(msgspec.Struct, frozen=True):
    """One file of the change. A renamed file has both sides, with different paths; an added one has no `before`."""

    before: Version | None
    after: Version | None
    hunks: tuple[Hunk, ...] = ()

    @property
    def path(self) -> str:
        """Where it is now, or was until now."""
        side = self.after or self.before
        return side.path if side else ""

    @property
    def old_path(self) -> str:
        """Where it was; where it is, for a new one."""
        return self.before.path if self.before else self.path

    @property
    def status(self) -> str:
        """`added`, `deleted`, `renamed` or `changed`."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "deleted"
        return "renamed" if self.before.path != self.after.path else "changed"

    def added(self) -> Iterator[tuple[int, str]]:
        """The new lines, numbered in the new version. Nothing for what is no text."""
        yield from _at(self.after, (hunk.new for hunk in self.hunks))

    def removed(self) -> Iterator[tuple[int, str]]:
        """The lines that are gone, numbered in the old version."""
        yield from _at(self.before, (hunk.old for hunk in self.hunks))

    @property
    def added_numbers(self) -> frozenset[int]:
        """Numbers of the new lines."""
        return frozenset(number for hunk in self.hunks for number in hunk.new)


def _at(side: Version | None, ranges: Iterator[range]) -> Iterator[tuple[int, str]]:
    if side is None or side.kind is not Kind.TEXT:
        return
    lines = side.lines
    for numbers in ranges:
        for number in numbers:
            if number <= len(lines):
                yield number, lines[number - 1]


class Span(msgspec.Struct, frozen=True):
    """Commits by their full names: what the change goes to, its last, where it parted; and the trees of these three."""

    base: str
    head: str
    fork: str
    trees: dict[str, str]  # "base", "head", "fork"


class Commit(msgspec.Struct, frozen=True):
    """One commit of the change: its object, what it says of itself, its attestation (`refs/notes/interlock`), and what
    others said of it (`refs/notes/interlock-reviews`).
    """

    name: str
    author: str
    message: str
    raw: bytes
    note: bytes | None = None
    reviews: bytes | None = None


class Change:
    """The change from where it parted from `base` up to `head`.

    Stages get it in a process of their own: nothing that they do to it is seen by others.
    """

    def __init__(
        self,
        span: Span,
        files: tuple[FileChange, ...],
        config: Config,
        *,
        listing: Callable[[str], dict[str, tuple[str, str]]],
        read: Callable[[list[str]], dict[str, bytes | None]],
        commits: tuple[Commit, ...] = (),
        problems: tuple[str, ...] = (),
        today: str = "",
    ) -> None:
        """See `intake.take`, which makes them.

        Args:
            span: the commits and their trees.
            files: what differs between fork and head.
            config: the base's.
            listing: path -> (mode, object) of a tree.
            read: the contents of objects; None where one is not there or too large.
            commits: those between base and head, the newest first.
            problems: what intake could not judge.
            today: an ISO date.
        """
        self.base, self.head, self.fork, self.trees = span.base, span.head, span.fork, span.trees
        self.files, self.config, self.problems, self.today = files, config, problems, today
        self.commits = commits
        self.withdrawn: frozenset[str] = frozenset()  # ids of people's keys that count no more; see `judge`
        self._listing, self._read = listing, read

    @cached_property
    def _before(self) -> dict[str, tuple[str, str]]:
        return self._listing(self.trees["fork"])

    @cached_property
    def _after(self) -> dict[str, tuple[str, str]]:
        return self._listing(self.trees["head"])

    def paths(self, *, after: bool = True) -> list[str]:
        """Every path of the new tree, or of the old one."""
        return sorted(self._after if after else self._before)

    def read(self, path: str, *, after: bool = True) -> bytes | None:
        """A file of the new tree, or of the old one, changed or not; None where there is none or it is too large."""
        return self.reads([path], after=after)[path]

    def reads(self, paths: Iterable[str], *, after: bool = True) -> dict[str, bytes | None]:
        """Many files at once: asking for each alone takes milliseconds."""
        tree = self._after if after else self._before
        rows = {path: tree.get(path, ("", "")) for path in paths}
        files = {path: oid for path, (mode, oid) in rows.items() if mode in ("100644", "100755")}
        contents = self._read(list(set(files.values()))) if files else {}
        return {path: contents.get(files[path]) if path in files else None for path in rows}

    def executable(self, path: str, *, after: bool = True) -> bool:
        """Whether a file of a tree may be run."""
        return (self._after if after else self._before).get(path, ("",))[0] == "100755"

    def links(self, *, after: bool = True) -> dict[str, bytes]:
        """Where each symbolic link of a tree leads."""
        listed = self._after if after else self._before
        oids = {path: oid for path, (mode, oid) in listed.items() if mode == "120000"}
        found = self._read(list(oids.values()))
        return {path: found[oid] or b"" for path, oid in oids.items()}

    @cached_property
    def renamed(self) -> dict[str, str]:
        """old path -> new path."""
        return {f.before.path: f.after.path for f in self.files if f.before and f.after}
