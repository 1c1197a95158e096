"""What symbolic execution decides of small functions old against new, beside examples and, where named, CrossHair.

python benchmarks/symbolic.py [--crosshair PROGRAM]

The pairs are those of the solver's test: half of them differ, some at one argument in many millions. One hand wrote
pairs and solver, so this says what kinds of functions it is for, and not how many of yours it decides.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from changes.formal.versions import PAIRS, Versions
from interlock.changes.formal.differ import question
from interlock.changes.formal.pure import Pair
from interlock.changes.formal.symbolic.decide import decide

Answers = dict[str, tuple[str, float]]  # name -> what was said, and the seconds of the processor that it took


def _spent(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def solver() -> Answers:
    found = {}
    for pair in PAIRS:
        began = _spent(resource.RUSAGE_SELF)
        said = decide("f", (pair.before, pair.after), pair.kinds, seconds=10, loosened=False).answer
        found[pair.name] = (
            {"PROVED": "same", "EXAMPLE": "differ"}.get(said, "open"), _spent(resource.RUSAGE_SELF) - began
        )  # fmt: skip
    return found


def examples(pairs: Sequence[Versions] = PAIRS) -> Answers:
    # Not through the sandbox: what runs in bubblewrap is not counted to who started it, and these pairs are ours.
    probe = resources.files("interlock.changes.formal").joinpath("sidebyside.py").read_text()
    found = {}
    for pair in pairs:
        row = Pair("f", 1, pair.before, pair.after, pair.kinds)._asdict()
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "pairs.json").write_bytes(question([row], each=60.0))
            began = _spent(resource.RUSAGE_CHILDREN)
            words = [sys.executable, "-I", "-c", probe]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
            differs = json.loads(done.stdout)["differs"] is not None
            found[pair.name] = "differ" if differs else "open", _spent(resource.RUSAGE_CHILDREN) - began
    return found


def crosshair(program: str) -> Answers:
    found = {}
    for pair in PAIRS:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("one", pair.before), ("two", pair.after)):
                (Path(folder) / f"{name}.py").write_text(_annotated(pair, text))
            began = _spent(resource.RUSAGE_CHILDREN)
            words = [program, "diffbehavior", "one.f", "two.f", "--per_condition_timeout", "10"]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode not in (0, 1):
                raise SystemExit(f"{program} could not be used: {done.stderr.strip()}")
            said = "differ" if done.returncode == 1 else "same" if "All paths" in done.stdout else "open"
            found[pair.name] = said, _spent(resource.RUSAGE_CHILDREN) - began
    return found


def _annotated(pair: Versions, text: str) -> str:
    return text.replace(", ".join(pair.kinds), ", ".join(f"{name}: {kind}" for name, kind in pair.kinds.items()), 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--crosshair", default="")
    asked = parser.parse_args()
    rows = {"symbolic execution": solver(), "300 examples": examples()}
    if asked.crosshair:
        rows["CrossHair, 10 s each"] = crosshair(asked.crosshair)
    other = sum(pair.differ for pair in PAIRS)
    for name, said in rows.items():
        told = sum(pair.differ and said[pair.name][0] == "differ" for pair in PAIRS)
        same = sum(not pair.differ and said[pair.name][0] == "same" for pair in PAIRS)
        wrong = sum(said[pair.name][0] == ("same" if pair.differ else "differ") for pair in PAIRS)
        spent = sum(seconds for _, seconds in said.values())
        print(
            f"{name:22} told apart {told} of {other}, proved the same {same} of {len(PAIRS) - other}, "
            f"wrong {wrong}, {spent:.1f} CPU-s"
        )


if __name__ == "__main__":
    main()
