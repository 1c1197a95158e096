"""The verdict of other rules on a recorded action: from its entry alone, each distinct request judged once.

An entry holds what policy was asked, line by line in the notation of examples. A line is read once, and judged once for
each principal that the rules can tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from interlock.model.action import Principal
from interlock.model.decision import LADDER, Rung, Verdict
from interlock.policy import notation
from interlock.policy.engine import TIER, Engine

HELD = 200  # characters of a name that an entry holds, at most

_PLACE = {rung: place for place, (rung, _) in enumerate(LADDER)}
_ANYBODY = Principal(agent="", session="")
_TIERS = {tier: rung for rung, tier in TIER.items()}


Who = tuple[str | tuple[str, ...], ...]  # values of a principal's fields


class Answer(NamedTuple):
    """A verdict, and what must be obtained where it is `ask`."""

    verdict: Verdict
    rung: Rung

    @property
    def weight(self) -> tuple[int, int]:
        """Answers in order, the most severe the greatest."""
        return self.verdict.severity, _PLACE[self.rung]


ALLOWED = Answer(Verdict.ALLOW, Rung.NONE)
DENIED = Answer(Verdict.DENY, Rung.NONE)


class Said(NamedTuple):
    """An answer, and the rules behind it."""

    answer: Answer
    rules: tuple[str, ...]


def recorded(verdict: str, tier: int) -> Answer:
    """The answer that an entry holds: of a question, the tier says which approval it wanted."""
    if verdict == Verdict.ASK:
        return Answer(Verdict.ASK, _TIERS.get(tier, Rung.TWO_STRONG))
    return ALLOWED if verdict == Verdict.ALLOW else DENIED


def principals(engine: Engine) -> tuple[str, ...]:
    """The fields of a principal that some rule looks at."""
    seen = {path for rule in engine.rules.values() for path in rule.mentions}
    return tuple(name for name in Principal.__struct_fields__ if f"principal.{name}" in seen)


class Again:
    """Judges recorded requests by one engine."""

    def __init__(self, engine: Engine, fields: Sequence[str] | None = None) -> None:
        """`fields` are those of a principal that it is told; left out, those that the engine's rules look at."""
        self._engine = engine
        self._scenes: dict[str, notation.Situation] = {}
        self._said: dict[tuple[str, Who], Said] = {}
        self._fields = principals(engine) if fields is None else tuple(fields)

    @property
    def distinct(self) -> int:
        """How many distinct requests were judged."""
        return len(self._said)

    def action(self, asked: Sequence[str], inside: Sequence[str], who: Who) -> Said:
        """An action: as it is, or where that is not allowed and it ran contained, as it is in the sandbox.

        `who` are the values of `principals`. Raises PolicyError when a line cannot be read.
        """
        plain = self._all(asked, who)
        if not inside or plain.answer.verdict is Verdict.ALLOW:
            return plain
        held = self._all(inside, who)
        return held if held.answer.verdict is Verdict.ALLOW else plain

    def shortened(self, asked: Sequence[str], inside: Sequence[str]) -> bool:
        """Whether a name may have been longer than what was judged of it. Of lines that `action` has judged."""
        scenes = [self._scenes[line] for line in (*asked, *inside) if line in self._scenes]
        return any(len(text) >= HELD for one in scenes for text in (one.effect.resource.name, one.effect.via))

    def _all(self, lines: Sequence[str], who: Who) -> Said:
        found = [self._one(line, who) for line in lines]
        return max(found, key=lambda said: said.answer.weight, default=Said(ALLOWED, ()))

    def _one(self, line: str, who: Who) -> Said:
        key = (line, who)
        known = self._said.get(key)
        if known is None:
            known = self._said[key] = self._judge(line, who)
        return known

    def _judge(self, line: str, who: Who) -> Said:
        scene = self._scenes.get(line)
        if scene is None:
            scene = self._scenes[line] = notation.parse(line)
        principal = msgspec.structs.replace(_ANYBODY, **dict(zip(self._fields, who, strict=True)))
        decision = self._engine.decide(principal, [scene.effect], scene.context)
        if decision.verdict is Verdict.ASK:
            return Said(Answer(Verdict.ASK, decision.rung), decision.rules)
        return Said(ALLOWED if decision.verdict is Verdict.ALLOW else DENIED, decision.rules)
