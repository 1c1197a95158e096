"""The functions of one file, in the language its name says. Pure."""

from __future__ import annotations

import re

from interlock.changes.guards import python, script
from interlock.changes.guards.guard import Function, Unreadable

_MOST_LINE = 2_000  # characters
_MOST_FUNCTIONS = 20  # of one line
_FUNCTION = re.compile(r"=>|\bfunction\b")
SUFFIXES = (".py", ".pyi", *script.SUFFIXES)


def readable(path: str) -> bool:
    """Whether guards are read from files of this name at all."""
    return path.lower().endswith(SUFFIXES)


def made(text: str) -> bool:
    """Whether a machine wrote it out of other files: names are short and change from one time to the next."""
    long = (line for line in text.split("\n") if len(line) > _MOST_LINE)
    return any(len(_FUNCTION.findall(line)) > _MOST_FUNCTIONS for line in long)


def functions(path: str, text: str) -> list[Function]:
    """The functions of a file.

    Raises:
        Unreadable: it cannot be read; who asks has to say so, and not that nothing was lost.
    """
    if made(text):
        raise Unreadable(f"{path} was written by a machine: a line of it holds a program, and its names mean nothing")
    if path.lower().endswith((".py", ".pyi")):
        return python.read(path, text)
    return script.read(path, text)
