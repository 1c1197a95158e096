"""Paths as the kernel walks them: which links are on the way, and whether anybody but the system could change it."""

from __future__ import annotations

import os
import stat

# Where user 0 keeps the system's own. For everybody else the owner says it.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
_LINKS = 40  # as many as the kernel follows


def walk(path: str) -> tuple[str, tuple[str, ...]]:
    """The real path, and each link on the way (its directory is real). Raises OSError: a loop, no directory."""
    real, links, parts = "/", [], [part for part in reversed(path.split("/")) if part]
    while parts:
        part = parts.pop()
        if part == ".":
            continue
        if part == "..":
            real = os.path.dirname(real)
            continue
        step = os.path.join(real, part)
        try:
            target = os.readlink(step)
        except OSError:
            real = step  # no link; or nothing is there, and then nothing below it is
            continue
        links.append(step)
        if len(links) > _LINKS:
            raise OSError(f"too many links on the way to {path}")
        if target.startswith("/"):
            real = "/"
        parts += [part for part in reversed(target.split("/")) if part]
    return real, tuple(links)


def settled(path: str, user: int) -> bool:
    """Whether nobody but the system's own administration can change what this real path leads to.

    Whoever can replace the system's programs can replace Interlock and the kernel's modules as well, so what they are
    called is enough. The owner of it all is user 0; where that is the agent itself, only the system's own directories.
    """
    if user == 0 and not any(path == place or path.startswith(f"{place}/") for place in _SYSTEM):
        return False
    while True:
        try:
            found = os.lstat(path)
        except OSError:
            return False
        if found.st_uid != 0:
            return False
        # A group of user 0 is nobody else; anybody may write to a sticky directory, but that is not the system's own.
        loose = stat.S_IWOTH | (0 if found.st_gid == 0 else stat.S_IWGRP)
        if not stat.S_ISLNK(found.st_mode) and found.st_mode & loose:
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


def below(path: str, directory: str) -> bool:
    """Whether a real path lies in a directory, or is it."""
    return bool(directory) and (path == directory or path.startswith(directory.rstrip("/") + "/"))
