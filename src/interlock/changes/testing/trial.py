"""Runs the tests of a change in rooms: on its code, on the code before it, with the tests of before, and on mutants."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import msgspec

from interlock.changes.change import Change
from interlock.changes.config import Tests
from interlock.changes.export import lay
from interlock.changes.room import TREE, Room, prefixes
from interlock.changes.shapes import is_test
from interlock.preview.process import scrubbed

# What tells pytest which tests there are, and how: as the base has it.
_RULES = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_PLUGIN = "interlock_probe"
_ARGUMENTS = ("-p", _PLUGIN, "-p", "no:cacheprovider", "-q", "--no-header", "--tb=no", "--rootdir", TREE)
_NOT_COLLECTED = (2, 3, 4, 5)  # pytest's own: interrupted, failed within, used wrongly, no tests


class Seen(NamedTuple):
    """One run of tests. `why`: why it says nothing; then nothing else counts."""

    tests: Mapping[str, str] = {}  # name -> passed, failed, skipped
    lines: Mapping[str, Mapping[int, frozenset[str]]] = {}  # path -> line -> tests that ran it
    errors: tuple[str, ...] = ()  # files whose tests could not be collected
    seconds: float = 0.0
    why: str = ""

    def of(self, outcome: str) -> set[str]:
        """The tests with this outcome."""
        return {name for name, one in self.tests.items() if one == outcome}


class _Said(msgspec.Struct):
    """What the probe writes."""

    status: int
    tests: dict[str, str]
    errors: list[str]
    lines: dict[str, dict[str, list[str]]]


class Program(NamedTuple):
    """The command, with its program's whole path, and what it needs to see of the machine."""

    argv: tuple[str, ...]
    reads: tuple[str, ...]

    @property
    def pytest(self) -> bool:
        """Whether it is pytest: its tests can be told apart, traced and chosen."""
        return any(Path(word).name in ("pytest", "py.test") for word in self.argv)


class Missing(Exception):
    """The program that runs the tests is not here; the message names it."""


def program(settings: Tests) -> Program:
    """The command of the base's configuration. Raises Missing."""
    words = shlex.split(settings.command) if isinstance(settings.command, str) else list(settings.command)
    if not words:
        raise Missing("the base's [tests] command is empty")
    where = words[0] if os.path.isabs(words[0]) else shutil.which(words[0], path=scrubbed(dict(os.environ))["PATH"])
    if where is None and words[0] in ("python", "python3"):
        where = sys.executable
    if where is None or not os.access(where, os.X_OK):
        raise Missing(f"{words[0]}, which runs the tests by the base's configuration, is not here")
    return Program((where, *words[1:]), (*prefixes(where), *(p for p in settings.reads if os.path.isabs(p))))


