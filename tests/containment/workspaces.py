"""A workspace in memory: both sides of a contained command, for the rules that only compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hypothesis import strategies as st

from interlock.containment.change import NOTHING, Change, Facts
from interlock.containment.grave import Held, findings

ROOT = "/home/dev/project"
PLAIN_CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
[remote "origin"]
\turl = git@github.com:me/project.git
\tfetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
\tremote = origin
\tmerge = refs/heads/main
"""
REPOSITORY = {".git/HEAD": "ref: refs/heads/main\n", ".git/config": PLAIN_CONFIG, "src/a.py": "a = 1\n"}
SHELL = "#!/bin/sh\ntouch /tmp/x\n"
SEGMENTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=12)
Tree = Mapping[str, "bytes | str | Link | None"]


class Link(str):
    """The target of a symlink."""

    __slots__ = ()


class Executable(bytes):
    """A file that may be run."""

    __slots__ = ()


class Sides:
    """What `grave` asks for, answered from two mappings of paths to contents."""

    root = ROOT

    def __init__(self, before: Tree, after: Tree, vouched: Iterable[str] = (), saved: Iterable[str] = ()) -> None:
        self._before, self._after = before, after
        self._vouched, self._saved = frozenset(vouched), frozenset(saved)

    def before(self, path: str, limit: int) -> bytes | None:
        return _content(self._before.get(path), limit)

    def after(self, path: str, limit: int) -> bytes | None:
        return _content(self._after.get(path), limit)

    def below(self, path: str) -> Iterable[str]:
        return [name for name in self._before if name.startswith(f"{path}/")]

    def is_directory(self, path: str) -> bool:
        return any(name.startswith(f"{path}/") for name in self._after)

    def vouched(self, path: str) -> bool:
        return path in self._vouched

    def unsaved(self, paths: Sequence[str]) -> Sequence[str]:
        return [path for path in paths if path not in self._saved]


def _content(value: bytes | str | None, limit: int) -> bytes | None:
    if value is None or isinstance(value, Link):
        return None
    return (value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value))[:limit]


def facts(value: bytes | str | None) -> Facts:
    if value is None:
        return NOTHING
    if isinstance(value, Link):
        return Facts("symlink", target=str(value))
    return Facts("file", len(value), 0o755 if isinstance(value, Executable) else 0o644)


def changes(before: Tree, after: Tree) -> Iterator[Change]:
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new and type(old) is type(new):
            continue
        what = "created" if old is None else "deleted" if new is None else "changed"
        yield Change(path, what, facts(old), facts(new))


def held(before: Tree, after: Tree, vouched: Iterable[str] = (), saved: Iterable[str] = ()) -> dict[str, Held]:
    """What is held of the step from one tree to the other, by path."""
    found = findings(changes(before, after), Sides(before, after, vouched, saved))
    return {finding.path: finding for finding in found}
