"""Changes taken apart into paths: a directory deleted or renamed as a whole is judged by what lies inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from interlock.containment.change import Change


class Sides(Protocol):
    """The workspace before and after, as far as a rule needs it. Paths are those of changes."""

    @property
    def root(self) -> str:
        """The workspace's absolute path."""

    def before(self, path: str, limit: int) -> bytes | None:
        """The first bytes of the original; None where it was no regular file."""

    def after(self, path: str, limit: int) -> bytes | None:
        """The first bytes of the file as the command left it, changed or not; None where there is no regular file."""

    def below(self, path: str) -> Iterable[str]:
        """Every file and link below a directory of the original, at any depth, as paths of the workspace."""

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory after the command."""

    def vouched(self, path: str) -> bool:
        """Whether the path is now exactly as in a commit that the repository had before the agent's session."""

    def unsaved(self, paths: Sequence[str]) -> Sequence[str]:
        """Those of the original files of which git has no copy."""


class Step(NamedTuple):
    """One path with its kinds on both sides; directories deleted or renamed as a whole are taken apart into these."""

    change: str  # the path of the change that it belongs to
    path: str
    before: str
    after: str
    executable: bool
    content: bool  # more than permissions that let nothing run
    mode: bool = False  # it may be run now, or no longer
    target: str = ""
    emptied: bool = False
    special: bool = False  # a directory that hands its group on

    @property
    def gone(self) -> bool:
        """Whether nothing stands there afterwards."""
        return self.after == "none"


def steps(change: Change, sides: Sides) -> Iterator[Step]:
    """The paths that a change touches. Extended attributes alone run nothing."""
    before, after = change.before, change.after
    if change.what == "xattr":
        return
    if change.what == "renamed" and before.kind == "directory":
        # What lies inside has changes of its own, but not at the old place.
        yield from (
            Step(change.path, path, "file", "none", executable=False, content=True)
            for path in sides.below(change.source)
        )
        return
    if before.kind == "directory" and after.kind != "directory":
        yield Step(
            change.path, change.path, "directory", after.kind, executable=False, content=True, target=after.target
        )
        for path in sides.below(change.path):
            yield _left(change, path)
        return
    if change.what == "renamed" and before.kind != "none":
        yield Step(change.path, change.source, before.kind, "none", executable=False, content=True)
    before_kind = "none" if change.what == "renamed" else before.kind
    yield Step(
        change.path,
        change.path,
        before_kind,
        after.kind,
        executable=bool(after.mode & 0o111),
        content=change.what != "mode" or bool((before.mode ^ after.mode) & 0o111),
        mode=bool((before.mode ^ after.mode) & 0o111),
        target=after.target,
        emptied=change.what == "changed" and before.size > 0 and after.size == 0,
        special=after.kind == "directory" and bool(after.mode & ~before.mode & 0o6000),
    )


def _left(change: Change, path: str) -> Step:
    return Step(change.path, path, "file", "none", executable=False, content=True)
