"""Fits the odds of a loss (`interlock/changes/guards/data/odds.toml`) to changes of which the outcome is known.

    python benchmarks/guards/fetch.py DIRECTORY && python benchmarks/guards/fetch.py DIRECTORY learned
    python benchmarks/guards/learn.py DIRECTORY [--write]

Holes that come back: the reversed fixes and the weakening pairs that were looked at. Others: the ordinary changes that
were looked at, the releases of `learned.tsv`, which nobody read, and the fixing pairs. What is held back is not used.
A change is bad with the probability that one of its losses is (a noisy or); each loss has a logistic model. Printed
first is what the model says of projects that it was not fitted to, in ten parts, then what it learned.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.guards.fetch import home, rows
from benchmarks.guards.score import SMALL, TOUCHED, Case, changed, ordinary, reversed_fixes, texts
from benchmarks.pairs.pair import pairs

from interlock.changes.guards.odds import features, least
from interlock.changes.guards.weight import Weight, formed

SHEET = Path(__file__).parents[2] / "src/interlock/changes/guards/data/odds.toml"
PARTS = 10
RARE = 6  # losses with a feature, below which nothing is learned of it
PULL = 0.001  # towards nought, of the mean likelihood: what is seldom seen says little
STEPS = 600
PAIRS = 0.3  # what all pairs count, for 1 of all releases: they are small, and were written to be told apart
KINDS = ("fix", "ordinary", "learned", "weakening", "fixing")


class Lost(NamedTuple):
    """A loss as features, and what its form alone would do."""

    features: dict[str, float]
    form: Weight


class Known(NamedTuple):
    """A change whose outcome is known, and what it loses."""

    kind: str
    project: str
    lines: int
    losses: list[Lost]

    @property
    def bad(self) -> bool:
        return self.kind in ("fix", "weakening")

    @property
    def part(self) -> int:
        """The part of the projects that it is in, by the digest of its project's name."""
        return int.from_bytes(hashlib.sha256(self.project.encode()).digest()[:4], "big") % PARTS


def cases(root: Path) -> Iterator[tuple[str, Case]]:
    """All changes of which the outcome is known, unread as yet."""
    yield from (("fix", case) for case in reversed_fixes(root, [], held=False))
    yield from (("ordinary", case) for case in ordinary(root, held=False))
    yield from (("learned", case) for case in learned(root))
    for pair in (pair for pair in pairs() if not pair.held):
        sides = {pair.path: pair.safe}, {pair.path: pair.unsafe}
        yield "weakening", Case(pair.name, pair.family, *sides)
        yield "fixing", Case(pair.name, pair.family, *reversed(sides))


def learned(root: Path) -> Iterator[Case]:
    """The changes between adjacent releases of `learned.tsv`; two versions are in memory at a time."""
    for registry, package, listed in rows("learned.tsv", held=False):
        last: dict[str, str] | None = None
        for version in listed.split():
            if not (folder := home(root, registry, package, version)).exists():
                continue
            now = texts(folder)
            one, other = changed(last, now) if last is not None else ({}, {})
            if 0 < len({**one, **other}) <= TOUCHED:
                yield Case(f"-> {folder.name}", package, one, other)
            last = now


def read(task: tuple[str, Case]) -> Known:
    """The losses of one change, as features."""
    kind, case = task
    case.look()
    forms = [formed(one.loss, looser=one.looser) for one in case.judged]
    found = [
        Lost(features(one.loss, note=form is Weight.NOTE), form) for one, form in zip(case.judged, forms, strict=True)
    ]
    return Known(kind, case.project, case.lines, found)


class Model(NamedTuple):
    """Offset and weights of a loss; `background`: of changes that turn out bad without one."""

    background: float
    offset: float
    weights: dict[str, float]

    def of(self, loss: Lost) -> float:
        """The log odds of one loss, where the odds decide (`guards.weight.decided`)."""
        learned = any(name in self.weights for name in loss.features if name.startswith("sign "))
        if loss.form is Weight.BLOCK or not learned:
            return -math.inf if loss.form is Weight.NOTE else math.inf
        return self.offset + sum(self.weights.get(name, 0.0) * value for name, value in loss.features.items())


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def fitted(known: Sequence[Known]) -> Model:
    """The model that explains the outcomes best (by Adam, Kingma and Ba 2015), weights pulled towards nought."""
    seen = Counter(name for one in known for loss in one.losses for name in loss.features)
    names = ["", "offset", *sorted(name for name, count in seen.items() if count >= RARE)]
    place = {name: n for n, name in enumerate(names)}
    rows_ = [
        [
            [(1, 1.0), *((place[name], value) for name, value in loss.features.items() if name in place)]
            for loss in one.losses
        ]
        for one in known
    ]
    worth = weights_of(known)
    at, first, second = [0.0] * len(names), [0.0] * len(names), [0.0] * len(names)
    at[0] = at[1] = -2.0
    for step in range(1, STEPS + 1):
        slope = [-2 * PULL * w if n > 0 else 0.0 for n, w in enumerate(at)]
        for one, losses, much in zip(known, rows_, worth, strict=True):
            chances = [logistic(sum(at[n] * value for n, value in loss)) for loss in losses]
            none = (1 - logistic(at[0])) * math.prod(1 - p for p in chances)
            good = max(none, 1e-12)
            pull = much * (good / max(1 - good, 1e-12) if one.bad else -1.0)
            slope[0] += pull * logistic(at[0])
            for loss, p in zip(losses, chances, strict=True):
                for n, value in loss:
                    slope[n] += pull * p * value
        for n, s in enumerate(slope):
            first[n] += 0.1 * (s - first[n])
            second[n] += 0.001 * (s * s - second[n])
            at[n] += 0.05 * (first[n] / (1 - 0.9**step)) / (math.sqrt(second[n] / (1 - 0.999**step)) + 1e-8)
    return Model(at[0], at[1], dict(zip(names[2:], at[2:], strict=True)))


