"""What may happen: verdicts, rungs and decisions."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from interlock.model.grant import Grant
from interlock.model.rung import Rung

__all__ = ["LADDER", "Approval", "Context", "Decision", "EffectDecision", "Rung", "Verdict"]


class Verdict(StrEnum):
    """allow < ask < deny; an action's verdict is the most severe of its effects' verdicts."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"

    @property
    def severity(self) -> int:
        return _SEVERITY[self]


_SEVERITY = {Verdict.ALLOW: 0, Verdict.ASK: 1, Verdict.DENY: 2}


class Approval(msgspec.Struct, frozen=True):
    """What people have said to exactly this action, as policy sees it."""

    count: int = 0
    strong: bool = False
    distinct_from_owner: bool = False


LADDER: tuple[tuple[Rung, Approval], ...] = (
    (Rung.NONE, Approval()),
    (Rung.ONE, Approval(count=1)),
    (Rung.ONE_STRONG, Approval(count=1, strong=True)),
    (Rung.TWO_STRONG, Approval(count=2, strong=True, distinct_from_owner=True)),
)


class Context(msgspec.Struct, frozen=True):
    """What policy knows beside the effect itself."""

    containment: str = "none"  # none | sandbox
    frozen: tuple[str, ...] = ()  # environments under an active freeze ("production", ... or "all")
    freeze_reason: str = ""
    grants: tuple[Grant, ...] = ()  # what people said yes to in advance, of those that hold for this action


class EffectDecision(msgspec.Struct, frozen=True):
    """The verdict on one effect (by its index in the reading) and the rules that made it."""

    effect: int
    verdict: Verdict
    tier: int
    rung: Rung
    rules: tuple[str, ...]
    grant: int | None = None  # the grant that stood for a person's yes


class Decision(msgspec.Struct, frozen=True):
    """The verdict on an action.

    `rules` are policy ids a person can look up; `why` and `instead` are for the agent and the person. `obligations` are
    what must be done first: `look:files` asks for a preview of the files that would be lost.
    """

    verdict: Verdict
    tier: int
    rung: Rung
    effects: tuple[EffectDecision, ...]
    rules: tuple[str, ...]
    why: str
    instead: str = ""
    obligations: tuple[str, ...] = ()
    policy_digest: str = ""

    @property
    def grants(self) -> tuple[int, ...]:
        """The grants that stood for a person's yes, each once."""
        return tuple(dict.fromkeys(one.grant for one in self.effects if one.grant is not None))
