"""Which directory an agent is meant to change.

Decided once, when a session is first seen, from the directory it started in: an agent that later changes directory does
not widen what counts as its workspace.
"""

from __future__ import annotations

import os

from interlock.broker.world import find_repository

_NEVER = (
    "/", "/home", "/Users", "/root", "/tmp", "/var",  # noqa: S108 - nothing is made there: it is refused
    "/etc", "/usr", "/opt", "/srv", "/mnt", "/media",
)  # fmt: skip


def workspace_of(cwd: str, home: str) -> str:
    """The repository around `cwd`, else `cwd` itself; "" where that would be a home, or a directory of the system."""
    if not cwd.startswith("/"):
        return ""
    repository = find_repository(cwd)
    for candidate in (str(repository) if repository else None, cwd):
        if candidate and _may_be_workspace(candidate, home):
            return os.path.normpath(candidate)
    return ""


def _may_be_workspace(candidate: str, home: str) -> bool:
    path, own = os.path.realpath(candidate), os.path.realpath(home)
    # A home, or anything above one, would make the whole of a person's life a workspace.
    return path.startswith("/") and path not in _NEVER and own != path and not own.startswith(path.rstrip("/") + "/")
