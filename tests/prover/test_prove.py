"""What the prover says of sets that break a law, and of what it cannot know. The lint would refuse them all."""

from __future__ import annotations

from dataclasses import replace

import cedarpy
import msgspec
import pytest

from interlock.model.decision import Approval
from interlock.model.effect import Verb
from interlock.policy.defaults import layer
from interlock.policy.properties import Property, promised
from interlock.policy.rules import Rule, read
from interlock.prover import concrete, globs
from interlock.prover.prove import Outcome, Prover, Result

RULES = read([layer()])
SHARED = next(rule for rule in RULES if rule.id == "approved")


def rule(text: str, name: str = "odd", **fields: str) -> Rule:
    """A rule that no lint has seen."""
    policy = cedarpy.policies_to_pst(text).static_policies["policy0"]
    made = msgspec.structs.replace(SHARED, id=name, effect=policy.effect, policy=replace(policy, id=name))
    return msgspec.structs.replace(made, **fields)


def results(*rules: Rule) -> dict[str, Result]:
    return {result.id: result for result in Prover().prove([*RULES, *rules], promised([layer()]), RULES)}


def test_a_policy_that_can_fail_is_found_with_a_request_on_which_cedar_fails() -> None:
    odd = rule("forbid (principal, action, resource) when { context.count + 1 > 9 && context.frozen };")
    found = results(odd)["no-policy-errs"]
    assert found.outcome is Outcome.REFUTED
    assert found.request is not None
    assert concrete.ask([*RULES, odd], found.request).diagnostics.errors
    assert found.request.effect.scale.count == 2**63 - 1 or found.request.effect.scale.breadth != "one"


def test_a_policy_that_more_approval_turns_is_found() -> None:
    odd = rule("permit (principal, action, resource) when { !context.approval.strong };")
    found = results(odd)["approval-only-helps"]
    assert found.outcome is Outcome.REFUTED
    assert found.request is not None
    assert not found.request.approval.strong
    assert concrete.permitted([*RULES, odd], found.request)


def test_a_lower_layer_that_permits_is_found() -> None:
    odd = rule("permit (principal, action, resource);", layer="project")
    assert results(odd)["layers-only-tighten"].outcome is Outcome.REFUTED
    assert results(odd)["nothing-more"].outcome is Outcome.REFUTED


@pytest.mark.parametrize(
    "condition", ['resource == Interlock::Resource::"x"', "ip(resource.name).isLoopback()", "resource has name"]
)
def test_what_is_not_translated_proves_nothing(condition: str) -> None:
    odd = rule(f"forbid (principal, action, resource) when {{ {condition} }};")
    said = results(odd)
    assert {result.outcome for result in said.values()} == {Outcome.UNKNOWN}
    assert all("rule odd holds" in result.reason for result in said.values())


def test_a_promise_is_about_the_policies_of_its_own_verbs() -> None:
    """One that is not translated may hold where its verbs are done, and nowhere else."""
    text = 'forbid (principal, action == Interlock::Action::"read", resource) when { ip(resource.name).isLoopback() };'
    odd = msgspec.structs.replace(rule(text), verbs=frozenset({Verb.READ}))
    promises = promised([layer()])
    said = {result.id: result.outcome for result in Prover().prove([*RULES, odd], promises)}
    reading = {promise.id for promise in promises if Verb.READ in promise.verbs}
    assert reading
    assert {said[one] for one in reading} == {Outcome.UNKNOWN}
    assert {said[one.id] for one in promises if one.id not in reading} == {Outcome.PROVED}
    assert said["no-policy-errs"] is said["forbid-wins"] is Outcome.UNKNOWN


def test_a_counterexample_that_cedar_does_not_confirm_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = rule("permit (principal, action, resource);", layer="project")
    monkeypatch.setattr(concrete, "permitted", lambda _rules, _situation: False)
    found = results(odd)["layers-only-tighten"]
    assert found.outcome is Outcome.UNKNOWN
    assert found.request is None
    assert "Cedar does not confirm" in found.reason


def test_patterns_that_would_take_too_long_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five patterns of which no text has all answers, and too few states looked at to know."""
    has, lacks = ("*ab*", "*ba*"), ("*aba*", "*bab*", "*ab*ba*", "*ba*ab*")
    text = " && ".join([f'resource.name like "{p}"' for p in has] + [f'!(resource.name like "{p}")' for p in lacks])
    policy = cedarpy.policies_to_pst(f"forbid (principal, action, resource) when {{ {text} }};")
    promise = Property(
        "odd", "never", "why", frozenset(Verb), policy.static_policies["policy0"], "default", frozenset()
    )
    (said,) = [r for r in Prover().prove(RULES, [promise]) if r.id == "odd"]
    assert said.outcome is Outcome.VACUOUS
    monkeypatch.setattr(globs, "STATES", 3)
    (said,) = [r for r in Prover().prove(RULES, [promise]) if r.id == "odd"]
    assert said.outcome is Outcome.UNKNOWN
    assert "more than 3 states" in said.reason


def test_a_request_that_is_shown_is_as_plain_as_can_be() -> None:
    dropped = [one for one in RULES if one.id != "production-destroyed"]
    found = {r.id: r for r in Prover().prove(dropped, promised([layer()]))}["production-needs-two"]
    assert found.request is not None
    effect, context = found.request.effect, found.request.context
    assert (effect.environment, effect.reversibility) == ("production", "irreversible")
    assert (effect.resource.labels, effect.taint, effect.via, effect.scale.breadth) == ((), (), "", "one")
    assert (context.containment, context.frozen) == ("none", ())
    assert found.request.approval == Approval(count=1, strong=True)


@pytest.mark.slow
def test_what_was_proved_of_one_set_is_asked_anew_of_another() -> None:
    """A prover keeps what it proved, by the rules of a promise's own verbs."""
    prover, promises = Prover(), promised([layer()])
    for dropped in (None, "production-destroyed", None, "spend", "secret-read"):
        rules = [one for one in RULES if one.id != dropped]
        said = {r.id: r.outcome for r in prover.prove(rules, promises)}
        assert said == {r.id: r.outcome for r in Prover().prove(rules, promises)}
        assert (Outcome.REFUTED in said.values()) == (dropped is not None)
