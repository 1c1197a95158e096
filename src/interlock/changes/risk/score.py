"""The risk score: how probable it is that a change causes trouble, why, and what review that wants. Pure.

A logistic model whose every term is shown. Unless a team has fitted it to its own history (`scripts/risk.py`), its
weights are set by hand after the literature, and the report says so: the score then orders changes, and is no
frequency. It raises how much review is asked for; it never makes a verdict.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

UNTRAINED = "not trained: weights set by hand after the literature; it orders changes and is no frequency"


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One term. `unit`: `plain`, or `log2` of one more than the number."""

    id: str
    weight: float
    unit: str
    says: str

    def term(self, number: float) -> float:
        """What a number adds to the logit."""
        return self.weight * (math.log2(1 + number) if self.unit == "log2" else number)


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

    level: tuple[Level, ...] = (Level(above=0.0, people=0), Level(above=0.25, people=1), Level(above=0.6, people=2))
    offset: float | None = None
    slope: float | None = None


class Risk(msgspec.Struct, frozen=True):
    """The score, why, and what follows. `files`: those of the change, the riskiest first."""

    probability: float
    reasons: tuple[str, ...]
    trained: bool
    people: int
    who: str
    files: tuple[str, ...] = ()


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


def risk(numbers: Mapping[str, float], policy: Policy, files: tuple[str, ...] = ()) -> Risk:
    """The score of a change with these measures."""
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
    return Risk(at, reasons, known.trained or own, level.people, level.who, files)


def _said(one: Measure, numbers: Mapping[str, float]) -> str:
    return one.says.replace("{n}", f"{numbers.get(one.id, 0.0):.0f}")


def calibrated(raw: list[float], bad: list[bool]) -> tuple[float, float]:
    """Offset and slope that fit logits to what happened (Platt scaling with his prior, by Newton's steps).

    Raises:
        ValueError: there is nothing to fit to: fewer than 20 changes, or only one kind of outcome.
    """
    if len(raw) < 20 or len(set(bad)) < 2:
        raise ValueError("at least 20 changes with both outcomes are needed")
    ones = sum(bad)
    high, low = (ones + 1) / (ones + 2), 1 / (len(bad) - ones + 2)
    goal = [high if one else low for one in bad]
    offset, slope = math.log((ones + 1) / (len(bad) - ones + 1)), 0.0
    for _ in range(100):
        chance = [probability(x, offset, slope) for x in raw]
        ga, gb = (sum((p - t) * f for p, t, f in zip(chance, goal, fs, strict=True)) for fs in ([1.0] * len(raw), raw))
        w = [max(p * (1 - p), 1e-9) for p in chance]
        aa, ab, bb = sum(w) + 1e-6, sum(map(math.prod, zip(w, raw, strict=True))), 1e-6
        bb += sum(v * x * x for v, x in zip(w, raw, strict=True))
        det = aa * bb - ab * ab
        step = ((bb * ga - ab * gb) / det, (aa * gb - ab * ga) / det)
        offset, slope = offset - max(-1.0, min(1.0, step[0])), slope - max(-1.0, min(1.0, step[1]))
        if max(map(abs, step)) < 1e-8:
            break
    return offset, slope
