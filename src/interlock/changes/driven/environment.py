"""Which interpreter walks through changed modules: the project's own, with its packages, or Interlock's.

The protected base names it: the command of `[tests]`. What lies in its environment is nobody's word: whoever may write
there (an agent that installs packages) writes code that runs in the room, as the change does. It may hide a finding as
the change may, and reaches nothing. Only an environment that is part of the tree itself is left alone: there a change
would bring the packages that it is judged with.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from interlock.changes.change import Change
from interlock.changes.room import Room, prefixes
from interlock.changes.testing.trial import Missing, program

_OLDEST = (3, 11)  # what the scripts in `inside` are written for
_NAME = re.compile(r"python[\d.]*")
_ENVIRONMENT = re.compile(r"pyvenv\.cfg|bin/.|lib(?:64)?/python[^/]*/.")
_ASKED = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
_PATIENCE = 5.0  # seconds that an interpreter may take to say its version


class Python(NamedTuple):
    """An interpreter: its path, and what it needs to see of the machine."""

    program: str
    reads: tuple[str, ...]


class Unfit(Exception):
    """The project's interpreter does not walk; the message says why."""


def ours() -> Python:
    """Interlock's own."""
    return Python(sys.executable, tuple(prefixes(sys.executable)))


def theirs(change: Change) -> Python | None:
    """The project's, by the base's configuration; None where it names no tests, or Interlock's own interpreter.

    Raises:
        Unfit: it is named, and cannot be used.
    """
    settings = change.config.tests
    if settings is None:
        return None
    try:
        argv, reads = program(settings)
    except Missing as error:
        raise Unfit(str(error)) from error
    found = next((path for word in argv if (path := _interpreter(word))), "")
    if not found:
        raise Unfit("the base's [tests] command names no interpreter of Python by its whole path, or by a name on PATH")
    if found == sys.executable:
        return None
    _apart(change, found)
    return Python(found, (*prefixes(found), *reads))


def _interpreter(word: str) -> str:
    """The interpreter that a word of a command is, or that lies beside it in an environment (`bin/pytest`); or ""."""
    if not os.path.isabs(word):
        return ""
    if _NAME.fullmatch(os.path.basename(word)):
        return word
    beside = os.path.join(os.path.dirname(word), "python")
    within = os.path.exists(os.path.join(os.path.dirname(os.path.dirname(word)), "pyvenv.cfg"))
    return beside if within and os.access(beside, os.X_OK) else ""


def _apart(change: Change, interpreter: str) -> None:
    """Raises Unfit where the tree holds files of the environment."""
    parts = Path(interpreter).parts[1:-2]
    tails = tuple("/".join(parts[n:]) + "/" for n in range(len(parts)))
    for path in {*change.paths(), *change.paths(after=False)}:
        for tail in tails:
            if path.startswith(tail) and _ENVIRONMENT.match(path, len(tail)):
                raise Unfit(f"{path} may be a part of the environment of {interpreter}")


def tried(python: Python, folder: Path) -> None:
    """See that an interpreter starts in a room and is new enough.

    Args:
        python: the interpreter.
        folder: any that holds nothing of the change at its top.

    Raises:
        Unfit: it is not.
        room.NoRoom: there is nothing to contain it with.
    """
    ended = Room(folder, python.reads).run((python.program, "-s", "-c", _ASKED), seconds=_PATIENCE, env={})
    words = ended.out.decode("ascii", "replace").split()
    if ended.why or ended.status or len(words) != 3 or not all(word.isdecimal() for word in words[1:]):
        raise Unfit(f"{python.program} does not start in a room: {ended.why or f'status {ended.status}'}")
    name, major, minor = words
    if name != "cpython" or (int(major), int(minor)) < _OLDEST:
        raise Unfit(f"{python.program} is {name[:20]} {major[:4]}.{minor[:4]}; walks need CPython 3.11 or newer")


def identity(change: Change) -> str:
    """What the answers of walks depend on beside the change: which interpreter, and which packages lie there."""
    try:
        python = theirs(change)
    except Unfit as error:
        return str(error)
    if python is None:
        return ""
    found = []
    for folder in sorted(Path(python.program).parent.parent.glob("lib/python3*/site-packages")):
        with os.scandir(folder) as rows:
            found += [f"{row.name} {row.stat().st_mtime_ns}" for row in rows]
    return " ".join((python.program, *sorted(found)))