class Trial:
    """Trees of one change laid out below a folder of its own, and runs over them."""

    def __init__(self, change: Change, settings: Tests, folder: Path, seconds: float) -> None:
        self._change, self._settings, self._folder = change, settings, folder
        self._until = time.monotonic() + seconds
        self.program = program(settings)
        self._trees: dict[str, Path] = {}
        (folder / "probe").mkdir()
        source = resources.files("interlock.changes.testing").joinpath("probe.py").read_bytes()
        (folder / "probe" / f"{_PLUGIN}.py").write_bytes(source)

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self._until - time.monotonic())

    def tree(self, name: str) -> Path:
        """`new`: the change. `old`: before it. `old-code`: before it, with the new tests. `old-tests`: the reverse."""
        if name not in self._trees:
            after = name in ("new", "old-tests")
            other: dict[str, bytes | None] = {}
            if name in ("old-code", "old-tests"):
                other |= self._tests(after=not after)
            if after:
                other |= self._change.reads(_RULES, after=False)
            where = self._folder / name
            where.mkdir()
            lay(self._change, where, after=after, other=other)
            self._trees[name] = where
        return self._trees[name]

    def _tests(self, *, after: bool) -> dict[str, bytes | None]:
        """The changed files of tests as a side of the change has them; None where it has none."""
        paths = {path for file in self._change.files for path in (file.path, file.old_path) if is_test(path)}
        return self._change.reads(paths, after=after)

    def see(
        self, tree: str, tests: Sequence[str], *, watch: Collection[str] = (), mutant: tuple[str, bytes] | None = None,
        seconds: float = 0.0, stop: bool = False,
    ) -> Seen:  # fmt: skip
        """Run tests by pytest, in a room.

        Args:
            tree: see `tree`.
            tests: files, or names of single tests; none: all that pytest finds.
            watch: files whose lines are told.
            mutant: a file that stands differently in this run.
            seconds: at most; 0 is what is left of the trial.
            stop: end at the first failure.
        """
        mark, started = secrets.token_hex(16), time.monotonic()
        asked = {"mark": mark, "watch": [f"{TREE}/{path}" for path in watch]}
        argv = (*self.program.argv, *_ARGUMENTS, *(("-x",) if stop else ()), *(f"{TREE}/{test}" for test in tests))
        with self._room(tree, mutant) as room:
            ended = room.run(argv, seconds=min(seconds or self.left, self.left), env=self._env(json.dumps(asked)))
            if ended.why:
                return Seen(why=ended.why, seconds=time.monotonic() - started)
            return _read(mark, ended.status, ended.out, time.monotonic() - started)

    def plainly(self, tree: str) -> tuple[int, str]:
        """Run the command as it is; its status, and why it has none."""
        with self._room(tree, None) as room:
            ended = room.run(self.program.argv, seconds=self.left, env=self._env("{}"))
        return ended.status, ended.why

    @contextmanager
    def _room(self, tree: str, mutant: tuple[str, bytes] | None) -> Iterator[Room]:
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="run-") as name:
            scratch = Path(name)
            folder, binds = self.tree(tree), [(str(self._folder / "probe"), "/probe")]
            if mutant is not None:
                (scratch / "mutant").write_bytes(mutant[1])
                binds.append((str(scratch / "mutant"), f"{TREE}/{mutant[0]}"))
            if self._settings.writable:
                folder = Path(shutil.copytree(folder, scratch / "tree", symlinks=True))
            yield Room(folder, self.program.reads, self._settings.writable, tuple(binds))

    def _env(self, asked: str) -> dict[str, str]:
        path = [os.path.normpath(f"{TREE}/{part}") for part in self._settings.path]
        return {
            "PYTHONPATH": ":".join(["/probe", *path]), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
            "INTERLOCK_PROBE": asked, "CI": "true",
        }  # fmt: skip


def _read(mark: str, status: int, said: bytes, seconds: float) -> Seen:
    """What the probe said, where it is whole, of this run, and agrees with how the program ended."""
    before, _, line = said.partition(f"\n{mark} ".encode())
    words = " ".join(before.decode("utf-8", "replace").split())[-200:]
    try:
        seen = _decoder().decode(line.partition(b"\n")[0])
    except msgspec.DecodeError:
        return Seen(why=f"pytest ended with status {status} and told of no test: {words}", seconds=seconds)
    failed = bool(seen.errors) or "failed" in seen.tests.values()
    if seen.status != status or (status == 0 and failed):
        return Seen(why="what was told of the tests does not fit how pytest ended", seconds=seconds)
    if status in _NOT_COLLECTED and not seen.errors:
        return Seen(why=f"pytest ended with status {status}: {words}", seconds=seconds)
    lines = {
        path.removeprefix(f"{TREE}/"): {int(n): frozenset(tests) for n, tests in of.items()}
        for path, of in seen.lines.items()
    }
    return Seen(seen.tests, lines, tuple(seen.errors), seconds)


@cache
def _decoder() -> msgspec.json.Decoder[_Said]:
    return msgspec.json.Decoder(_Said)
