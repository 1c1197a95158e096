"""The decision in twenty lines: what `interlock.policy.engine` must compute, without Cedar, slices or memory.

A policy is `permit` or `forbid` and a question, "does it apply to this effect under this approval?", whose answer may
also be that there is none (`Undefined`). Hypothesis holds the engine to this, over generated sets and over the
packaged one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from interlock.model.decision import LADDER, Approval, Rung, Verdict
from interlock.model.errors import InterlockError

E = TypeVar("E")
ORDER = {rung: place for place, (rung, _) in enumerate(LADDER)}


class Undefined(InterlockError):
    """A policy has no answer: it errs."""


class Policy(msgspec.Struct, Generic[E], frozen=True):
    """`applies` may raise `Undefined`."""

    id: str
    effect: str  # permit | forbid
    applies: Callable[[E, Approval], bool]


def judge(policies: Sequence[Policy[E]], effect: E, granted: Rung = Rung.NONE) -> tuple[Verdict, Rung]:
    """One effect: the first rung on which some permit applies and no forbid does; an error anywhere is a deny.

    What was granted in advance is an approval that is there already: up to that rung nobody is asked.
    """

    def allowed(approval: Approval) -> bool:
        return {policy.effect for policy in policies if policy.applies(effect, approval)} == {"permit"}

    try:
        rungs = [rung for rung, approval in LADDER if allowed(approval)]
    except Undefined:
        rungs = []
    if not rungs:
        return Verdict.DENY, Rung.TWO_STRONG
    return (Verdict.ALLOW, Rung.NONE) if ORDER[rungs[0]] <= ORDER[granted] else (Verdict.ASK, rungs[0])


def decide(
    policies: Sequence[Policy[E]], effects: Sequence[E], granted: Callable[[E], Rung] = lambda _: Rung.NONE
) -> tuple[Verdict, Rung]:
    """An action: the most severe of its effects' answers; nothing to do is allowed."""
    answers = [judge(policies, effect, granted(effect)) for effect in effects]
    return max(answers, key=lambda a: (a[0].severity, ORDER[a[1]]), default=(Verdict.ALLOW, Rung.NONE))
