"""The real machine, as readers may see it: read-only, bounded, never blocking on a FIFO or a device."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from interlock.broker.trails import Trails

_HEAD_LIMIT = 4_096


class LocalWorld:
    """Answers from this machine, remembered for the length of one action, so that one reading sees one world.

    `digests` holds the SHA-256 of each file whose text was given out: the action's digest binds them. `trails` is what
    earlier actions left in files (see `interlock.broker.trails`).
    """

    def __init__(self, trails: Trails | None = None) -> None:
        self._trails = trails
        self.digests: dict[str, str] = {}
        self._texts: dict[str, str | None] = {}
        self._kinds: dict[str, str | None] = {}
        self._resolved: dict[str, str] = {}

    def kind(self, path: str) -> str | None:
        if path not in self._kinds:
            self._kinds[path] = _kind(path)
        return self._kinds[path]

    def resolve(self, path: str) -> str:
        if path not in self._resolved:
            try:
                self._resolved[path] = os.path.realpath(path)
            except (OSError, ValueError):
                self._resolved[path] = path
        return self._resolved[path]

    def text(self, path: str, limit: int = 262_144) -> str | None:
        if path not in self._texts:
            raw = _bytes(path, limit)
            if raw is not None:
                self.digests[path] = hashlib.sha256(raw).hexdigest()
            self._texts[path] = _decoded(raw)
        return self._texts[path]

    def names(self, directory: str, limit: int = 4_096) -> tuple[str, ...] | None:
        names: list[str] = []
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    names.append(entry.name)
                    if len(names) > limit:
                        return None
        except (OSError, ValueError):
            return None
        return tuple(sorted(names))

    def branch(self, directory: str) -> str | None:
        repository = find_repository(directory)
        if repository is None:
            return None
        head = _decoded(_bytes(str(_git_directory(repository) / "HEAD"), _HEAD_LIMIT))
        if head is None or not head.startswith("ref: refs/heads/"):
            return None
        return head.removeprefix("ref: refs/heads/").strip()

    def trail(self, path: str) -> tuple[str, ...]:
        if self._trails is None or not self._trails:
            return ()
        found = self._trails.of(path)
        real = self.resolve(path)
        return found if real == path else tuple(sorted({*found, *self._trails.of(real)}))


def find_repository(directory: str) -> Path | None:
    """The nearest directory at or above `directory` that holds a `.git`."""
    try:
        start = Path(directory).absolute()
        for candidate in (start, *start.parents):
            if (candidate / ".git").exists():
                return candidate
    except (OSError, ValueError):
        return None
    return None


def _git_directory(repository: Path) -> Path:
    dot_git = repository / ".git"
    if dot_git.is_dir():
        return dot_git
    # A linked worktree or submodule: `.git` is a file that names the real directory.
    pointer = _decoded(_bytes(str(dot_git), _HEAD_LIMIT)) or ""
    return repository / pointer.removeprefix("gitdir:").strip() if pointer.startswith("gitdir:") else dot_git


def _kind(path: str) -> str | None:
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISLNK(mode):
        return "symlink"
    return "other"


def _bytes(path: str, limit: int) -> bytes | None:
    try:
        # Non-blocking, so that opening a FIFO returns; the type is checked on the open descriptor, not on the name.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        raw = b""
        while len(raw) <= limit and (part := os.read(descriptor, limit + 1 - len(raw))):
            raw += part
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return raw if len(raw) <= limit else None


def _decoded(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
