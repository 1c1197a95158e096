"""The other side of a race: a process of its own that changes things as fast as it can, until it is told to be calm.

    python attacker.py CLASS ROOT

A line on standard input sets it off ("go SEED") or calms it ("calm": all is as it was approved); it answers "ok".
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path

Act = Callable[[], None]


def put(path: Path, text: str, mode: int = 0o755) -> None:
    """Another file in the place, as an editor does: atomically."""
    other = path.with_name(f".{path.name}.new")
    other.write_text(text)
    other.chmod(mode)
    other.rename(path)


def overwrite(path: Path, text: str) -> None:
    """The same file with other bytes."""
    with path.open("r+") as file:
        file.write(text)
        file.truncate()


def relink(path: Path, target: str) -> None:
    other = path.with_name(f".{path.name}.link")
    with contextlib.suppress(FileNotFoundError):
        other.unlink()
    other.symlink_to(target)
    other.rename(path)


def swap(path: Path, away: Path, instead: Path) -> None:
    """A directory goes away, and another one stands there."""
    path.rename(away)
    instead.rename(path)


class Side:
    """What is attacked: the acts of an attack, and the way back."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        return self.root / name

    def acts(self) -> list[Act]:
        return []

    def calm(self) -> None:
        pass


class File(Side):
    """A file is replaced, written into, made a link, or lies in a directory that is swapped."""

    name = "lib/job.sh"

    def acts(self) -> list[Act]:
        path, evil = self.path(self.name), self.path("evil/" + os.path.basename(self.name))
        text = evil.read_text()
        good = self.path("good/" + os.path.basename(self.name)).read_text()
        return [
            lambda: put(path, text),
            lambda: put(path, good),
            lambda: overwrite(path, text),
            lambda: overwrite(path, good),
            lambda: relink(path, str(evil)),
            lambda: swap(path.parent, self.path("away"), self.path("instead")),
            lambda: swap(path.parent, self.path("instead"), self.path("away")),
        ]

    def calm(self) -> None:
        path = self.path(self.name)
        if self.path("away").exists():
            swap(path.parent, self.path("instead"), self.path("away"))
        put(path, self.path("good/" + path.name).read_text())


class Script(File):
    name = "lib/deploy.sh"


class Plan(File):
    name = "lib/x.plan"


class Directory(Side):
    """The link that the working directory is reached by leads elsewhere."""

    def acts(self) -> list[Act]:
        link = self.path("current")
        return [lambda: relink(link, "two"), lambda: relink(link, "one"), lambda: relink(link, str(self.path("two")))]

    def calm(self) -> None:
        relink(self.path("current"), "one")


class Names(Side):
    """A program of the same name comes before the approved one, or takes its place."""

    def acts(self) -> list[Act]:
        first, second = self.path("first/tool"), self.path("second/tool")
        evil, good = self.path("evil/tool").read_text(), self.path("good/tool").read_text()
        return [
            lambda: put(first, evil),
            first.unlink,
            lambda: put(second, evil),
            lambda: put(second, good),
            lambda: overwrite(second, evil),
        ]

    def calm(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path("first/tool").unlink()
        put(self.path("second/tool"), self.path("good/tool").read_text())


class Refs(Side):
    """The branch leads to another commit, in each way that a repository can say so."""

    def acts(self) -> list[Act]:
        git = self.path(".git")
        main, packed, config = git / "refs/heads/main", git / "packed-refs", git / "config"
        good, evil = self.path("good.sha").read_text(), self.path("evil.sha").read_text()
        plain, elsewhere = self.path("good.config").read_text(), self.path("evil.config").read_text()
        return [
            lambda: put(main, evil, 0o644),
            lambda: put(main, good, 0o644),
            lambda: overwrite(main, evil),
            lambda: put(packed, f"{evil.strip()} refs/heads/main\n", 0o644),
            packed.unlink,
            lambda: put(config, elsewhere, 0o644),
            lambda: put(config, plain, 0o644),
        ]

    def calm(self) -> None:
        git = self.path(".git")
        with contextlib.suppress(FileNotFoundError):
            (git / "packed-refs").unlink()
        put(git / "refs/heads/main", self.path("good.sha").read_text(), 0o644)
        put(git / "config", self.path("good.config").read_text(), 0o644)


SIDES: dict[str, type[Side]] = {
    "script": Script, "interpreter": File, "plan": Plan, "cwd": Directory, "path": Names, "git": Refs,
}  # fmt: skip


def main() -> None:
    side = SIDES[sys.argv[1]](Path(sys.argv[2]))
    acts = side.acts()
    active, chance = False, random.Random(0)
    while True:
        ready, _, _ = select.select([0], [], [], 0 if active else None)
        if ready:
            line = sys.stdin.readline().split()
            if not line:
                return
            active = line[0] == "go"
            if active:
                chance.seed(line[1])
            else:
                side.calm()
            sys.stdout.write("ok\n")
            sys.stdout.flush()
            if active:
                time.sleep(chance.random() * 0.004)
        if active:
            with contextlib.suppress(OSError):
                chance.choice(acts)()
            if chance.random() < 0.2:
                time.sleep(chance.random() * 0.0005)


if __name__ == "__main__":
    main()
