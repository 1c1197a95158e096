"""Fits a logistic model to outcomes, and says how far it can be believed. Pure, and small enough for plain Python.

A weight is pulled towards what it was before (a Gaussian prior, which is ridge regression when that is nothing): what
the outcomes say nothing of stays where it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from interlock.changes.risk.score import probability

_STEPS = 100
_LEAST = 20  # outcomes below which nothing is fitted


class Bin(NamedTuple):
    """Changes of about the same score: from, to, how many, the mean score, and the share that turned out bad."""

    low: float
    high: float
    size: int
    predicted: float
    bad: float


def fitted(
    rows: Sequence[Sequence[float]], bad: Sequence[bool], prior: Sequence[float], strength: float = 1.0
) -> tuple[float, list[float]]:
    """Offset and weights that fit the outcomes, none of them below nought (Newton's steps).

    `rows`: one number for each weight, a row for each change. `strength`: how many changes the prior is worth, about.
    A weight that would be negative is nought and the others are fitted without it: a measure may raise the risk or be
    silent.

    Raises:
        ValueError: there are fewer than 20 outcomes, or only one kind.
    """
    if len(bad) < _LEAST or len(set(bad)) < 2:
        raise ValueError(f"at least {_LEAST} changes with both outcomes are needed")
    used = list(range(len(prior)))
    while True:
        part = [[1.0, *(row[i] for i in used)] for row in rows]
        found = _newton(part, bad, [0.0, *(prior[i] for i in used)], strength)
        below = [i for i, weight in zip(used, found[1:], strict=True) if weight < 0]
        if not below:
            weights = dict(zip(used, found[1:], strict=True))
            return found[0], [weights.get(i, 0.0) for i in range(len(prior))]
        used = [i for i in used if i not in below]


def _newton(
    rows: Sequence[Sequence[float]], bad: Sequence[bool], prior: Sequence[float], strength: float
) -> list[float]:
    """The weights, the offset first; the offset is not pulled."""
    size = len(prior)
    at = list(prior)
    for _ in range(_STEPS):
        slope = [0.0] + [strength * (at[i] - prior[i]) for i in range(1, size)]
        curve = [[strength * (i == j and i > 0) + 1e-9 * (i == j) for j in range(size)] for i in range(size)]
        for row, outcome in zip(rows, bad, strict=True):
            chance = probability(sum(map(math.prod, zip(at, row, strict=True))), 0.0, 1.0)
            spread = chance * (1 - chance)
            for i, x in enumerate(row):
                slope[i] += (chance - outcome) * x
                for j in range(i + 1):
                    curve[i][j] += spread * x * row[j]
        for i in range(size):
            for j in range(i):
                curve[j][i] = curve[i][j]
        step = _solved(curve, slope)
        longest = max(map(abs, step))
        shrink = min(1.0, 2.0 / longest) if longest else 1.0
        at = [value - shrink * by for value, by in zip(at, step, strict=True)]
        if longest < 1e-8:
            break
    return at


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """What times the matrix gives the right side (elimination; the matrix is symmetric and positive)."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(i + 1, size):
            by = rows[k][i] / rows[i][i]
            rows[k] = [a - by * b for a, b in zip(rows[k], rows[i], strict=True)]
    out = [0.0] * size
    for i in reversed(range(size)):
        out[i] = (rows[i][size] - sum(rows[i][k] * out[k] for k in range(i + 1, size))) / rows[i][i]
    return out


def calibrated(raw: list[float], bad: list[bool]) -> tuple[float, float]:
    """Offset and slope that fit logits to what happened (Platt scaling with his prior, by Newton's steps).

    Raises:
        ValueError: there is nothing to fit to: fewer than 20 changes, or only one kind of outcome.
    """
    if len(raw) < _LEAST or len(set(bad)) < 2:
        raise ValueError(f"at least {_LEAST} changes with both outcomes are needed")
    ones = sum(bad)
    high, low = (ones + 1) / (ones + 2), 1 / (len(bad) - ones + 2)
    goal = [high if one else low for one in bad]
    offset, slope = math.log((ones + 1) / (len(bad) - ones + 1)), 0.0
    for _ in range(_STEPS):
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


def area(scores: Sequence[float], bad: Sequence[bool]) -> float:
    """Probability that a bad change scores above a good one (AUC); not a number where one kind is missing."""
    pairs = sorted(zip(scores, bad, strict=True))
    ones = sum(bad)
    if not 0 < ones < len(bad):
        return float("nan")
    ranks = 0.0
    first = 0
    while first < len(pairs):
        last = first
        while last < len(pairs) and pairs[last][0] == pairs[first][0]:
            last += 1
        ranks += (first + last + 1) / 2 * sum(one for _, one in pairs[first:last])
        first = last
    return (ranks - ones * (ones + 1) / 2) / (ones * (len(bad) - ones))


def brier(chance: Sequence[float], bad: Sequence[bool]) -> float:
    """Mean squared difference of what was said and what happened; the share of bad ones for all gives `constant`."""
    return sum((p - t) ** 2 for p, t in zip(chance, bad, strict=True)) / len(bad)


def constant(bad: Sequence[bool]) -> float:
    """The Brier score of who says the share of bad ones of every change: what a model has to beat."""
    share = sum(bad) / len(bad)
    return share * (1 - share)


def caught(scores: Sequence[float], bad: Sequence[bool], share: float) -> float:
    """Which part of the bad changes is among this share of all with the highest scores."""
    order = sorted(range(len(bad)), key=lambda i: -scores[i])
    return sum(bad[i] for i in order[: round(len(bad) * share)]) / max(1, sum(bad))


def reliability(chance: Sequence[float], bad: Sequence[bool], bins: int = 10) -> list[Bin]:
    """Changes in bins of equal number, by score."""
    order = sorted(zip(chance, bad, strict=True))
    cuts = [len(order) * number // bins for number in range(bins + 1)]
    parts = [order[first:last] for first, last in pairwise(cuts) if last > first]
    return [
        Bin(part[0][0], part[-1][0], len(part), *(sum(pair[side] for pair in part) / len(part) for side in (0, 1)))
        for part in parts
    ]
