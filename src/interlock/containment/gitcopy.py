"""Of which files git has the very bytes: asked of the repository, without running anything that it configures."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence

_SECONDS = 10.0
_LARGEST = 64 << 20  # a larger file is taken for one that git does not have
QUIET = (
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.untrackedCache=false", "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null", "protocol.allow=never",
)  # fmt: skip
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin:/usr/local/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


def without_copy(workspace: str, paths: Sequence[str]) -> list[str]:
    """Those of the files that the index does not hold with these bytes. Where git cannot say, all of them."""
    kept = _index(workspace)
    return [path for path in paths if kept.get(path) is None or _blob(f"{workspace}/{path}") != kept[path]]


def _index(workspace: str) -> dict[str, str]:
    words = ["git", *(word for setting in QUIET for word in ("-c", setting)), "ls-files", "-s", "-z"]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, fixed words
            words, cwd=workspace, env=ENVIRONMENT, capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, str] = {}
    for entry in done.stdout.split(b"\0"):
        facts, _, path = entry.partition(b"\t")
        if path:
            found[os.fsdecode(path)] = facts.split()[1].decode()
    return found


def _blob(path: str) -> str:
    """The id that git gives these bytes (SHA-1; in a SHA-256 repository nothing matches, and all counts as unsaved)."""
    try:
        size = os.lstat(path).st_size
        if size > _LARGEST:
            return ""
        seen = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            seen.update(file.read())
    except OSError:
        return ""
    return seen.hexdigest()
