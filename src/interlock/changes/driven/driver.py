"""Walks both versions of changed files of Python, JavaScript and TypeScript in a room, and reads what that showed.

The code that runs is the change's, and it is called with what strangers send: paths that lead elsewhere, commands. It
runs in a room (`room.py`) or not at all.
"""

from __future__ import annotations

import json
import posixpath
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from interlock.changes import imports, room, shapes
from interlock.changes.change import Change, FileChange, Kind, Version
from interlock.changes.driven import environment, rendering, scripts
from interlock.changes.driven.environment import Python, Unfit
from interlock.changes.driven.subjects import Subject, subject
from interlock.changes.export import lay

_EACH = 3.0  # CPU-seconds of walks through one file
WALKS = 800  # the same answer each time, where there is time for all of them (decision 0040 says why not fewer)
_LATEST = 12.0  # seconds until one file's walks have to be over
_LONGEST = 200_000  # bytes of a file that is walked through
_AROUND = 300  # files that are laid out for it to import
_SCRIPTS = 60  # of them where they are written anew
_LIBRARY = "interlock_drive"
_SETTINGS = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
_RUNS = {"py": "python", **{ending[1:]: "node" for ending in scripts.ENDINGS}}
_START = f"import sys; sys.path[:0] = ['{room.TREE}/lib']; from {_LIBRARY}.drive import main; main('{room.TREE}')"

NOTHING = "nothing in it can be called from outside"
NO_NODE = "Node.js is not installed here"


class Way(msgspec.Struct, frozen=True):
    """A kind of difference between the two versions of one function or method (`entry`).

    `way`: 1 where the new one is looser, -1 where it is stricter, 0 where neither can be said; `times` it was seen; one
    example: the call, how many calls of the same walk it came after, and what it came to before and now.
    """

    way: int
    kind: str
    entry: str
    times: int
    call: str
    steps: int
    was: str
    now: str


class Walked(msgspec.Struct, frozen=True):
    """What the walks through one file showed. `why`: why nothing was walked; `among`: with which packages."""

    path: str
    calls: int = 0
    counts: dict[str, int] = {}
    ways: tuple[Way, ...] = ()
    why: str = ""
    among: str = ""

    def times(self, way: int) -> int:
        """How often a difference went this way."""
        return sum(one.times for one in self.ways if one.way == way)


class Asked(NamedTuple):
    """A changed file that can be walked through; see `subjects.Subject`. `runs`: what it runs in; `why`: why it cannot
    be walked through after all."""

    file: FileChange
    before: Version
    after: Version
    near: frozenset[str]
    private: frozenset[str]
    runs: str = "python"
    why: str = ""


def asked(change: Change) -> list[Asked]:
    """The changed files that can be walked through: one language on both sides, no test, what runs changed."""
    found = []
    for file in change.files:
        one, other = file.before, file.after
        if one is None or other is None or {one.kind, other.kind} != {Kind.TEXT} or shapes.is_test(other.path):
            continue
        runs = _RUNS.get(other.path.rpartition(".")[2], "")
        if not runs or _RUNS.get(one.path.rpartition(".")[2]) != runs or max(one.size, other.size) > _LONGEST:
            continue
        if runs == "node":
            of, why = _script(one, other)
        else:
            of, why = subject(one.text, other.text), ""
        if of is not None:
            found.append(Asked(file, one, other, of.near, of.private, runs, why))
    return found


def _script(before: Version, after: Version) -> tuple[Subject | None, str]:
    try:
        of = scripts.subject((before.path, before.text), (after.path, after.text))
        for side in (before, after) if of is not None else ():
            rendering.rendered(side.path, side.text)
    except rendering.Unwritten as error:
        return Subject(frozenset(), frozenset()), str(error)
    return of, ""


def walked(change: Change, files: Sequence[Asked], notes: list[str], *, seconds: float) -> list[Walked]:
    """What both versions of these files do with the same calls; one answer for each. `notes` gets why the project's own
    interpreter does not walk. Raises room.NoRoom."""
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="interlock-walks-") as name:
        folder = Path(name)
        for side, after in (("before", False), ("after", True)):
            (folder / side).mkdir()
            for runs, lay_out in (("python", _lay), ("node", _lay_scripts)):
                paths = [(o.after if after else o.before).path for o in files if o.runs == runs]
                if paths:
                    lay_out(change, folder / side, paths, after=after)
        _library(folder / "lib" / _LIBRARY)
        theirs = _theirs(change, folder, notes) if any(one.runs == "python" for one in files) else None
        walks = _Walks(folder, _imported_from(change), until)
        return [_of(walks, one, theirs) for one in files]


class _Walks(NamedTuple):
    """Where the walks of a change are taken: both trees laid out in `folder`. `paths`: folders of the tree that its
    tests import from; `until`: the monotonic time at which all are over."""

    folder: Path
    paths: tuple[str, ...]
    until: float


