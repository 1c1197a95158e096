"""The functions of one file, in the language its name says. Pure."""

from __future__ import annotations

from interlock.changes.guards import python, script
from interlock.changes.guards.guard import Function

SUFFIXES = (".py", ".pyi", *script.SUFFIXES)


def readable(path: str) -> bool:
    """Whether guards are read from files of this name at all."""
    return path.lower().endswith(SUFFIXES)


def functions(path: str, text: str) -> list[Function]:
    """The functions of a file.

    Raises:
        Unreadable: it cannot be read; who asks has to say so, and not that nothing was lost.
    """
    if path.lower().endswith((".py", ".pyi")):
        return python.read(path, text)
    return script.read(path, text)
