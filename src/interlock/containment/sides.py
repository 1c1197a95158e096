"""The workspace before and after a run, read for whoever judges its changes. No link is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from interlock.containment.descent import LISTED, Descent, split
from interlock.containment.gitcopy import without_copy
from interlock.containment.vouch import Vouch

_BELOW = 100_000  # paths of one deleted or renamed directory that are named
_PIECE = 1 << 16
_VOUCHED = 4 << 20  # bytes of one file


class Sides:
    """Two open directories: the live workspace, and the upper layer (or the copy) that a run left."""

    def __init__(self, root: str, live: int, upper: int, *, whole: bool, vouch: Vouch | None = None) -> None:
        """`whole` says that `upper` is a copy of all of it: what is not there is gone."""
        self._vouch = vouch
        self._root = root
        self._live = live
        self._upper = upper
        self._whole = whole

    @property
    def root(self) -> str:
        """The workspace's absolute path."""
        return self._root

    def before(self, path: str, limit: int) -> bytes | None:
        """The first bytes of the original; None where it was no regular file."""
        return _read(self._live, path, limit)

    def after(self, path: str, limit: int) -> bytes | None:
        """The first bytes of the file as the command left it; None where there is no regular file."""
        found = _kind(self._upper, path)
        if found is not None or self._whole or self._covered(path):
            return _read(self._upper, path, limit) if found == stat.S_IFREG else None
        return self.before(path, limit)

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory after the command."""
        found = _kind(self._upper, path)
        if found is None and not self._whole and not self._covered(path):
            found = _kind(self._live, path)
        return found == stat.S_IFDIR

    def below(self, path: str) -> Iterable[str]:
        """Every file and link below a directory of the original, at any depth."""
        return _walk(self._live, path)

    def vouched(self, path: str) -> bool:
        """Whether the file is as in a commit of people's that was there before the agent's session."""
        if self._vouch is None:
            return False
        raw, mode = self.after(path, _VOUCHED + 1), _mode(self._upper, path)
        if raw is None or mode is None or len(raw) > _VOUCHED:
            return False  # what shows through from below was not changed, and is not asked about
        return self._vouch.holds(path, raw, program=bool(mode & 0o111))

    def unsaved(self, paths: Sequence[str]) -> Sequence[str]:
        """Those of the original files of which git has no copy."""
        return without_copy(self._root, paths)

    def _covered(self, path: str) -> bool:
        """Whether something above the path was removed or replaced by the command, so that nothing shows through."""
        parent = split(path)[0]
        while parent:
            found = _kind(self._upper, parent)
            if found is not None and found != stat.S_IFDIR:
                return True
            parent = split(parent)[0]
        return False


def _read(root: int, path: str, limit: int) -> bytes | None:
    directory, name = split(path)
    try:
        with Descent(root) as tree:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=tree.at(directory))
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        parts = bytearray()
        while len(parts) < limit and (piece := os.read(fd, min(_PIECE, limit - len(parts)))):
            parts += piece
        return bytes(parts)
    except OSError:
        return None
    finally:
        os.close(fd)


def _kind(root: int, path: str) -> int | None:
    """The type bits of what is there; None for nothing."""
    mode = _mode(root, path)
    return None if mode is None else stat.S_IFMT(mode)


def _mode(root: int, path: str) -> int | None:
    directory, name = split(path)
    try:
        with Descent(root) as tree:
            return os.stat(name, dir_fd=tree.at(directory), follow_symlinks=False).st_mode
    except OSError:
        return None


def _walk(root: int, path: str) -> Iterator[str]:
    waiting, count = [path], 0
    with Descent(root, LISTED) as tree:
        while waiting:
            inside = waiting.pop()
            try:
                with os.scandir(tree.at(inside)) as listed:
                    entries = list(listed)
            except OSError:
                continue
            for entry in entries:
                count += 1
                if count > _BELOW:
                    return
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{inside}/{entry.name}")
                else:
                    yield f"{inside}/{entry.name}"
