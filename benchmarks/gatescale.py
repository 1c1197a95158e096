"""The whole gate on 500 changed lines in a repository of 100,000 lines: each stage's time, and memory.

python benchmarks/gatescale.py

The repository is made: 1,000 modules of 100 lines that import one another, with tests. Memory is the largest that the
processes of the gate hold together.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from changes.making import Files, commit, git, repository
from interlock.changes.descendants import below, resident
from interlock.changes.gate import judge
from interlock.changes.repo import Repo

MODULES, CHANGED, EACH = 1_000, 25, 20
RULES = f'[tests]\ncommand = ["{sys.executable}", "-m", "pytest"]\n'


def module(number: int, more: str = "") -> str:
    """A hundred lines."""
    head = [f"from app.m{number - 1} import f{number - 1}_0" if number else "import math", "", ""]
    body = []
    for n in range(14):
        body += [f"def f{number}_{n}(a, b):", "    if a < 0:", "        raise ValueError(a)", "    total = 0",
                 "    for x in range(b):", f"        total += x * {n} + a", "    return total"]  # fmt: skip
    return "\n".join([*head, *body]) + "\n" + more


def written(number: int, more: str = "") -> str:
    """A test of one module."""
    return f"from app.m{number} import *\n\n\ndef test_first():\n    assert f{number}_0(1, 3) == 3\n" + more


def main() -> None:
    """Make the repository, judge the change twice, and print what it took."""
    with tempfile.TemporaryDirectory() as name:
        files: Files = {".interlock/gate.toml": RULES, "src/app/__init__.py": ""}
        files |= {f"src/app/m{n}.py": module(n if n % 10 else 0).replace("f0_", f"f{n}_") for n in range(MODULES)}
        files |= {f"tests/test_m{n}.py": written(n) for n in range(0, MODULES, 10)}
        folder = repository(Path(name) / "r", files)
        git(folder, "checkout", "-q", "-b", "work")
        new: Files = {}
        for n in range(0, CHANGED * 10, 10):
            more = (
                f"\n\ndef g{n}(a, b):\n    if a > b:\n        raise ValueError(b)\n"
                + "".join(f"    a += {k}\n" for k in range(EACH - 8))
                + "    return a\n"
            )
            new[f"src/app/m{n}.py"] = str(files[f"src/app/m{n}.py"]) + more
            checks = f"\n\ndef test_g():\n    assert g{n}(1, 9) == 1 + {sum(range(EACH - 8))}\n"
            new[f"tests/test_m{n}.py"] = written(n, checks)
        commit(folder, new)
        for what in ("cold", "cached"):
            most, over = [0], threading.Event()
            watch = threading.Thread(target=look, args=(most, over))
            watch.start()
            started = time.perf_counter()
            report = judge(Repo(str(folder)), "main", "work", cache=Path(name) / "cache", today="2026-11-01")
            took = time.perf_counter() - started
            over.set()
            watch.join()
            lines = sum(file.added for file in report.files)
            print(f"{what}: {lines} new lines, {took:.1f} s, {most[0] >> 20} MiB, {report.verdict.value}")
            for stage in report.stages:
                time_ = "cached" if stage.cached else f"{stage.seconds:.1f} s"
                print(f"  {stage.stage:<14}{stage.verdict.value:<14}{time_:>8}  {len(stage.findings)} found")
                for (rule, weight), count in Counter((f.rule, f.weight.value) for f in stage.findings).items():
                    print(f"      {count} {rule} {weight}")
                print("".join(f"      {problem}\n" for problem in stage.problems), end="")


def look(most: list[int], over: threading.Event) -> None:
    """Keep the largest memory of this process and everything below it."""
    while True:
        most[0] = max(most[0], resident([os.getpid(), *below(os.getpid())]))
        if over.wait(0.1):
            return


if __name__ == "__main__":
    main()
