"""What all races stand on: how many trials of each class, its ground, one race, and what counts as a win.

Ten classes. The slow ring runs 10,000 trials in all, the default ring a few of each. What ran is exactly what was
approved, or nothing ran.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from races.harness import LAUNCHER, NEVER, Attack, House, Result, raced

needs_launcher = pytest.mark.skipif(
    not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation"
)

SLOW = {
    "argv": 1500, "cwd": 1500, "environment": 1500, "path": 1300, "script": 1500, "interpreter": 1500, "plan": 500,
    "git": 300, "policy": 100, "freeze": 300,
}  # fmt: skip
assert sum(SLOW.values()) == 10_000
FEW = {name: 2 if name in {"git", "policy"} else 8 for name in SLOW}
GOOD, EVIL = f"{NEVER}\necho GOOD\n", f"{NEVER}\necho EVIL\n"


def counts(name: str) -> list[Any]:
    return [pytest.param(FEW[name], id="few"), pytest.param(SLOW[name], id="all", marks=pytest.mark.slow)]


def prepare(kind: str, house: House) -> None:
    """The ground of one class: what is good, and what is evil."""
    if kind in {"script", "interpreter"}:
        name, head = ("deploy.sh", "#!/bin/sh\n") if kind == "script" else ("job.sh", "")
        house.write(f"good/{name}", head + GOOD)
        house.write(f"evil/{name}", head + EVIL)
        house.write(f"lib/{name}", head + GOOD)
        house.write(f"instead/{name}", head + EVIL)
    elif kind == "cwd":
        house.write("one/job.sh", GOOD)
        house.write("two/job.sh", EVIL)
        (house.project / "current").symlink_to("one")
    elif kind == "path":
        house.write("good/tool", "#!/bin/sh\necho GOOD\n")
        house.write("evil/tool", "#!/bin/sh\necho EVIL\n")
        (house.project / "first").mkdir()
        house.write("second/tool", "#!/bin/sh\necho GOOD\n")
        house.variables["PATH"] = f"{house.project}/first:{house.project}/second:/usr/bin:/bin"
    elif kind == "plan":
        for place, text in (("good", "GOOD\n"), ("evil", "EVIL\n"), ("lib", "GOOD\n"), ("instead", "EVIL\n")):
            house.write(f"{place}/x.plan", text, 0o644)
        house.write("programs/terraform", '#!/bin/sh\nshift\ncat "$1"\n')
        house.variables["PATH"] = f"{house.project}/programs:/usr/bin:/bin"
    elif kind == "git":
        repository(house)


def repository(house: House) -> None:
    """A branch, another commit that nobody approved, and a remote of each kind."""
    project = house.project
    shutil.rmtree(project / ".git")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(project)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for name in ("remote.git", "elsewhere.git"):
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(house.base / name)], check=True)
    subprocess.run([*git, "remote", "add", "origin", str(house.base / "remote.git")], check=True)
    for name in ("good", "evil"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", name], check=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        house.write(f"{name}.sha", head.stdout, 0o644)
    good = (project / "good.sha").read_text().strip()
    subprocess.run([*git, "update-ref", "refs/heads/main", good], check=True)
    config = (project / ".git/config").read_text()
    house.write("good.config", config, 0o644)
    house.write("evil.config", config.replace("remote.git", "elsewhere.git"), 0o644)


def play(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def won(results: list[Result]) -> int:
    """In how many trials something else ran than what was approved."""
    return sum(result.ran and result.out != "GOOD\n" for result in results)


def check(results: list[Result]) -> None:
    assert won(results) == 0, [result for result in results if result.ran and result.out != "GOOD\n"][:3]
    assert any(result.ran for result in results) or len(results) < 20, "nothing ever ran: nothing was shown"


def race(house: House, attack: Attack, command: str, count: int, cwd: str = "") -> None:
    chance = random.Random(count)
    results: list[Result] = []

    async def story() -> None:
        results.extend([await raced(house, attack, command, cwd, chance) for _ in range(count)])

    play(story)
    check(results)