def weights_of(known: Sequence[Known]) -> list[float]:
    """What each change counts: good and bad ones as much, releases as PAIRS says; together 1."""
    size = Counter((one.bad, one.kind in ("weakening", "fixing")) for one in known)
    raw = [
        (PAIRS if one.kind in ("weakening", "fixing") else 1.0) / size[one.bad, one.kind in ("weakening", "fixing")]
        for one in known
    ]
    return [one / sum(raw) for one in raw]


def unseen(known: Sequence[Known]) -> list[float]:
    """The strongest loss of each change, by a model that was not fitted to its project."""
    found = [-math.inf] * len(known)
    with ProcessPoolExecutor(2) as pool:
        models = list(pool.map(fitted, ([one for one in known if one.part != part] for part in range(PARTS))))
    for n, one in enumerate(known):
        found[n] = max((models[one.part].of(loss) for loss in one.losses), default=-math.inf)
    return found


def table(known: Sequence[Known], strongest: Sequence[float]) -> float:
    """Print what is stopped of each kind at several bounds; the bound at which as many fixes are as by form alone."""

    def line(label: str, stopped: Sequence[bool]) -> None:
        told = []
        for kind in KINDS:
            some = [s for s, one in zip(stopped, known, strict=True) if one.kind == kind]
            told.append(f"{kind} {sum(some)} of {len(some)} ({sum(some) / max(1, len(some)):.1%})")
        small = [s for s, one in zip(stopped, known, strict=True) if one.kind == "learned" and one.lines <= SMALL]
        print(f"  {label:18} {', '.join(told)}; learned, at most {SMALL} lines {sum(small) / max(1, len(small)):.1%}")

    by_form = [any(loss.form is not Weight.NOTE for loss in one.losses) for one in known]
    line("by form", by_form)
    fixes = sorted((s for s, one in zip(strongest, known, strict=True) if one.kind == "fix"), reverse=True)
    form = sum(stopped for stopped, one in zip(by_form, known, strict=True) if one.kind == "fix")
    for share in (0.70, 0.75, 0.80, form / len(fixes)):
        bound = fixes[round(share * len(fixes)) - 1]
        line(f"odds {math.exp(bound):.3f}", [s >= bound for s in strongest])
    line(f"in use, {least():.3f}", [s >= math.log(least()) for s in strongest])
    return fixes[form - 1]


def sheet(model: Model, bound: float, known: Sequence[Known]) -> str:
    """The sheet as TOML."""
    counted = Counter(one.kind for one in known)
    lines = [
        "# What each feature of a loss says about the odds that it brings a hole back (natural logarithms). Written by",
        "# `benchmarks/guards/learn.py DIRECTORY --write`, never by hand. `least`: the odds from which a person looks.",
        f"# Fitted to {', '.join(f'{counted[kind]} {kind}' for kind in KINDS)}.",
        f"least = {math.exp(bound):.4f}",
        f"offset = {model.offset:.4f}",
        "",
        "[feature]",
    ]
    ordered = sorted(model.weights.items(), key=lambda item: -item[1])
    return "\n".join([*lines, *(f'"{name}" = {weight:.4f}' for name, weight in ordered)]) + "\n"


def main() -> None:
    """Fit, print, and with `--write` keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        known = list(chain.from_iterable(map(list, batches(pool, cases(args.root)))))
    bound = table(known, unseen(known))
    text = sheet(fitted(known), bound, known)
    print(text)
    if args.write:
        SHEET.write_text(text, "utf-8")


def batches(pool: ProcessPoolExecutor, every: Iterator[tuple[str, Case]]) -> Iterator[Iterator[Known]]:
    """The changes, read in two processes, some at a time: all of them do not fit into memory."""
    while some := list(islice(every, 64)):
        yield pool.map(read, some, chunksize=4)
        print(".", end="", flush=True, file=sys.stderr)


if __name__ == "__main__":
    main()
