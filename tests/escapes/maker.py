"""A small process that makes the attempts: to fork the tests' own, with all that they have collected, costs far more.

A request is a line of JSON on its input, and so is the answer on its output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

from escapes.probes import ALL
from escapes.run import attempt
from escapes.sandboxes import Interlock, load_all
from escapes.stage import Ground

_TESTS = Path(__file__).parents[1]


class Maker:
    """The process, which makes attempts in Interlock's sandbox with this launcher."""

    def __init__(self, launcher: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "escapes.maker", str(launcher)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join([str(_TESTS), str(_TESTS.parent)])},
        )  # fmt: skip

    def attempt(self, probe: str, ground: Ground, user: int) -> bool | None:
        """As `run.attempt`, for an attempt of the suite by its name. Raises RuntimeError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([probe, str(ground.base), str(ground.template), user]), file=self._process.stdin, flush=True)
        end, problem = json.loads(self._process.stdout.readline())
        if problem:
            raise RuntimeError(problem)
        made: bool | None = end
        return made

    def close(self) -> None:
        self._process.communicate()


def _serve(launcher: Path) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever an attempt prints is no answer
    load_all()
    probes = {probe.id: probe for probe in ALL}
    for line in sys.stdin:
        name, base, template, user = json.loads(line)
        end, problem = None, ""
        try:
            end = attempt(probes[name], Interlock(launcher), Ground(Path(base), Path(template)), user)
        except Exception:
            problem = traceback.format_exc()
        print(json.dumps([end, problem]), file=answers, flush=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
