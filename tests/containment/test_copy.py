"""A run on a copy of the workspace, from the copy to the commit: by the launcher, and by the system's bubblewrap."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.containment import settle as settling
from interlock.containment import tiers
from interlock.containment.plan import Plan, Write
from interlock.containment.settle import Settled, Workplace, settle
from interlock.model.errors import StateError

LAUNCHER = Path(sys.executable).parent / "interlock-run"
BWRAP = """
import os, sys
from pathlib import Path
from interlock.containment import bwrap, calls
from interlock.containment.plan import Plan
means = bwrap.Bubblewrap(Path("/usr/bin/bwrap"), Path(sys.argv[2]), True, calls.calls_filter(os.uname().machine))
sys.exit(bwrap.run(Plan.decode(Path(sys.argv[1]).read_bytes()), means, dict(os.environ)).status)
"""


def secret(path: str) -> bool:
    return path.rpartition("/")[2] == ".env"


class Run:
    """One run by one of the two means."""

    def __init__(self, base: Path, means: str) -> None:
        self.base = base
        self.means = means
        self.workspace = base / "w"
        (self.workspace / "src").mkdir(parents=True)
        (self.workspace / "src" / "a.py").write_text("a\n")
        (self.workspace / "src" / "b.py").write_text("b\n")
        (self.workspace / ".env").write_text("TOKEN=word\n")
        (self.workspace / "src" / ".env").write_text("TOKEN=deep\n")

    def make(self) -> Workplace:
        self.place = Workplace.make(self.base / "run", str(self.workspace), copy=True, secret=secret)
        return self.place

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        workspace = str(self.workspace)
        plan = Plan(
            id="t", argv=("/bin/sh", "-c", script), cwd=workspace, workspace=workspace, write=Write.BIND,
            source=str(self.place.upper), hide=(f"{workspace}/.env",), env=(("PATH", "/usr/bin:/bin"),),
        )  # fmt: skip
        (self.base / "plan").write_bytes(plan.encode())
        (self.base / "empty").touch()
        words = {
            "launcher": [str(LAUNCHER), "--plan", str(self.base / "plan")],
            "bwrap": [sys.executable, "-c", BWRAP, str(self.base / "plan"), str(self.base / "empty")],
        }[self.means]
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=environ)

    def settle(self) -> Settled:
        return settle(self.place, secret=secret)


@pytest.fixture(params=["launcher", "bwrap"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    if request.param == "launcher" and not LAUNCHER.exists():
        pytest.skip("interlock-run is not installed")
    if request.param == "bwrap" and tiers.found("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    made = Run(tmp_path, request.param)
    made.make()
    if made.run("true").returncode == 125:
        pytest.skip("no namespaces here")
    return made


def test_what_it_did_is_committed_and_only_then_there(run: Run) -> None:
    ran = run.run("echo new > src/new.py && echo changed > src/a.py && rm src/b.py && chmod 600 src/new.py")
    assert ran.returncode == 0, ran.stderr
    assert (run.workspace / "src" / "a.py").read_text() == "a\n"
    done = run.settle()
    assert set(done.committed) == {"src/new.py", "src/a.py", "src/b.py"}
    assert (run.workspace / "src" / "a.py").read_text() == "changed\n"
    assert (run.workspace / "src" / "new.py").stat().st_mode & 0o777 == 0o600
    assert not (run.workspace / "src" / "b.py").exists()


def test_nothing_done_is_nothing_changed(run: Run) -> None:
    assert run.run("cat src/a.py").stdout == "a\n"
    assert run.settle().changes.changes == ()


def test_credentials_are_not_in_the_copy_and_stay_in_the_workspace(run: Run) -> None:
    copied = [path for path in run.place.upper.rglob("*") if path.is_file()]
    assert not any(b"TOKEN" in path.read_bytes() for path in copied)
    ran = run.run("cat .env src/.env; echo more >> src/.env")
    assert ran.stdout == ""
    done = run.settle()
    assert [held.path for held in done.held] == ["src/.env"]
    assert (run.workspace / ".env").read_text() == "TOKEN=word\n"
    assert (run.workspace / "src" / ".env").read_text() == "TOKEN=deep\n"


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(run: Run) -> None:
    assert run.run("echo inside > src/a.py; echo inside > src/b.py").returncode == 0
    (run.workspace / "src" / "a.py").write_text("outside\n")
    done = run.settle()
    assert done.committed == ("src/b.py",)
    assert [held.path for held in done.held] == ["src/a.py"]
    assert (run.workspace / "src" / "a.py").read_text() == "outside\n"


def test_what_changed_while_the_copy_was_made_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of a large workspace takes seconds, in which somebody may save a file that was copied already."""
    made = Run(tmp_path, "launcher")
    real = settling.clone

    def slow(source: int, target: int, **more: object) -> None:
        real(source, target, **more)
        (made.workspace / "src" / "a.py").write_text("saved meanwhile\n")

    monkeypatch.setattr(settling, "clone", slow)
    place = made.make()
    (place.upper / "src" / "a.py").write_text("inside\n")
    done = made.settle()
    assert [held.path for held in done.held] == ["src/a.py"]
    assert (made.workspace / "src" / "a.py").read_text() == "saved meanwhile\n"


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Run(tmp_path, "launcher")

    def full(source: int, target: int, **_: object) -> None:
        os.close(os.open("part", os.O_CREAT | os.O_WRONLY, dir_fd=target))
        raise StateError("too large")

    monkeypatch.setattr(settling, "clone", full)
    with pytest.raises(StateError):
        made.make()
    assert not (tmp_path / "run").exists()
