"""Against bash itself: every argv that bash executed is one that the reader saw, or the reading said `opaque`.

The scripts are made by grammar from fixed seeds. Their PATH holds only stubs that log their argv; they run in a
directory of their own with nothing in it that could be lost.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

from interlock.effects.shell import read_shell
from interlock.model.effect import Verb
from interlock.model.world import Setting

from .bench import Catalogue, Files
from .scripts import NAMES, Writer

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not here")

STUB = """#!/bin/sh
printf '%s\\0' "${0##*/}" "$@" END-OF-ARGV >> "$STUB_LOG"
"""
FILES = ("f1.txt", "f2.txt", "g.md", "d1/in.txt", ".hidden")


class Arena:
    """A directory with stubs, and the same files as the reader's world."""

    def __init__(self, base: Path) -> None:
        self.bin = base / "bin"
        self.work = base / "work"
        self.log = base / "log"
        self.rounds = 0
        self.bin.mkdir()
        for name in NAMES:
            stub = self.bin / name
            stub.write_text(STUB)
            stub.chmod(0o755)
        assert BASH is not None
        (self.bin / "bash").symlink_to(BASH)
        cat = shutil.which("cat")
        assert cat is not None
        (self.bin / "cat").symlink_to(cat)
        self.setting = Setting(cwd=str(self.work), home=str(self.work), user="u", workspace=str(self.work))

    def fresh(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        for name in FILES:
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        self.rounds += 1
        self.log = self.work.parent / f"log{self.rounds}"  # a job left in the background writes to its own script's log
        self.log.write_bytes(b"")

    def executed(self, script: str) -> list[tuple[str, ...]]:
        self.fresh()
        assert BASH is not None
        environment = {"PATH": str(self.bin), "HOME": str(self.work), "STUB_LOG": str(self.log), "LC_ALL": "C.UTF-8"}
        subprocess.run(
            [BASH, "--norc", "--noprofile", "-c", script],
            cwd=self.work,
            env=environment,
            timeout=10,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        records = self.log.read_bytes().decode("utf-8", "replace").split("END-OF-ARGV\0")
        return [tuple(record.split("\0")[:-1]) for record in records if record]

    def read(self, script: str) -> tuple[set[tuple[str, ...]], bool]:
        world = Files({str(self.work / name): "" for name in FILES})
        reading = read_shell(script, self.setting, world, Catalogue(), cwd=str(self.work))
        return set(reading.commands), any(effect.verb in (Verb.OPAQUE, Verb.EXECUTE) for effect in reading.effects)


def covers(seen: tuple[str, ...], ran: tuple[str, ...]) -> bool:
    """Whether a command as seen can be the one that ran: "?" stands for any words, so does a pattern."""
    if seen == ran:
        return True
    if not any(wild(word) for word in seen):
        return False
    return _shape(seen).fullmatch("\0".join(ran) + "\0") is not None


def wild(word: str) -> bool:
    """Not known, a pattern, or a descriptor whose number bash chooses."""
    return word == "?" or bool(set(word) & set("*?[")) or word.startswith("/dev/fd/")


@lru_cache(maxsize=10_000)
def _shape(seen: tuple[str, ...]) -> re.Pattern[str]:
    parts = ["(?:[^\0]*\0)*" if wild(word) else re.escape(word) + "\0" for word in seen]
    return re.compile("".join(parts), re.DOTALL)


def compare(arena: Arena, seeds: range) -> tuple[list[str], int]:
    failures = []
    opaque = 0
    for seed in seeds:
        script = Writer(seed).script()
        seen, unread = arena.read(script)
        if unread:
            opaque += 1
            continue
        for ran in arena.executed(script):
            if not any(covers(command, ran) for command in seen):
                failures.append(f"seed {seed}: bash ran {ran!r}\nseen: {sorted(seen)}\nscript:\n{script}")
                break
    return failures, opaque


def test_what_bash_executes_was_seen(tmp_path: Path) -> None:
    failures, opaque = compare(Arena(tmp_path), range(150))
    assert not failures, "\n".join(failures[:3])
    assert opaque < 150 * 0.35, "a reader that calls everything opaque proves nothing"


@pytest.mark.slow
def test_what_bash_executes_was_seen_over_many_seeds(tmp_path: Path) -> None:
    failures, opaque = compare(Arena(tmp_path), range(1_000, 4_500))
    assert not failures, "\n".join(failures[:5])
    assert opaque < 5_000 * 0.35


def test_the_comparison_notices_a_command_that_was_not_seen() -> None:
    assert not covers(("alpha", "one"), ("alpha", "two"))
    assert not covers(("alpha", "?"), ("beta", "x"))
    assert covers(("alpha", "?", "z"), ("alpha", "x", "y", "z"))
