"""The engine does what the twenty-line specification says, and the theorems that make it an interlock hold."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from cedarpy import policies_to_pst
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.model.action import Principal
from interlock.model.decision import LADDER, Context, Rung, Verdict
from interlock.model.effect import Effect
from interlock.model.grant import Grant, exactly
from interlock.policy import spec
from interlock.policy.defaults import layer as default_layer
from interlock.policy.engine import Engine
from interlock.policy.examples import applies
from interlock.policy.notation import Situation
from interlock.policy.rules import Layer, digest_of, read
from policy import worlds
from policy.worlds import Scene, Written

DEFAULTS = Engine.load([default_layer()])
actions = st.lists(worlds.effects(few=True), max_size=4)


def engine_of(*layers: Layer) -> Engine:
    """An engine without the examples: generated policies carry none that would hold."""
    return Engine(read(layers), digest_of(layers))


def scenes(principal: Principal, effects: list[Effect], context: Context) -> list[Scene]:
    return [Scene(principal, effect, context) for effect in effects]


@settings(max_examples=150, deadline=None)
@given(worlds.sets(), worlds.principals, actions, worlds.contexts)
def test_the_engine_equals_the_specification(
    written: list[Written], principal: Principal, effects: list[Effect], context: Context
) -> None:
    decision = engine_of(worlds.layer(written)).decide(principal, effects, context)
    expected = spec.decide([w.policy for w in written], scenes(principal, effects, context))
    assert (decision.verdict, decision.rung) == expected


@settings(max_examples=150, deadline=None)
@given(worlds.sets(), worlds.principals, actions, worlds.contexts, st.lists(worlds.grants, max_size=4))
def test_with_grants_too(
    written: list[Written], principal: Principal, effects: list[Effect], context: Context, grants: list[Grant]
) -> None:
    context = msgspec.structs.replace(context, grants=tuple(grants))
    decision = engine_of(worlds.layer(written)).decide(principal, effects, context)

    def granted(scene: Scene) -> Rung:
        rungs = [grant.rung for grant in grants if grant.covers(scene.effect)]
        return max(rungs, key=spec.ORDER.__getitem__, default=Rung.NONE)

    expected = spec.decide([w.policy for w in written], scenes(principal, effects, context), granted)
    assert (decision.verdict, decision.rung) == expected


@settings(max_examples=150, deadline=None)
@given(worlds.principals, worlds.effects(), worlds.contexts, st.sampled_from(list(Rung)))
def test_no_grant_lifts_what_needs_two_people_or_is_forbidden(
    principal: Principal, effect: Effect, context: Context, rung: Rung
) -> None:
    plain = DEFAULTS.decide(principal, [effect], context)
    pattern = exactly(effect)
    patterns = () if pattern is None else (pattern,)
    grant = Grant(7, patterns, rung, until="", policy=DEFAULTS.digest, given_by="ana")
    lifted = DEFAULTS.decide(principal, [effect], msgspec.structs.replace(context, grants=(grant,)))
    if plain.verdict is Verdict.ASK and pattern is not None and rung is Rung.ONE_STRONG:
        assert (lifted.verdict is Verdict.ALLOW) == (plain.rung is not Rung.TWO_STRONG)
        assert lifted.grants == ((7,) if lifted.verdict is Verdict.ALLOW else ())
    if plain.verdict is not Verdict.ASK or plain.rung is Rung.TWO_STRONG or rung in {Rung.NONE, Rung.TWO_STRONG}:
        assert lifted == plain


@settings(max_examples=15, deadline=None)
@given(worlds.principals, st.lists(worlds.effects(), min_size=1, max_size=3), worlds.contexts)
def test_the_packaged_set_equals_the_specification(
    principal: Principal, effects: list[Effect], context: Context
) -> None:
    """Slices, projections and memory change nothing: each policy alone, with every attribute, says the same."""
    policies = [
        spec.Policy[Scene](
            rule.id,
            rule.effect,
            lambda scene, approval, rule=rule: applies(
                rule, Situation(scene.principal, scene.effect, scene.context, approval)
            ),
        )
        for rule in DEFAULTS.rules.values()
    ]
    decision = DEFAULTS.decide(principal, effects, context)
    assert (decision.verdict, decision.rung) == spec.decide(policies, scenes(principal, effects, context))


@settings(deadline=None, max_examples=60)
@given(worlds.sets(), worlds.sets(effect="forbid", prefix="f", max_size=2), actions, worlds.contexts)
def test_forbid_wins(written: list[Written], forbids: list[Written], effects: list[Effect], context: Context) -> None:
    """Where a forbid applies on every rung, no permit helps."""
    principal = Principal("claude", "s")
    decision = engine_of(worlds.layer(written + forbids)).decide(principal, effects, context)
    stuck = any(
        all(f.policy.applies(scene, approval) for _, approval in LADDER)
        for f in forbids
        for scene in scenes(principal, effects, context)
    )
    if stuck:
        assert decision.verdict is Verdict.DENY


@settings(deadline=None, max_examples=60)
@given(worlds.sets(), worlds.sets(effect="forbid", prefix="low", max_size=3), actions, worlds.contexts)
def test_a_lower_layer_only_tightens(
    written: list[Written], low: list[Written], effects: list[Effect], context: Context
) -> None:
    principal = Principal("claude", "s")
    above = engine_of(worlds.layer(written)).decide(principal, effects, context)
    both = engine_of(worlds.layer(written), worlds.layer(low, "project")).decide(principal, effects, context)
    assert both.verdict.severity >= above.verdict.severity
    if both.verdict is above.verdict:
        assert spec.ORDER[both.rung] >= spec.ORDER[above.rung]


@settings(deadline=None)
@given(st.lists(worlds.effects(), max_size=3), worlds.effects(), worlds.contexts)
def test_one_more_effect_never_lowers_the_verdict(effects: list[Effect], more: Effect, context: Context) -> None:
    principal = Principal("claude", "s")
    fewer = DEFAULTS.decide(principal, effects, context)
    decision = DEFAULTS.decide(principal, [*effects, more], context)
    assert decision.verdict.severity >= fewer.verdict.severity
    assert decision.verdict is not fewer.verdict or decision.tier >= fewer.tier


@settings(deadline=None, max_examples=60)
@given(worlds.sets(), worlds.effects(few=True), worlds.contexts)
def test_more_approval_never_makes_it_stricter(written: list[Written], effect: Effect, context: Context) -> None:
    """The lint lets no policy in whose verdict would fall and rise again along the ladder."""
    engine_of(worlds.layer(written))  # the lint accepts the set
    scene = Scene(Principal("claude", "s"), effect, context)
    allowed = [{w.effect for w in written if w.policy.applies(scene, approval)} == {"permit"} for _, approval in LADDER]
    assert allowed == sorted(allowed)


@settings(deadline=None)
@given(worlds.effects(), worlds.contexts)
def test_a_freeze_never_makes_it_milder(effect: Effect, context: Context) -> None:
    principal = Principal("claude", "s")
    thawed = DEFAULTS.decide(principal, [effect], msgspec.structs.replace(context, frozen=()))
    frozen = DEFAULTS.decide(principal, [effect], msgspec.structs.replace(context, frozen=("all",)))
    assert frozen.verdict.severity >= thawed.verdict.severity


@settings(deadline=None)
@given(st.lists(worlds.effects(), max_size=3), worlds.contexts)
def test_memory_changes_no_answer(effects: list[Effect], context: Context) -> None:
    principal = Principal("claude", "s")
    remembered = DEFAULTS.decide(principal, effects, context)
    DEFAULTS.forget()
    assert DEFAULTS.decide(principal, effects, context) == remembered


def test_a_policy_that_errs_denies_even_where_cedar_would_skip_it() -> None:
    """cedarpy 4.12 answers Allow when a forbid errors; an interlock must not."""
    permit = '@id("all")\n@tier("1")\n@why("w")\n@matches("read file x")\npermit (principal, action, resource);'
    rules = read([Layer("default", {"a.cedar": permit})])
    tree = policies_to_pst("forbid (principal, action, resource) when { context.count + 9223372036854775807 > 0 };")
    bad = msgspec.structs.replace(
        rules[0],
        id="bad",
        effect="forbid",
        mentions=frozenset({"context.count"}),
        policy=replace(tree.static_policies["policy0"], id="bad"),
    )
    decision = Engine([*rules, bad], "sha256:x").decide(
        Principal("claude", "s"), [worlds.Effect(worlds.Verb.READ, worlds.Resource(worlds.Kind.FILE, "x"))], Context()
    )
    assert decision.verdict is Verdict.DENY
    assert decision.rules == ("internal",)
