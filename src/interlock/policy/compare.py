"""Two sets over the situations that somebody wrote down: the golden matrix, and the examples of both sets' rules.

Where no prover is installed this is what a difference can be looked for with. It finds, and proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.model.decision import Decision
from interlock.policy import matrix, notation
from interlock.policy.engine import Engine


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
    """The situations whose verdict or needed approval differs, with both decisions."""
    for line in situations:
        scene = notation.parse(line)
        before, after = (engine.decide(scene.principal, [scene.effect], scene.context) for engine in (old, new))
        if (before.verdict, before.rung) != (after.verdict, after.rung):
            yield line, before, after
