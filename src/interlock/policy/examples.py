"""The examples that every policy carries, tried when the set is loaded.

`@matches` holds situations in which the policy must apply, `@spares` ones in which it must not, one line each in the
notation of `interlock.policy.notation`. They are tried against the policy alone, with the schema switched on, so they
also hold the request encoder to the schema. A `@tier` on a question must be the tier of the rung that lifts it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import cedarpy

from interlock.model.decision import LADDER, Approval, Rung
from interlock.model.effect import Verb
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
            asked = _encoded(situation) if situation.effect.verb in rule.verbs else None
            applied = asked is not None and _satisfied(rule, asked, situation.approval, policies)
            if applied is not wanted:
                promise = "must apply to" if wanted else "must not apply to"
                yield f"{promise} its example: {line}"
            elif asked and applied and (tier := _other_tier(rule, situation, asked, policies)):
                yield (
                    f"says @tier({rule.tier}), but approval {tier[1].value} lifts it in its example, "
                    f"and that is tier {tier[0]}: {line}"
                )


def applies(rule: Rule, situation: Situation) -> bool:
    """Whether the policy, alone, is satisfied in this situation."""
    if situation.effect.verb not in rule.verbs:
        return False
    return _satisfied(rule, _encoded(situation), situation.approval, alone(rule.policy))


class _Encoded(NamedTuple):
    """A situation as Cedar takes it, encoded once for all the approvals that it is tried under."""

    verb: Verb
    values: request.Key
    entities: cedarpy.Entities


def _encoded(situation: Situation) -> _Encoded:
    values = request.canonical_request(ATTRIBUTES, situation.principal, situation.effect, situation.context).values
    entities = cedarpy.Entities.from_json_str(request.entities(ATTRIBUTES, values), schema.handle())
    return _Encoded(situation.effect.verb, values, entities)


def _satisfied(rule: Rule, asked: _Encoded, approval: Approval, policies: cedarpy.PolicySet) -> bool:
    wanted = request.request(asked.verb, ATTRIBUTES, asked.values, approval)
    answer = cedarpy.is_authorized(wanted, policies, asked.entities, schema.handle())
    if answer.diagnostics.errors:
        raise PolicyError(f"{rule.layer}/{rule.file}: {rule.id} cannot be evaluated: {answer.diagnostics.errors[0]}")
    return rule.id in answer.diagnostics.reasons


def _other_tier(
    rule: Rule, situation: Situation, asked: _Encoded, policies: cedarpy.PolicySet
) -> tuple[int, Rung] | None:
    """The tier and the rung that lift a `forbid` here, where that is not the tier it says."""
    if rule.effect != "forbid" or situation.approval != Approval():
        return None
    for tier, (rung, approval) in enumerate(LADDER[1:], start=2):
        if not _satisfied(rule, asked, approval, policies):
            return (tier, rung) if rule.tier != tier else None
    return None
