"""The risk score: how probable it is that a change causes trouble, why, and what review that wants. Pure.

A logistic model whose every term is shown, fitted to releases of public projects (`benchmarks/risk/`, decision
0038). Until a team has calibrated it on what became of its own changes
(`interlock risk`), the score orders changes and is no frequency of theirs, and the report says so. It raises how much
review is asked for; it never makes a verdict.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from interlock.model.counts import filled

# What a score rests on, and what is said where that is no measurement here.
BASIS = {
    "hand": "not trained: weights set by hand after the literature; it orders changes and is no frequency",
    "public": "trained on public releases and not calibrated here: it orders changes (`interlock risk` calibrates it)",
    "own": "",
}


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One term. `unit`: `plain`, or `log2` of one more than the number. `prior`: what was
    set by hand, where the weight is fitted to data."""

    id: str
    weight: float
    unit: str
    says: str
    prior: float | None = None

    def scaled(self, number: float) -> float:
        """A number in the unit that the weight is per."""
        return math.log2(1 + number) if self.unit == "log2" else number

    def term(self, number: float) -> float:
        """What a number adds to the logit."""
        return self.weight * self.scaled(number)


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. `slope` and `offset` are what calibration changes."""

    trained: bool
    offset: float
    slope: float
    measure: tuple[Measure, ...]


class Level(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which probability on how many people look, and who."""

    above: float
    people: int
    who: str = ""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[risk]` of the base's `gate.toml`: the review that a score wants, and a calibration of one's own."""

    # The half and nine tenths of the public releases that the weights were fitted to score below these.
    level: tuple[Level, ...] = (Level(above=0.0, people=0), Level(above=0.18, people=1), Level(above=0.47, people=2))
    frozen: float = 0.07  # under a freeze one person looks from this score on: two in ten of those releases are below
    offset: float | None = None
    slope: float | None = None


class Risk(msgspec.Struct, frozen=True):
    """The score, why, and what follows. `basis`: a key of `BASIS`. `files`: the change's, the riskiest first.

    `freezes`: the reasons of the freezes under which it was judged.
    """

    probability: float
    reasons: tuple[str, ...]
    basis: str
    people: int
    who: str
    files: tuple[str, ...] = ()
    freezes: tuple[str, ...] = ()


@cache
def model() -> Model:
    """The packaged model."""
    text = resources.files("interlock.changes.data").joinpath("risk.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Model)


def logit(numbers: Mapping[str, float]) -> float:
    """The sum of all terms, before calibration and offset."""
    return sum(one.term(numbers.get(one.id, 0.0)) for one in model().measure)


def probability(raw: float, offset: float, slope: float) -> float:
    """A logit as a probability."""
    at = max(-30.0, min(30.0, offset + slope * raw))
    return 1 / (1 + math.exp(-at))


def risk(
    numbers: Mapping[str, float], policy: Policy, files: tuple[str, ...] = (), freezes: tuple[str, ...] = ()
) -> Risk:
    """The score of a change with these measures. Under `freezes` less of a risk is enough for a person to look."""
    known = model()
    own = policy.offset is not None and policy.slope is not None
    offset = policy.offset if policy.offset is not None else known.offset
    slope = policy.slope if policy.slope is not None else known.slope
    at = probability(logit(numbers), offset, slope)
    terms = sorted(((one.term(numbers.get(one.id, 0.0)), one) for one in known.measure), key=lambda pair: -pair[0])
    reasons = tuple(f"{_said(one, numbers)} (+{term:.2f})" for term, one in terms if term > 0.05)
    level = max(
        (one for one in policy.level if at >= one.above), key=lambda one: one.above, default=Level(above=0.0, people=0)
    )
    basis = "own" if own else "public" if known.trained else "hand"
    people = level.people
    if freezes and at >= policy.frozen:
        people = max(people, 1)
        reasons = (*(f"a freeze is in force: {reason}" for reason in freezes), *reasons)
    return Risk(at, reasons, basis, people, level.who, files, freezes)


def _said(one: Measure, numbers: Mapping[str, float]) -> str:
    return filled(one.says, round(numbers.get(one.id, 0.0)))
