"""How often the change gate stops a change that takes a protection out, and how often one that puts it in.

    python benchmarks/pairs/score.py [--part all] [--misses]  --misses lists what went wrong of those looked at
    python benchmarks/pairs/score.py --prove                  runs both tests of each pair on both of its versions

A pair is a module with a protection and the same module without it. That the one is safe and the other is not is
executed: the functional test passes on both, the security test on the safe one alone (`--prove`). The weakening change
goes from safe to unsafe and should be stopped (BLOCK, or a person has to look); the fixing one goes back and should
not be. The gate was changed while looking at the families (classes of weakness) of `code/`; those of `held/` were
written by other hands.

Asked are the stages that judge code without running the project. `formal` runs pure functions of the change, so what
is stopped without it is said as well. `scope` is left out: it asks where a change is, in either direction.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from benchmarks.pairs.labels import missing, wrong
from benchmarks.pairs.pair import Pair, pairs

from changes.making import Files, change
from interlock.changes.finding import Weight
from interlock.changes.iteration import STAGES
from interlock.changes.stages import stages

ASKED = (*STAGES, "formal")
PARTS = {"looked": (False,), "held": (True,), "all": (False, True)}
AROUND: Files = {  # what a project has that these modules are part of
    "README.md": "# Shop\n",
    "requirements.txt": "jinja2==3.1.6\npyjwt==2.15.1\n",
    "package.json": '{"name": "shop", "version": "1.0.0", "private": true}\n',
    "go.mod": "module example.com/shop\n\ngo 1.21\n",
}


class Judged(NamedTuple):
    """What the gate said of one change: stage -> its weightiest word, and what it found."""

    pair: Pair
    weights: dict[str, Weight]
    told: tuple[str, ...]

    @property
    def stopped(self) -> bool:
        """Whether the change is blocked or wants a person."""
        return bool(self.weights)

    @property
    def blocked(self) -> bool:
        """Whether it is blocked."""
        return Weight.BLOCK in self.weights.values()


def judged(pair: Pair, folder: Path, *, fixing: bool = False, asked: Sequence[str] = ASKED) -> Judged:
    """The gate's word on the change from safe to unsafe; `fixing`: on the one back; `asked`: by which stages."""
    one, other = (pair.unsafe, pair.safe) if fixing else (pair.safe, pair.unsafe)
    made = change(folder, {**AROUND, pair.path: one}, {pair.path: other})
    weights: dict[str, Weight] = {}
    told: list[str] = []
    for stage in stages(asked):
        found = stage.run(made)
        heavy = [f for f in found.findings if f.weight is not Weight.NOTE]
        told += [f"{f.rule} {f.weight.value}: {f.title}" for f in heavy] + [
            f"{stage.name}: {p}" for p in found.problems
        ]
        if heavy or found.problems:
            block = any(f.weight is Weight.BLOCK for f in heavy)
            weights[stage.name] = Weight.BLOCK if block else Weight.REVIEW
    return Judged(pair, weights, tuple(told))


def share(some: Sequence[bool]) -> str:
    """`7 of 8 (88%)`."""
    return f"{sum(some):3} of {len(some):3} ({sum(some) / max(1, len(some)):6.1%})"


def scored(held: bool, misses: bool, by: Sequence[str] = ASKED) -> None:
    """Print the figures of the pairs looked at, or of those held back, by some stages."""
    asked = [pair for pair in pairs() if pair.held is held]
    lost: list[Judged] = []
    won: list[Judged] = []
    with tempfile.TemporaryDirectory(prefix="pairs-") as folder:
        for number, pair in enumerate(asked):
            lost.append(judged(pair, Path(folder) / f"{number}-lost", asked=by))
            won.append(judged(pair, Path(folder) / f"{number}-won", fixing=True, asked=by))
    print(f"{'held back' if held else 'looked at'}: {len(asked)} pairs of {len({p.family for p in asked})} families")
    print(f"  {'':12} {'weakening stopped':21}  {'of these blocked':21}  fixing stopped")
    for language in ("all", "python", "javascript", "go"):
        one, other = ([j for j in some if language in ("all", j.pair.language)] for some in (lost, won))
        stopped = [j for j in one if j.stopped]
        print(
            f"  {language:12} {share([j.stopped for j in one])}  {share([j.blocked for j in stopped])}"
            f"  {share([j.stopped for j in other])}"
        )
    print(f"  without formal: weakening {share([bool(j.weights.keys() - {'formal'}) for j in lost])}")
    for stage in by:
        alone = Counter(tuple(j.weights) == (stage,) for j in lost)[True]
        print(
            f"  {stage:12} weakening {share([stage in j.weights for j in lost])}, alone {alone:3};"
            f"  fixing {share([stage in j.weights for j in won])}"
        )
    if misses and not held:
        for j in lost:
            if not j.stopped:
                print(f"  missed {j.pair.name} | {j.pair.form}")
        for j in won:
            if j.stopped:
                print(f"  alarm  {j.pair.name}: {'; '.join(j.told)}")


def prove() -> int:
    """Say which labels do not hold; the number of pairs of which one does not."""
    every = pairs()
    found = wrong(every)
    for name, problems in found.items():
        for problem in problems:
            print(f"{name}: {problem}")
    left = Counter(program for pair in every if (program := missing(pair)))
    bad = sum(map(bool, found.values()))
    print(f"{len(found) - bad} of {len(every)} pairs hold what they say, {bad} do not")
    for program, count in left.items():
        print(f"{count} were not run: there is no {program} here")
    return bad


def main() -> None:
    """Do what the arguments ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, default="looked", help="which pairs are scored")
    parser.add_argument("--stages", default=",".join(ASKED), help="the stages that are asked")
    parser.add_argument("--misses", action="store_true", help="list what went wrong, of those looked at alone")
    parser.add_argument("--prove", action="store_true", help="run the tests of all pairs instead")
    args = parser.parse_args()
    if args.prove:
        sys.exit(1 if prove() else 0)
    for held in PARTS[args.part]:
        scored(held, args.misses, args.stages.split(","))


if __name__ == "__main__":
    main()
