"""Fits the risk model to public releases, and says how good it is on projects that it was not fitted to.

    python benchmarks/risk/score.py DIRECTORY [--write]

DIRECTORY is what `fetch.py` filled and `history.py` made repositories of. A release is bad if a fix within DAYS took
lines of code out that it had brought, or if a later changelog blames it by its number. Of each project the first EARLY
releases are left out (nothing is known of their files' past), and those of the last DAYS (they may still turn out bad).
A third of the projects, by the digest of their names, is held out. Which variant of the fit is taken is decided within
the others alone, by the Brier score on projects left out in turn. `--write` changes the weights in the package's
`risk.toml` and draws `docs/risk.svg`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.risk.fetch import projects

from interlock.changes.repo import Repo
from interlock.changes.risk import fit, outcomes
from interlock.changes.risk.calibration import LEAST
from interlock.changes.risk.diagram import diagram
from interlock.changes.risk.score import Measure, model, probability

ROOT = Path(__file__).parent.parent.parent
TOML = ROOT / "src/interlock/changes/data/risk.toml"
DAYS = 90
EARLY = 10
FOLDS = 6
# What a release shows nothing of, or the same of each: who wrote it, what stages found, how many commits it was.
UNSEEN = ("authors", "commits", "agent", "reviews", "blocks", "unjudged")
SEEN = tuple(one for one in model().measure if one.id not in UNSEEN)


class Case(NamedTuple):
    """One release: its project, measures, and whether it turned out bad."""

    project: str
    numbers: dict[str, float]
    bad: bool

    def row(self, seen: Sequence[Measure]) -> list[float]:
        """In the units of the weights."""
        return [one.scaled(self.numbers[one.id]) for one in seen]


class Fit(NamedTuple):
    """A model: the offset, and a weight for each measure that was seen."""

    offset: float
    weights: list[float]
    seen: Sequence[Measure]

    def raw(self, case: Case) -> float:
        """Without the offset."""
        return sum(weight * x for weight, x in zip(self.weights, case.row(self.seen), strict=True))

    def chance(self, cases: Sequence[Case]) -> list[float]:
        """Probabilities."""
        return [probability(self.raw(case), self.offset, 1.0) for case in cases]


def cases(home: Path) -> list[Case]:
    """The releases of one project whose outcome is known, oldest first."""
    kept = home / "cases.json"
    if kept.exists():
        return [Case(home.name, *row) for row in json.loads(kept.read_text())]
    repo = Repo(str(home))
    history = outcomes.commits(repo)
    numbers = outcomes.measured(history)
    bad = outcomes.mended(repo, history, DAYS) | outcomes.incidents(repo, (home / "incidents.txt").read_text())
    tested = any(map(outcomes.is_test, (path for one in history for path in one.lines)))
    if not tested:  # an archive without tests says nothing of whether there are any
        numbers = [one | {"untested": 0.0} for one in numbers]
    known = [
        (measured, one.name in bad)
        for one, measured in list(zip(history, numbers, strict=True))[EARLY:]
        if one.when <= history[-1].when - DAYS * outcomes.DAY and one.lines
    ]
    kept.write_text(json.dumps(known))
    return [Case(home.name, *row) for row in known]


def by_hand(one: Measure) -> float:
    """The weight before any data."""
    return one.weight if one.prior is None else one.prior


def held(project: str) -> bool:
    """Whether a project is one of those that nothing was fitted to or chosen by."""
    return int(hashlib.sha256(project.encode()).hexdigest(), 16) % 3 == 0


def plain(train: Sequence[Case], seen: Sequence[Measure] = SEEN, strength: float = 10.0) -> Fit:
    """All releases alike, weights pulled to those set by hand."""
    offset, weights = fit.fitted(
        [case.row(seen) for case in train], [case.bad for case in train], [by_hand(one) for one in seen], strength
    )
    return Fit(offset, weights, seen)


def within(train: Sequence[Case], seen: Sequence[Measure] = SEEN, strength: float = 10.0) -> Fit:
    """Weights from differences within projects; then the offset and the slope from all."""
    means: dict[str, list[float]] = {}
    for project in {case.project for case in train}:
        rows = [case.row(seen) for case in train if case.project == project]
        means[project] = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    centred = [[x - m for x, m in zip(case.row(seen), means[case.project], strict=True)] for case in train]
    bad = [case.bad for case in train]
    _, weights = fit.fitted(centred, bad, [by_hand(one) for one in seen], strength)
    return _calibrated(Fit(0.0, weights, seen), train)


def hand(train: Sequence[Case]) -> Fit:
    """The weights that were set by hand, with an offset and a slope from data."""
    return _calibrated(Fit(0.0, [by_hand(one) for one in SEEN], SEEN), train)


def size(train: Sequence[Case]) -> Fit:
    """The number of lines alone."""
    return plain(train, [one for one in SEEN if one.id == "lines"], 0.1)


def _calibrated(found: Fit, train: Sequence[Case]) -> Fit:
    offset, slope = fit.calibrated([found.raw(case) for case in train], [case.bad for case in train])
    return Fit(offset, [slope * weight for weight in found.weights], found.seen)


VARIANTS: dict[str, Callable[[Sequence[Case]], Fit]] = {
    "lines alone": size,
    "set by hand, offset and slope fitted": hand,
    "fitted, prior 10": plain,
    "fitted, prior 100": lambda train: plain(train, strength=100.0),
    "fitted within projects, prior 10": within,
    "fitted within projects, prior 100": lambda train: within(train, strength=100.0),
}
FITTED = tuple(variant for variant in VARIANTS if variant.startswith("fitted"))


def told(chance: Sequence[float], test: Sequence[Case]) -> str:
    """How good scores are: over all, and the mean of the projects' own AUC."""
    bad = [case.bad for case in test]
    areas = []
    for project in sorted({case.project for case in test}):
        mine = [i for i, case in enumerate(test) if case.project == project]
        if 0 < sum(bad[i] for i in mine) < len(mine):
            areas.append(fit.area([chance[i] for i in mine], [bad[i] for i in mine]))
    caught = " ".join(f"{fit.caught(chance, bad, share):.3f}" for share in (0.05, 0.1, 0.2, 0.5))
    return (
        f"AUC {fit.area(chance, bad):.3f}, mean within {len(areas)} projects {sum(areas) / max(1, len(areas)):.3f}; "
        f"Brier {fit.brier(chance, bad):.4f}; caught at 5, 10, 20, 50%: {caught}"
    )


