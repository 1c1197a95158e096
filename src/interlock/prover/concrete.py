"""One request, evaluated by Cedar itself: what a counterexample must pass before anybody sees it.

The whole set, without slices or memory, and with the schema switched on: as far from the engine's short cuts as can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cedarpy
from cedarpy import pst

from interlock.policy import request, schema
from interlock.policy.notation import Situation
from interlock.policy.properties import Property
from interlock.policy.rules import Rule
from interlock.policy.vocabulary import ATTRIBUTES


def ask(rules: Sequence[Rule], situation: Situation) -> cedarpy.AuthzResult:
    """Cedar's answer to this request, under the approval that the situation says."""
    mine = {rule.id: rule.policy for rule in rules if situation.effect.verb in rule.verbs}
    return _ask(mine, situation)


def permitted(rules: Sequence[Rule], situation: Situation) -> bool:
    """Whether the set permits it: Cedar allows, and no policy failed."""
    answer = ask(rules, situation)
    return answer.allowed and not answer.diagnostics.errors


def concerns(one: Property, situation: Situation) -> bool:
    """Whether the property is about this request."""
    if situation.effect.verb not in one.verbs:
        return False
    answer = _ask({one.id: replace(one.policy, id=one.id)}, situation)
    return bool(answer.diagnostics.reasons) and not answer.diagnostics.errors


def _ask(policies: dict[str, pst.Template], situation: Situation) -> cedarpy.AuthzResult:
    tree = pst.PolicySet(templates={}, static_policies=policies, template_links=())
    values = request.canonical_request(ATTRIBUTES, situation.principal, situation.effect, situation.context).values
    entities = cedarpy.Entities.from_json_str(request.entities(ATTRIBUTES, values), schema.handle())
    asked = request.request(situation.effect.verb, ATTRIBUTES, values, situation.approval)
    return cedarpy.is_authorized(asked, cedarpy.PolicySet.from_pst(tree), entities, schema.handle())
