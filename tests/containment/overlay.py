"""A real rootless overlay: commands run on it in a namespace of their own, and what the merged tree looked like."""

from __future__ import annotations

import ast
import functools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from containment.trees import Tree
from interlock.containment.change import ChangeSet
from interlock.containment.changes import overlay, start

_TESTS = str(Path(__file__).parent.parent)


class Ran(NamedTuple):
    """One run of commands on an overlay."""

    folder: Path
    upper: Path
    workspace: Path
    began: int
    merged: Tree

    def listed(self, **options: Any) -> ChangeSet:
        above = os.open(self.upper, os.O_RDONLY | os.O_DIRECTORY)
        live = os.open(self.workspace, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return overlay(above, live, began=self.began, **options)
        finally:
            os.close(above)
            os.close(live)


def tick() -> None:
    """Until the clock that stamps files has moved on: what is written now is younger than what was."""
    time.sleep(0.011)


def run(workspace: Path, folder: Path, commands: list[list[Any]], *, look: bool = True) -> Ran:
    """Run commands on an overlay of the workspace, in a new folder for the run; `look` at the merged tree."""
    folder.mkdir(parents=True)
    for name in ("upper", "work"):
        (folder / name).mkdir()
    tick()
    began = start(folder)
    tick()
    asked = json.dumps([str(workspace), str(folder / "upper"), str(folder / "work"), commands, look])
    said = subprocess.run(
        ["unshare", "-Urm", sys.executable, "-B", "-S", "-m", "containment.inside"],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={**os.environ, "PYTHONPATH": _TESTS},
    )
    assert said.returncode == 0, said.stderr
    return Ran(folder, folder / "upper", workspace, began, ast.literal_eval(said.stdout))


@functools.cache
def works() -> bool:
    """Whether this machine lets us mount one."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "workspace").mkdir()
        try:
            run(Path(place) / "workspace", Path(place) / "run", [])
        except (AssertionError, OSError):
            return False
        finally:
            subprocess.run(["rm", "-rf", place], check=False)
            os.makedirs(place, exist_ok=True)
    return True


needs_overlay = pytest.mark.skipif(
    "not __import__('containment.overlay').overlay.works()", reason="no rootless overlay here"
)
