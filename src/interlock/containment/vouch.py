"""Whether bytes are those of a file in a commit of people's: then a checkout or a merge brought back what was there.

INVARIANT: nothing that a run could have written is believed. The commits to begin with were noted before the session
(`histories`); from there every commit and every tree is read raw and hashed again, so an object under a false name, in
whatever pack, breaks the chain; and the file itself is hashed, never looked up. What an agent's commit has at the same
path with the same bytes is not vouched for, whoever committed it again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import IO

from interlock.containment import refs
from interlock.containment.gitcopy import ENVIRONMENT, QUIET

_COMMITS = 5_000
_SECONDS = 2.0
_PATIENCE = 10.0  # of all that git is asked: a pipe among its objects would be waited for
_LARGEST = 32 << 20  # bytes of one commit or tree
_FILE, _PROGRAM, _TREE = b"100644", b"100755", b"40000"

_Tree = dict[bytes, tuple[bytes, str]]  # name -> mode, object


class Vouch:
    """One workspace's. `people` and `agents` are the objects that refs named, as `Histories.trusted` gives them."""

    def __init__(self, workspace: str, people: Iterable[str], agents: Iterable[str]) -> None:
        self._place = refs.find(os.path.realpath(workspace))
        self._workspace = os.path.realpath(workspace)
        self._people, self._agents = frozenset(people), frozenset(agents)
        self._trees: dict[str, _Tree | None] = {}
        self._tops: list[str] | None = None  # trees of people's commits, those of the refs first
        self._theirs: list[str] = []  # trees of agents' commits
        self._git: subprocess.Popen[bytes] | None = None
        self._end: threading.Timer | None = None

    def holds(self, path: str, raw: bytes, *, program: bool) -> bool:
        """Whether a commit of people's has these bytes at this path, as a program or not. Never raises."""
        if self._place is None or not self._people:
            return False
        below = os.path.relpath(self._workspace, self._place.top)
        names = [*(() if below == "." else below.split("/")), *path.split("/")]
        try:
            sizes = {len(name) for name in self._people}
            blobs = {_hashed("blob", raw, size) for size in sizes}
            wanted = {(_PROGRAM if program else _FILE, blob) for blob in blobs}
            tops = self._tops if self._tops is not None else self._walk()
            if any(entry is not None and entry[1] in blobs for entry in self._entries(self._theirs, names)):
                return False
            return any(entry in wanted for entry in self._entries(tops, names))
        except (OSError, ValueError, subprocess.SubprocessError):
            return False

    def close(self) -> None:
        """End git."""
        if self._end is not None:
            self._end.cancel()
        if self._git is not None:
            with contextlib.suppress(OSError):
                self._git.kill()
            for pipe in (self._git.stdin, self._git.stdout):
                if pipe is not None:
                    pipe.close()
            self._git.wait()
            self._git = None

    def _walk(self) -> list[str]:
        """The trees of people's commits, refs first, then their ancestors, within bounds; and of the agents' own."""
        end = time.monotonic() + _SECONDS
        people = dict(self._commits(self._people, self._agents, end))
        theirs = self._commits(self._agents, frozenset(people), end)
        self._theirs = list(dict.fromkeys(tree for _, tree in theirs))
        self._tops = list(dict.fromkeys(people.values()))
        return self._tops

    def _commits(self, start: Iterable[str], known: frozenset[str], end: float) -> Iterator[tuple[str, str]]:
        """Commits and their trees, from these objects backwards, not past `known`."""
        waiting, seen = deque(sorted(start)), set(known)
        while waiting and len(seen) < _COMMITS + len(known) and time.monotonic() < end:
            name = waiting.popleft()
            if name in seen:
                continue
            seen.add(name)
            kind, raw = self._object(name)
            fields = [line.partition(b" ")[::2] for line in raw.partition(b"\n\n")[0].split(b"\n")]
            if kind == "tag":
                waiting.extendleft(value.decode() for field, value in fields[:1] if field == b"object")
            elif kind == "commit" and fields and fields[0][0] == b"tree":
                yield name, fields[0][1].decode()
                waiting.extend(value.decode() for field, value in fields[1:] if field == b"parent")

    def _entries(self, tops: Iterable[str], names: list[str]) -> Iterator[tuple[bytes, str] | None]:
        """What each of these trees has at a path."""
        for top in tops:
            entry: tuple[bytes, str] | None = (_TREE, top)
            for name in names:
                tree = self._tree(entry[1]) if entry is not None and entry[0] == _TREE else None
                entry = tree.get(os.fsencode(name)) if tree is not None else None
            yield entry

    def _tree(self, name: str) -> _Tree | None:
        if name not in self._trees:
            kind, raw = self._object(name)
            self._trees[name] = _parsed(raw, len(name) // 2) if kind == "tree" else None
        return self._trees[name]

    def _object(self, name: str) -> tuple[str, bytes]:
        """One object, if it is what its name says; ("", b"") otherwise. Raises OSError, ValueError."""
        asked, answers = self._pipes()
        asked.write(f"{name}\n".encode())
        asked.flush()
        words = answers.readline().decode().split()
        if len(words) != 3:
            if words[1:] == ["missing"]:
                return "", b""
            raise ValueError("git says something else")
        size = int(words[2])
        if size > _LARGEST:
            raise ValueError("an object is too large")
        raw = answers.read(size + 1)[:size]
        return (words[1], raw) if _hashed(words[1], raw, len(name)) == name else ("", b"")

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._git is None:
            words = ["git", *(word for setting in QUIET for word in ("-c", setting)), "cat-file", "--batch"]
            self._git = subprocess.Popen(  # noqa: S603 - no shell, fixed words
                words,
                cwd=self._workspace,
                env={**ENVIRONMENT, "GIT_NO_REPLACE_OBJECTS": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._end = threading.Timer(_PATIENCE, self._git.kill)
            self._end.daemon = True
            self._end.start()
        asked, answers = self._git.stdin, self._git.stdout
        if asked is None or answers is None:
            raise OSError("git has no pipes")
        return asked, answers


def _hashed(kind: str, raw: bytes, size: int) -> str:
    """The name that git gives an object, in a repository whose names have this many digits."""
    seen = hashlib.sha1(usedforsecurity=False) if size == 40 else hashlib.sha256()
    seen.update(f"{kind} {len(raw)}\0".encode())
    seen.update(raw)
    return seen.hexdigest()


def _parsed(raw: bytes, width: int) -> _Tree:
    found: _Tree = {}
    place = 0
    while place < len(raw):
        middle = raw.index(b"\0", place)
        mode, _, name = raw[place:middle].partition(b" ")
        found[name] = (mode, raw[middle + 1 : middle + 1 + width].hex())
        place = middle + 1 + width
    return found
