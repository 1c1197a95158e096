"""What the tests of looks share: a real git repository, and looks made over a real reading."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from interlock.effects.read import read_action
from interlock.model.action import Action, Principal, Reading
from interlock.model.world import Setting
from interlock.preview.finding import Asked, Database, Deadline
from interlock.preview.look import Preview, preview
from interlock.preview.process import Machine

ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
IDENTITY = ("-c", "user.name=Dev", "-c", "user.email=dev@example.org", "-c", "init.defaultBranch=main")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *IDENTITY, *words], cwd=folder, env=ENVIRON, capture_output=True, text=True, check=True
    )
    return done.stdout


def repository(folder: Path) -> Path:
    """`a.py`, `b.py` and `docs/x.md` committed."""
    (folder / "docs").mkdir(parents=True)
    git(folder, "init", "-q")
    for name in ("a.py", "b.py", "docs/x.md"):
        (folder / name).write_text(f"content of {name}\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def reading(command: str, folder: Path) -> Reading:
    from interlock.broker.world import LocalWorld

    setting = Setting(cwd=str(folder), home="/home/dev", user="dev", workspace=str(folder))
    action = Action("Bash", {"command": command}, str(folder), Principal(agent="x", session=""))
    return read_action(action, setting, LocalWorld())


def looked(
    command: str,
    folder: Path,
    *looks: str,
    databases: tuple[Database, ...] = (),
    runs: bool = False,
    seconds: float = 20.0,
    environ: dict[str, str] | None = None,
) -> Preview:
    """The looks at what a command would do, on this machine."""
    read = reading(command, folder)
    asked = Asked(read.effects, read.here, str(folder), "/home/dev", databases, runs)
    machine = Machine(Deadline(seconds), environ=ENVIRON | (environ or {}))
    return preview([f"look:{look}" for look in looks], asked, machine)
