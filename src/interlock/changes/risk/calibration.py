"""The risk score calibrated on what became of a repository's own commits, and how good that is on the newest."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from interlock.changes.repo import Repo
from interlock.changes.risk import fit, outcomes
from interlock.changes.risk.score import logit, model, probability
from interlock.model.errors import UsageError

LEAST = 10  # bad commits to fit to: two numbers from fewer would be chance


class Calibration(NamedTuple):
    """Offset and slope for `[risk]`, and what they say of the newer third, which they were not fitted to.

    `told`: the outcomes come from a list of incidents. `share`: of bad commits among the older ones. `packaged`: what
    the score says of the newer ones as it comes, uncalibrated. `levels`: the
    scores of all commits at the half and at nine tenths, from which on one person and two look. `frozen`: at two
    tenths, from which on one looks under a freeze.
    """

    offset: float
    slope: float
    commits: int
    bad: int
    told: bool
    days: float
    chance: list[float]
    truth: list[bool]
    share: float
    packaged: list[float]
    levels: tuple[float, float]
    frozen: float

    @property
    def area(self) -> float:
        """AUC."""
        return fit.area(self.chance, self.truth)

    @property
    def brier(self) -> float:
        """Of the score."""
        return fit.brier(self.chance, self.truth)

    @property
    def constant(self) -> float:
        """Brier score of who says the older commits' share of bad ones of every commit: all that was known then."""
        return fit.brier([self.share] * len(self.truth), self.truth)

    @property
    def before(self) -> float:
        """Brier score of the score as it comes."""
        return fit.brier(self.packaged, self.truth)

    @property
    def worth(self) -> bool:
        """Whether the calibrated score is better than both."""
        return self.brier < min(self.constant, self.before) and self.area > 0.5

    def bins(self, most: int) -> list[fit.Bin]:
        """Reliability."""
        return fit.reliability(self.chance, self.truth, most)

    def table(self) -> str:
        """What goes into `.interlock/gate.toml`: the calibration, and levels that share work by capacity."""
        half, tenth = self.levels
        return (
            f"[risk]\noffset = {self.offset:.3f}\nslope = {self.slope:.3f}\n"
            f"frozen = {self.frozen:.3f}  # two in ten are below: under a freeze one person looks from here on\n"
            f"[[risk.level]]  # above half of all commits so far\nabove = {half:.3f}\npeople = 1\n"
            f"[[risk.level]]  # above nine in ten\nabove = {tenth:.3f}\npeople = 2\n"
        )

    def facts(self, most: int) -> dict[str, Any]:
        """For programs."""
        area = self.area
        return {
            "offset": round(self.offset, 4), "slope": round(self.slope, 4), "commits": self.commits, "bad": self.bad,
            "incidents": self.told, "newer": len(self.truth), "newer_bad": sum(self.truth),
            "auc": None if math.isnan(area) else round(area, 4), "brier": round(self.brier, 5),
            "brier_constant": round(self.constant, 5), "brier_before": round(self.before, 5), "better": self.worth,
            "levels": [round(level, 4) for level in self.levels], "frozen": round(self.frozen, 4),
            "reliability": [one._asdict() for one in self.bins(most)],
        }  # fmt: skip


def calibrate(repo: Repo, told: str | None = None, *, days: float = 90.0, most: int = outcomes.MOST) -> Calibration:
    """Fit to the history of HEAD. `told`: the text of a list of incidents; without it, fixes within `days` say.

    Raises:
        UsageError: the list names something else than commits, or there are too few bad commits to fit to.
    """
    history = outcomes.commits(repo, most)
    numbers = outcomes.measured(history)
    bad = outcomes.incidents(repo, told) if told is not None else outcomes.mended(repo, history, days)
    ended = history[-1].when if history else 0
    raw, truth = [], []
    for one, measured in zip(history, numbers, strict=True):
        if told is not None or one.when <= ended - days * outcomes.DAY:  # what is younger may still turn out bad
            raw.append(logit(measured))
            truth.append(one.name in bad)
    cut = len(raw) * 2 // 3
    if not LEAST <= sum(truth[:cut]) < cut:
        raise UsageError(
            f"the score cannot be fitted to this history: of {cut} older commits whose outcome is known, "
            f"{sum(truth[:cut])} are bad, and at least {LEAST} bad ones and some good ones are needed. "
            "Leave the score as it is, or name the commits that caused incidents: `interlock risk --incidents FILE`."
        )
    offset, slope = fit.calibrated(raw[:cut], truth[:cut])
    chance = [probability(one, offset, slope) for one in raw]
    packaged = [probability(one, model().offset, model().slope) for one in raw[cut:]]
    order = sorted(chance)
    return Calibration(
        offset, slope, len(raw), sum(truth), told is not None, days, chance[cut:], truth[cut:],
        sum(truth[:cut]) / cut, packaged, (order[len(order) // 2], order[len(order) * 9 // 10]),
        order[len(order) // 5],
    )  # fmt: skip