def folds(train: Sequence[Case]) -> str:
    """Each variant on projects of the training part that it was not fitted to; the fitted one that does best."""
    scores = {}
    names = sorted({case.project for case in train}, key=lambda name: hashlib.sha256(name.encode()).digest())
    for variant, make in VARIANTS.items():
        chance = {}
        for number in range(FOLDS):
            out = set(names[number::FOLDS])
            found = make([case for case in train if case.project not in out])
            chance |= {i: found.chance([case])[0] for i, case in enumerate(train) if case.project in out}
        ordered = [chance[i] for i in range(len(train))]
        scores[variant] = fit.brier(ordered, [case.bad for case in train])
        print(f"{variant:<38} {told(ordered, train)}")
    return min(FITTED, key=scores.__getitem__)


def recalibrated(found: Fit, test: Sequence[Case]) -> None:
    """What a team does: offset and slope from its own older two thirds, judged by the newer third."""
    before, after, rate, truth = [], [], [], []
    for project in sorted({case.project for case in test}):
        mine = [case for case in test if case.project == project]
        cut = len(mine) * 2 // 3
        if sum(case.bad for case in mine[:cut]) < LEAST:
            continue
        offset, slope = fit.calibrated([found.raw(case) for case in mine[:cut]], [case.bad for case in mine[:cut]])
        share = sum(case.bad for case in mine[:cut]) / cut
        before += found.chance(mine[cut:])
        after += [probability(found.raw(case), offset, slope) for case in mine[cut:]]
        rate += [share] * len(mine[cut:])
        truth += [case.bad for case in mine[cut:]]
    print(
        f"newer thirds of held-out projects ({len(truth)}): Brier as fitted elsewhere {fit.brier(before, truth):.4f}, "
        f"calibrated on the older two thirds {fit.brier(after, truth):.4f}, their share {fit.brier(rate, truth):.4f}"
    )


def write(found: Fit, bins: list[fit.Bin], count: int) -> None:
    """The fitted numbers into the package, and the diagram into the documents."""
    text = re.sub(r"(?m)^trained = .*$", "trained = true", TOML.read_text())
    same = sum(one.term(1.0) for one in model().measure if one.id in ("authors", "commits"))  # of each release: one
    text = re.sub(r"(?m)^offset = .*$", f"offset = {found.offset - same:.3f}", text)
    for one, weight in zip(found.seen, found.weights, strict=True):
        lines = f'id = "{one.id}"\nweight = {weight:.3f}\nprior = {by_hand(one)}'
        text = re.sub(rf'(?m)^id = "{one.id}"\nweight = \S+(?:\nprior = \S+)?$', lines, text)
    TOML.write_text(text)
    title = f"{count} releases of held-out projects, in tenths"
    (ROOT / "docs/risk.svg").write_text(diagram(bins, title))


def main() -> None:
    """Fit, show, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    homes = [asked.directory / "git" / one.name.replace("/", "+") for one in projects()]
    every = [case for home in homes if (home / ".done").exists() for case in cases(home)]
    train = [case for case in every if not held(case.project)]
    for part, name in ((train, "to fit to"), ([case for case in every if held(case.project)], "held out")):
        print(
            f"{name}: {len({c.project for c in part})} projects, {len(part)} releases, {sum(c.bad for c in part)} bad"
        )
    chosen = folds(train)
    print(f"taken: {chosen}\n\non held-out projects:")
    test = [case for case in every if held(case.project)]
    for variant in ("lines alone", "set by hand, offset and slope fitted", chosen):
        print(f"{variant:<38} {told(VARIANTS[variant](train).chance(test), test)}")
    found = VARIANTS[chosen](train)
    chance, bad = found.chance(test), [case.bad for case in test]
    share = sum(case.bad for case in train) / len(train)
    elsewhere, own = fit.brier([share] * len(bad), bad), fit.constant(bad)
    print(f"Brier of the share of those fitted to: {elsewhere:.4f}; of their own: {own:.4f}")
    bins = fit.reliability(chance, bad, 10)
    print("\n| predicted | releases | mean predicted | bad |\n|---|---|---|---|")
    for one in bins:
        print(f"| {one.low:.2f} to {one.high:.2f} | {one.size} | {one.predicted:.2f} | {one.bad:.2f} |")
    print()
    recalibrated(found, test)
    print(
        f"offset {found.offset:.3f}; "
        + ", ".join(f"{m.id} {w:.3f}" for m, w in zip(found.seen, found.weights, strict=True))
    )
    order = sorted(found.chance(every))
    print("scores of all: " + ", ".join(f"P{p} {order[len(order) * p // 100]:.3f}" for p in (5, 20, 50, 75, 90, 95)))
    if asked.write:
        write(found, bins, len(test))


if __name__ == "__main__":
    main()
