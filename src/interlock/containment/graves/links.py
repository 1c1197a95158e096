"""Links that lead out of the workspace, and programs that stand where a command's name is looked up first."""

from __future__ import annotations

import re

from interlock.containment.graves.gitconfig import within
from interlock.containment.graves.names import fold

_PYTHON = re.compile(r"python[0-9.]*|pypy[0-9.]*")
_ENVIRONMENTS = frozenset({".venv", "venv", "env", ".env", ".nox", ".tox"})
_WRITABLE = ("/tmp/", "/var/tmp/", "/dev/", "/proc/", "/run/", "/var/run/", "/sys/")  # noqa: S108 - refused, not used
# Read-only stores whose links are how their tools work.
_STORES = ("/nix/store/", "/gnu/store/")


def leaves(path: str, target: str, root: str) -> bool:
    """Whether a link at `path` leads out of the workspace `root`, by its words."""
    if target.startswith(_STORES) and ".." not in target.split("/"):
        return False
    if target == root or target.startswith(f"{root}/"):
        return not within("", target[len(root) :].lstrip("/"))
    return not within(path.rpartition("/")[0], target)


def interpreter(path: str, target: str) -> bool:
    """Whether a link is a virtual environment's own `bin/python`, which leads to the system's on purpose."""
    names = path.split("/")
    if len(names) < 3 or names[-2] not in ("bin", "Scripts") or not _PYTHON.fullmatch(names[-1]):
        return False
    return (
        target.startswith("/")
        and ".." not in target.split("/")
        and not target.startswith(_WRITABLE)
        and _PYTHON.fullmatch(target.rpartition("/")[2]) is not None
    )


def shadows(path: str, commands: frozenset[str], places: frozenset[str]) -> bool:
    """Whether an executable at `path` could be run in place of a command of that name."""
    names = path.split("/")
    name = fold(names[-1])
    stem = re.sub(r"\.(?:exe|cmd|bat|com|ps1)$", "", name)
    if stem not in commands:
        return False
    if len(names) == 1:
        # `.` is on few people's PATH; Windows looks in the working directory first, always.
        return stem != name or "." in places
    return fold(names[-2]) in places


def strange(path: str) -> bool:
    """Whether the name carries characters that deceive whoever reads it: control, direction, invisible ones."""
    return any(
        not character.isprintable() and not 0xDC80 <= ord(character) <= 0xDCFF and character != "\u200d"
        for character in path
    ) or any(name != name.rstrip(" ") for name in path.split("/"))
