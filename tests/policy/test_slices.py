"""Cutting the set drops no policy that could have decided something."""

from __future__ import annotations

import pytest
from cedarpy import policies_to_pst
from hypothesis import given, settings

from interlock.model.action import Principal
from interlock.model.decision import LADDER, Context
from interlock.model.effect import Effect
from interlock.policy import notation
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from interlock.policy.rules import read
from interlock.policy.slices import Slices, may_apply
from policy import worlds
from policy.worlds import Scene, Written

FILE = {"resource.kind": "file", "resource.environment": "workspace"}


@settings(deadline=None)
@given(worlds.sets(max_size=3), worlds.effects(few=True), worlds.contexts)
def test_what_is_cut_away_never_applies(written: list[Written], effect: Effect, context: Context) -> None:
    known = {"resource.kind": effect.resource.kind.value, "resource.environment": effect.environment.value}
    scene = Scene(Principal("claude", "s"), effect, context)
    rules = {rule.id: rule for rule in read([worlds.layer(written)])}
    for one in written:
        if not may_apply(rules[one.policy.id].policy, known):
            assert not any(one.policy.applies(scene, approval) for _, approval in LADDER)


@pytest.mark.parametrize(
    ("condition", "possible"),
    [
        ('when { resource.kind == "file" }', True),
        ('when { resource.kind == "database" }', False),
        ('when { "database" == resource.kind }', False),
        ('when { resource.kind != "file" }', False),
        ('when { !(resource.kind == "file") }', False),
        ('when { ["database", "file"].contains(resource.kind) }', True),
        ('when { ["database"].contains(resource.kind) }', False),
        ('when { ["database"].contains(resource.kind) || context.frozen }', True),
        ('when { ["database"].contains(resource.kind) && context.frozen }', False),
        ('when { context.frozen && resource.environment == "production" }', False),
        ('unless { resource.kind == "file" }', False),
        ('unless { resource.kind == "file" && context.frozen }', True),
        ('unless { resource.kind == "database" }', True),
        ("when { true }", True),
        ("when { false }", False),
        ('when { resource.labels.contains("root") }', True),
        ('when { if context.frozen then resource.kind == "database" else false }', True),  # not worked out, so kept
    ],
)
def test_what_a_condition_says_of_a_workspace_file(condition: str, possible: bool) -> None:
    tree = policies_to_pst(f"forbid (principal, action, resource) {condition};")
    assert may_apply(tree.static_policies["policy0"], FILE) is possible


def test_a_slice_is_cut_once_and_is_smaller_than_the_set() -> None:
    engine = Engine.load([layer()])
    slices = Slices(list(engine.rules.values()))
    effect = notation.parse("fetch host x").effect
    assert slices.of(effect) is slices.of(effect)
    assert len(slices.of(effect).policies) < len(engine.rules) / 3
