"""A change of any packaged policy that weakens what is proved is caught: by proof, and brute force finds no more.

For each mutant of each policy, the proofs are made anew, and the same is asked of Cedar on requests that the policies'
own examples and their neighbours give. Whatever Cedar shows to be weaker there, the proofs must refute; whatever the
proofs refute, Cedar has confirmed (`Prover` shows nothing else).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import cedarpy
import msgspec
import pytest
from cedarpy import pst

from interlock.model.action import Principal
from interlock.model.decision import LADDER, Context
from interlock.model.effect import Breadth, Effect, Environment, Reversibility, Verb
from interlock.policy import notation, request
from interlock.policy.defaults import layer
from interlock.policy.notation import Situation
from interlock.policy.properties import promised
from interlock.policy.rules import Rule, read
from interlock.policy.vocabulary import ATTRIBUTES
from interlock.prover.prove import Outcome, Prover
from prover.mutants import mutants

RULES = read([layer()])
PROPERTIES = promised([layer()])
SOME = ("spend", "secret-read")  # there are mutants of these that permit more, and that break a promise


def neighbours(situation: Situation) -> Iterator[Effect]:
    """The request, and those that differ from it in one thing."""
    effect = situation.effect
    yield effect
    for verb in Verb:
        yield msgspec.structs.replace(effect, verb=verb)
    for environment in Environment:
        yield msgspec.structs.replace(effect, environment=environment)
    for reversibility in Reversibility:
        yield msgspec.structs.replace(effect, reversibility=reversibility)
    for breadth in Breadth:
        yield msgspec.structs.replace(effect, scale=msgspec.structs.replace(effect.scale, breadth=breadth))
    resource = effect.resource
    for label in resource.labels:
        fewer = tuple(one for one in resource.labels if one != label)
        yield msgspec.structs.replace(effect, resource=msgspec.structs.replace(resource, labels=fewer))
    for label in ("guard", "metadata", "protected", "secret"):
        more = tuple(sorted({*resource.labels, label}))
        yield msgspec.structs.replace(effect, resource=msgspec.structs.replace(resource, labels=more))


@cache
def requests(rule_id: str) -> tuple[tuple[Effect, Context], ...]:
    """The requests on which Cedar is asked about mutants of this rule."""
    rule = next(rule for rule in RULES if rule.id == rule_id)
    found: dict[tuple[Effect, Context], None] = {}
    for line in (*rule.matches, *rule.spares):
        scene = notation.parse(line)
        for effect in neighbours(scene):
            found[effect, scene.context] = None
    return tuple(found)


class Table:
    """Which policies and properties Cedar finds satisfied on these requests, each policy evaluated alone."""

    def __init__(self, asked: Sequence[tuple[Effect, Context]]) -> None:
        who = Principal("claude", "s")
        self._asked = []
        for effect, context in asked:
            values = request.canonical_request(ATTRIBUTES, who, effect, context).values
            entities = cedarpy.Entities.from_json_str(request.entities(ATTRIBUTES, values))
            rungs = [request.request(effect.verb, ATTRIBUTES, values, approval) for _, approval in LADDER]
            self._asked.append((effect.verb, rungs, entities))

    def satisfied(self, policies: Sequence[tuple[str, pst.Template, frozenset[Verb]]]) -> list[list[set[str]]]:
        """For each request and rung the names of those that hold."""
        found = []
        for verb, rungs, entities in self._asked:
            mine = {name: policy for name, policy, verbs in policies if verb in verbs}
            found.append(holding(mine, rungs, entities) if mine else [set()] * len(rungs))
        return found


def holding(
    policies: dict[str, pst.Template], rungs: list[dict[str, object]], entities: cedarpy.Entities
) -> list[set[str]]:
    """For each rung those that hold, each on its own: all as permits, so that Cedar names every one."""
    named = {name: replace(policy, id=name, effect="permit") for name, policy in policies.items()}
    handle = _handle(tuple(sorted(named.items())))
    return [set(said.diagnostics.reasons) for said in cedarpy.is_authorized_batch(rungs, handle, entities)]


@cache
def _handle(policies: tuple[tuple[str, pst.Template], ...]) -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_pst(pst.PolicySet(templates={}, static_policies=dict(policies), template_links=()))


def permits(rules: Sequence[Rule], held: set[str]) -> bool:
    return {rule.effect for rule in rules if rule.id in held} == {"permit"}


def weakened(name: str, before: list[list[set[str]]], table: Table, after: Rule | None) -> tuple[bool, set[str]]:
    """What brute force finds: whether more is permitted, and which properties are broken."""
    others = [rule for rule in RULES if rule.id != name]
    rules = [*others, *([after] if after is not None else [])]
    mutant = table.satisfied([(name, after.policy, after.verbs)] if after is not None else [])
    more, broken = False, set()
    for was, now in zip(before, mutant, strict=True):
        for old, one in zip(was, now, strict=True):
            allowed = permits(rules, (old - {name}) | one)
            more = more or (allowed and not permits(RULES, old))
            broken |= {p.id for p in PROPERTIES if p.id in old and allowed is (p.form == "never")}
    return more, broken


def held_to_proofs(name: str) -> tuple[int, int, int]:
    """All mutants of one rule: how many, how many permit more, how many break a named property."""
    table = Table(requests(name))
    before = table.satisfied(
        [(rule.id, rule.policy, rule.verbs) for rule in RULES] + [(p.id, p.policy, p.verbs) for p in PROPERTIES]
    )
    rule = next(rule for rule in RULES if rule.id == name)
    prover = Prover()
    made = more = broken = 0
    for what, mutant in mutants(rule):
        rules = [*(one for one in RULES if one.id != name), *([mutant] if mutant is not None else [])]
        outcomes = {r.id: r.outcome for r in prover.prove(rules, PROPERTIES, RULES)}
        assert Outcome.UNKNOWN not in outcomes.values(), (what, outcomes)
        refuted = {one for one, outcome in outcomes.items() if outcome is not Outcome.PROVED}
        found_more, found_broken = weakened(name, before, table, mutant)
        assert found_broken <= refuted, (name, what, found_broken - refuted)
        assert not found_more or "nothing-more" in refuted, (name, what)
        made, more = made + 1, more + ("nothing-more" in refuted)
        broken += bool(refuted & {p.id for p in PROPERTIES})
    return made, more, broken


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test_what_weakens_a_policy_is_caught(name: str) -> None:
    made, more, broken = held_to_proofs(name)
    assert made > 20
    assert more
    assert broken


@pytest.mark.slow
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.id not in SOME], ids=lambda rule: rule.id)
def test_what_weakens_any_packaged_policy_is_caught(rule: Rule) -> None:
    made, _, _ = held_to_proofs(rule.id)
    assert made > 10


def test_the_mutants_are_many_and_differ() -> None:
    """A mutation test whose mutants are the original would prove anything."""
    assert {rule.id for rule in RULES}.issuperset(SOME)
    for rule in RULES:
        made = [mutant for _, mutant in mutants(rule)]
        assert len(made) > 10
        assert all(m is None or (m.policy, m.verbs) != (rule.policy, rule.verbs) for m in made)
