"""The examples that every policy carries, tried when the set is loaded.

`@matches` holds situations in which the policy must apply, `@spares` ones in which it must not, one line each in the
notation of `interlock.policy.notation`. They are tried against the policy alone, with the schema switched on, so they
also hold the request encoder to the schema. A `@tier` on a question must be the tier of the rung that lifts it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cedarpy

from interlock.model.decision import LADDER, Approval, Rung
from interlock.model.errors import PolicyError
from interlock.policy import notation, request, schema
from interlock.policy.notation import Situation
from interlock.policy.rules import Rule, alone
from interlock.policy.vocabulary import ATTRIBUTES


@lru_cache(maxsize=2_048)
def check(rule: Rule) -> None:
    """Try every example of one rule. A success is remembered, so that the same rule is tried once a process.

    Raises:
        PolicyError: an example fails; the message names the policy and the example.
    """
    for problem in problems(rule):
        raise PolicyError(f"{rule.layer}/{rule.file}: {rule.id} {problem}")


def problems(rule: Rule) -> Iterator[str]:
    """Every example of a rule that fails, as the rest of a sentence that begins with the rule."""
    policies = alone(rule.policy)
    for wanted, lines in ((True, rule.matches), (False, rule.spares)):
        for line in lines:
            try:
                situation = notation.parse(line)
            except PolicyError as error:
                yield f"has an example that cannot be read: {error}"
                continue
            if applies(rule, situation, policies) is not wanted:
                promise = "must apply to" if wanted else "must not apply to"
                yield f"{promise} its example: {line}"
            elif wanted and rule.effect == "forbid" and (tier := _other_tier(rule, situation, policies)):
                yield (
                    f"says @tier({rule.tier}), but approval {tier[1].value} lifts it in its example, "
                    f"and that is tier {tier[0]}: {line}"
                )


def applies(rule: Rule, situation: Situation, policies: cedarpy.PolicySet | None = None) -> bool:
    """Whether the policy, alone, is satisfied in this situation."""
    return _applies(rule, situation, situation.approval, policies or alone(rule.policy))


def _applies(rule: Rule, situation: Situation, approval: Approval, policies: cedarpy.PolicySet) -> bool:
    if situation.effect.verb not in rule.verbs:
        return False
    values = request.canonical_request(ATTRIBUTES, situation.principal, situation.effect, situation.context).values
    entities = cedarpy.Entities.from_json_str(request.entities(ATTRIBUTES, values), schema.handle())
    asked = request.request(situation.effect.verb, ATTRIBUTES, values, approval)
    answer = cedarpy.is_authorized(asked, policies, entities, schema.handle())
    if answer.diagnostics.errors:
        raise PolicyError(f"{rule.layer}/{rule.file}: {rule.id} cannot be evaluated: {answer.diagnostics.errors[0]}")
    return rule.id in answer.diagnostics.reasons


def _other_tier(rule: Rule, situation: Situation, policies: cedarpy.PolicySet) -> tuple[int, Rung] | None:
    """The tier and the rung that lift the rule here, where that is not the tier it says."""
    if situation.approval != Approval():
        return None
    for tier, (rung, approval) in enumerate(LADDER[1:], start=2):
        if not _applies(rule, situation, approval, policies):
            return (tier, rung) if rule.tier != tier else None
    return None
