"""Two sets over the situations that somebody wrote down: the golden matrix, and the examples of both sets' rules.

Where no prover is installed this is what a difference can be looked for with. It finds, and proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.model.decision import Decision
from interlock.policy import matrix, notation
from interlock.policy.engine import Engine
from interlock.policy.rules import Rule
from interlock.policy.slices import meets


def lines(*engines: Engine) -> list[str]:
    """Every situation, each once."""
    found: dict[str, None] = {}
    for situation, environments in matrix.situations():
        found |= {f"{situation} @{environment}": None for environment in environments}
    for engine in engines:
        for rule in engine.rules.values():
            found |= dict.fromkeys((*rule.matches, *rule.spares))
    return list(found)


def differences(old: Engine, new: Engine, situations: list[str]) -> Iterator[tuple[str, Decision, Decision]]:
    """The situations whose verdict or needed approval differs, with both decisions.

    Judged is only what a rule meets that one set has and the other has not: about the rest both are handed the same
    policies. Judging all took 4 s.
    """
    moved = [*_own(old, new), *_own(new, old)]
    for line in situations:
        scene = notation.parse(line)
        if not any(meets(rule, scene.effect) for rule in moved):
            continue
        before, after = (engine.decide(scene.principal, [scene.effect], scene.context) for engine in (old, new))
        if (before.verdict, before.rung) != (after.verdict, after.rung):
            yield line, before, after


def _own(one: Engine, other: Engine) -> Iterator[Rule]:
    """The rules of `one` that `other` does not have, or has in other words."""
    for name, rule in one.rules.items():
        same = other.rules.get(name)
        if same is None or (same.policy, same.verbs) != (rule.policy, rule.verbs):
            yield rule