def _imported_from(change: Change) -> tuple[str, ...]:
    """As the base's `[tests]` names them, without those that lead out of the tree."""
    settings = change.config.tests
    named = (posixpath.normpath(part) for part in settings.path) if settings is not None else ("src", ".")
    return tuple(path for path in named if not path.startswith(("/", "..")))


def _theirs(change: Change, folder: Path, notes: list[str]) -> Python | None:
    try:
        python = environment.theirs(change)
        if python is not None:
            environment.tried(python, folder)
    except Unfit as error:
        notes.append(f"changed modules were walked through without the project's own packages: {error}")
        return None
    return python


def _lay(change: Change, folder: Path, files: Sequence[str], *, after: bool) -> None:
    """The files and what they import, of one side."""
    paths = [path for path in change.paths(after=after) if path.endswith(".py")]
    held = change.reads(paths, after=after)
    texts = {path: raw.decode("utf-8", "replace") for path, raw in held.items() if raw is not None}
    wanted = imports.needed(files, texts, _AROUND)
    wanted |= {p for one in wanted for p in _packages(one) if p in texts}
    lay(change, folder, after=after, only=sorted(wanted))


def _lay_scripts(change: Change, folder: Path, files: Sequence[str], *, after: bool) -> None:
    """The files and those that they name, written anew; one that cannot be is not there."""
    paths = [path for path in change.paths(after=after) if path.endswith((*scripts.ENDINGS, ".json"))]
    held = change.reads(paths, after=after)
    texts = {
        path: raw.decode("utf-8", "replace") for path, raw in held.items() if raw is not None and len(raw) <= _LONGEST
    }
    anew: dict[str, bytes | None] = {}
    for path in sorted(scripts.needed(list(files), texts, _SCRIPTS)):
        with suppress(rendering.Unwritten):
            text = texts[path] if path.endswith(".json") else rendering.rendered(path, texts[path])
            anew[path] = text.encode("utf-8", "replace")
    lay(change, folder, after=after, only=(), other=anew)


def _packages(path: str) -> Iterator[str]:
    parts = path.split("/")[:-1]
    for n in range(1, len(parts) + 1):
        yield "/".join([*parts[:n], "__init__.py"])


def _library(folder: Path) -> None:
    inside = resources.files("interlock.changes.driven.inside")
    (folder / "node").mkdir(parents=True)
    for source, where, ending in ((inside, folder, ".py"), (inside / "node", folder / "node", ".js")):
        for one in source.iterdir():
            if one.name.endswith(ending):
                (where / one.name).write_bytes(one.read_bytes())


def node() -> str:
    """Where Node.js is; "" where it is not."""
    return shutil.which("node") or ""


def _of(walks: _Walks, one: Asked, theirs: Python | None) -> Walked:
    """With the project's packages, and without them where nothing that changed answers there: code that needs a running
    application refuses every call, and shows more where all that it leans on is made up."""
    if theirs is None or one.runs != "python":
        return _by(walks, one, environment.ours())
    found = _by(walks, one, theirs)
    if found.counts.get("changed gives") or found.times(1):
        return replace(found, among="with the project's packages")
    again = _by(walks, one, environment.ours())
    if again.why:
        return again if found.why else replace(found, among="with the project's packages")
    why = found.why or "nothing that changed gave an answer with them"
    return replace(again, among=f"without the project's packages: {why}")


def _by(walks: _Walks, one: Asked, python: Python) -> Walked:
    before, after, seconds = one.before, one.after, min(_LATEST, walks.until - time.monotonic())
    if one.why:
        return Walked(after.path, why=one.why)
    if seconds < 1:
        return Walked(after.path, why="no time was left")
    row: dict[str, Any] = {
        "runs": one.runs, "before": before.path, "after": after.path, "texts": [before.text, after.text],
        "near": sorted(one.near), "private": sorted(one.private), "latest": 0.8 * seconds,
        "paths": walks.paths,
    }  # fmt: skip
    reads = list(python.reads)
    if one.runs == "node":
        program = node()
        if not program:
            return Walked(after.path, why=NO_NODE)
        row |= {
            "program": program,
            "constants": scripts.constants((before.path, before.text), (after.path, after.text)),
        }
        reads += room.prefixes(program)
    (walks.folder / "asked.json").write_text(
        json.dumps({"seconds": _EACH, "walks": WALKS, "files": [row]}), encoding="utf-8"
    )
    argv = (python.program, "-P", "-s", "-c", _START)
    rooms = room.Room(walks.folder, tuple(dict.fromkeys(reads)))
    ended = rooms.run(argv, seconds=seconds, env=_SETTINGS)
    lines = ended.out.decode("utf-8", "replace").splitlines()
    if not lines:
        return Walked(after.path, why=ended.why or f"the walks ended with status {ended.status} and told nothing")
    try:
        return msgspec.json.decode(lines[-1], type=Walked)
    except msgspec.DecodeError as error:
        return Walked(after.path, why=f"what the walks told cannot be read: {error}")
