"""Generated sets and properties: what is proved, no request breaks; what an engine answers, the formulas say.

The policies are ones that the lint would refuse too: some fail on some requests, some turn when more people say yes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.model.decision import Rung, Verdict
from interlock.model.effect import Verb
from interlock.policy import notation
from interlock.policy.engine import Engine
from interlock.policy.lint import Lint
from interlock.policy.notation import Situation
from interlock.policy.properties import Property
from interlock.policy.rules import Rule
from interlock.prover import concrete
from interlock.prover.encoded import Encoder
from interlock.prover.prove import Outcome, Prover
from interlock.prover.symbols import Symbols
from interlock.prover.terms import no
from interlock.prover.witness import Solver
from prover.expressions import clauses, situations
from prover.test_prove import SHARED
from prover.test_translate import exactly, parsed

MILLISECONDS = 2_000  # multiplied counts can be beyond z3; then nothing is claimed
verbs = st.one_of(st.just(frozenset(Verb)), st.frozensets(st.sampled_from(list(Verb)), min_size=1))


@st.composite
def rules(draw: st.DrawFn, most: int = 4) -> list[Rule]:
    found = []
    for number in range(draw(st.integers(1, most))):
        effect = draw(st.sampled_from(["permit", "permit", "forbid"]))
        policy = parsed(f"{effect} (principal, action, resource) {draw(clauses)};")
        found.append(
            msgspec.structs.replace(
                SHARED,
                id=f"rule-{number}",
                effect=effect,
                policy=replace(policy, id=f"rule-{number}"),
                verbs=draw(verbs),
                mentions=frozenset(Lint(policy).mentions),
                layer=draw(st.sampled_from(["default", "project"])),
            )
        )
    return found


@st.composite
def properties(draw: st.DrawFn) -> Property:
    form = draw(st.sampled_from(["never", "always"]))
    policy = parsed(f"{'forbid' if form == 'never' else 'permit'} (principal, action, resource) {draw(clauses)};")
    return Property("promise", form, "why", draw(verbs), policy, "default", frozenset())


def promises_hold(mine: list[Rule], older: list[Rule], promise: Property, requests: list[Situation]) -> None:
    results = {result.id: result for result in Prover(milliseconds=MILLISECONDS).prove(mine, [promise], older)}
    for result in results.values():
        assert "not confirm" not in result.reason, result
    proved = {name for name, result in results.items() if result.outcome is Outcome.PROVED}
    base = [rule for rule in mine if rule.layer == "default"]
    for one in requests:
        answer = concrete.ask(mine, one)
        permitted = concrete.permitted(mine, one)
        about = concrete.concerns(promise, one)
        broken: dict[str, Any] = {
            "no-policy-errs": answer.diagnostics.errors,
            "nothing-more": permitted and not concrete.permitted(older, one),
            "layers-only-tighten": permitted and not concrete.permitted(base, one),
            "promise": about and permitted is (promise.form == "never"),
        }
        assert not [name for name in proved if broken.get(name)]
        if "approval-only-helps" in proved and permitted:
            more = msgspec.structs.replace(one.approval, count=one.approval.count + 1, strong=True)
            assert concrete.permitted(mine, msgspec.structs.replace(one, approval=more))
        assert not (about and results["promise"].outcome is Outcome.VACUOUS)


def answers_agree(mine: list[Rule], requests: list[Situation]) -> None:
    symbols = Symbols()
    rungs = Encoder(symbols).rungs(mine)
    engine = Engine(mine, "generated")
    for one in requests:
        decision = engine.decide(one.principal, [one.effect], one.context)
        said: Rung | None = None if decision.verdict is Verdict.DENY else decision.rung
        solver = Solver(symbols, MILLISECONDS)
        for claim in exactly(one, symbols):
            solver.add(claim)
        for rung, formula in rungs.items():
            assert solver.check(no(formula) if rung is said else formula) in (False, None), (rung, said)


some_requests = st.lists(situations(), min_size=2, max_size=6)
many_requests = st.lists(situations(), min_size=5, max_size=30)


@settings(max_examples=12, deadline=None)
@given(rules(), rules(), properties(), some_requests)
def test_no_request_breaks_what_is_proved(
    mine: list[Rule], older: list[Rule], promise: Property, requests: list[Situation]
) -> None:
    promises_hold(mine, older, promise, requests)


@settings(max_examples=12, deadline=None)
@given(rules(), some_requests)
def test_the_formulas_answer_as_the_engine_does(mine: list[Rule], requests: list[Situation]) -> None:
    answers_agree(mine, requests)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(6), rules(6), properties(), many_requests)
def test_no_request_breaks_what_is_proved_of_many_sets(
    mine: list[Rule], older: list[Rule], promise: Property, requests: list[Situation]
) -> None:
    promises_hold(mine, older, promise, requests)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(6), many_requests)
def test_the_formulas_answer_as_the_engine_does_for_many_sets(mine: list[Rule], requests: list[Situation]) -> None:
    answers_agree(mine, requests)


def test_where_a_later_rung_fails_none_counts() -> None:
    """One yes would permit it, and on two the forbid cannot be evaluated: the engine denies, the formulas said ask."""
    made = []
    for effect, text in (
        ("permit", "context.approval.count >= 1"),
        ("forbid", "context.approval.count + 9223372036854775806 < 0"),
    ):
        policy = parsed(f"{effect} (principal, action, resource) when {{ {text} }};")
        one = msgspec.structs.replace(SHARED, id=effect, effect=effect, policy=replace(policy, id=effect))
        made.append(msgspec.structs.replace(one, verbs=frozenset(Verb), mentions=frozenset()))
    scene = notation.parse("read file x")
    assert Engine(made, "x").decide(scene.principal, [scene.effect], scene.context).verdict is Verdict.DENY
    answers_agree(made, [scene])
