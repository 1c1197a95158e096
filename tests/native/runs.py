"""Real runs of `interlock-run`: a workspace, a plan in bytes, a user, and what came of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

NOBODY = 65534
# Sandboxes hide the home, where the tests' own interpreter may lie.
_PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3")
PYTHON = next((path for path in _PYTHONS if os.path.exists(path)), os.path.realpath(sys.executable))

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "SECRET": "s3cret"}  # the caller's

Value = str | list[str]


def plan_bytes(**values: Value) -> bytes:
    """The records of a plan. A list is a key that is said several times."""
    records = []
    for key, value in values.items():
        records += [f"{key}={one}" for one in (value if isinstance(value, list) else [value])]
    return b"".join(record.encode("utf-8", "surrogateescape") + b"\0" for record in records)


@dataclass
class Ran:
    """What the caller of the launcher sees."""

    status: int
    out: str
    err: str


@dataclass
class Sandbox:
    """A launcher, and a directory with a workspace, that both belong to `user`."""

    program: Path
    base: Path
    user: int
    env: dict[str, str] = field(default_factory=lambda: dict(ENVIRONMENT))
    runs: int = 0

    @property
    def workspace(self) -> Path:
        return self.base / "project"

    @property
    def upper(self) -> Path:
        """The upper layer of the last run."""
        return self.base / f"layers-{self.runs}" / "upper"

    def own(self, *paths: Path) -> None:
        for path in paths:
            os.chown(path, self.user, self.user, follow_symlinks=False)

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """A file of the workspace, before a run."""
        path = self.workspace / name
        for parent in reversed(path.relative_to(self.base).parents[:-1]):
            if not (self.base / parent).exists():
                (self.base / parent).mkdir()
                self.own(self.base / parent)
        path.write_text(text)
        path.chmod(mode)
        self.own(path)
        return path

    def values(self, *command: str, **changes: Value | None) -> dict[str, Value]:
        """The plan of an everyday run, with `changes`; None takes a key out."""
        self.runs += 1
        layers = self.base / f"layers-{self.runs}"
        for path in (layers, layers / "upper", layers / "work"):
            path.mkdir()
            self.own(path)
        values: dict[str, Value | None] = {
            "version": "1", "id": f"run-{self.runs}", "arg": list(command), "cwd": str(self.workspace),
            "workspace": str(self.workspace), "write": "overlay", "upper": str(layers / "upper"),
            "work": str(layers / "work"), "hide": ["/root", "/home"], "fresh": ["/tmp", "/run", "/var/tmp"],
            "fresh_bytes": str(64 << 20), "network": "none", "keep": ["LANG", "LC_*"],
            "env": ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp"], "wall": "60",
            "landlock": "0", "shim": "0", "tty": "0",
        }  # fmt: skip
        values |= changes
        return {key: value for key, value in values.items() if value is not None}

    def run(self, *command: str, input: str = "", timeout: float = 60, **changes: Value | None) -> Ran:  # noqa: A002
        """Runs a command by a plan."""
        return self.run_bytes(plan_bytes(**self.values(*command, **changes)), input=input, timeout=timeout)

    def run_bytes(self, raw: bytes, *, input: str = "", timeout: float = 60) -> Ran:  # noqa: A002
        """Runs what these bytes say."""
        plan = self.base / "plan"
        plan.write_bytes(raw)
        self.own(plan)
        ran = subprocess.run(
            self.command("--plan", str(plan)), input=input.encode(), capture_output=True, timeout=timeout,
            check=False, env=self.env, cwd=self.base,
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace"))

    def command(self, *words: str) -> list[str]:
        """The launcher with these words, as this user."""
        # `setpriv` and not `identity`: with a user, `subprocess` copies all of this process first, the tests and all.
        user = str(self.user)
        become = (
            ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--"] if self.identity() else []
        )
        return [*become, str(self.program), *words]

    def identity(self) -> dict[str, object]:
        """The words for `subprocess` that make a child this user's."""
        if self.user == os.geteuid():
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}

    def shell(self, script: str, **changes: Value | None) -> Ran:
        """Runs a script of the shell."""
        return self.run("/bin/sh", "-c", script, **changes)

    def python(self, script: str, *words: str, **changes: Value | None) -> Ran:
        """Runs a program of the system's Python."""
        return self.run(PYTHON, "-I", "-c", script, *words, **changes)


def new_sandbox(program: Path, user: int) -> Sandbox:
    """A directory that `user` reaches whatever the rights of pytest's own."""
    base = Path(tempfile.mkdtemp(prefix="interlock-run-")).resolve()
    base.chmod(0o755)
    copy = base / "interlock-run"
    shutil.copy(program, copy)
    copy.chmod(0o755)
    sandbox = Sandbox(copy, base, user)
    sandbox.workspace.mkdir()
    sandbox.own(base, sandbox.workspace)
    return sandbox


def lacking(sandbox: Sandbox) -> str:
    """What this machine lacks for a sandbox of this user, in the probe's words; empty when it has all."""
    ran = subprocess.run(
        [str(sandbox.program), "--probe", str(sandbox.base)], capture_output=True, text=True, check=False,
        env=sandbox.env, **sandbox.identity(),
    )  # fmt: skip
    lacks = {"userns=no", "overlay=no", "proc=no"} & set(ran.stdout.split())
    return f"{' '.join(sorted(lacks))} {ran.stderr}" if lacks else ""


def remove(base: Path) -> None:
    """Overlay leaves a directory behind into which nobody may look."""
    for directory, names, _ in os.walk(base):
        for name in names:
            path = Path(directory, name)
            if not path.is_symlink():
                path.chmod(0o755)
    shutil.rmtree(base)
