"""The formulas say what Cedar says: on any generated policy and any generated request, the same answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cedarpy
import pytest
from cedarpy import pst
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.model.action import Principal
from interlock.model.decision import Approval, Context
from interlock.model.effect import Effect, Kind, Resource, Scale, Verb
from interlock.policy import request, schema
from interlock.policy.defaults import layer
from interlock.policy.notation import Situation
from interlock.policy.rules import read
from interlock.policy.vocabulary import ATTRIBUTES, MOST
from interlock.prover import concrete
from interlock.prover.encoded import Encoder
from interlock.prover.symbols import Symbols
from interlock.prover.terms import Choice, Count, Flag, Free, Members, Untranslated, no
from interlock.prover.translate import Translator
from interlock.prover.witness import Solver
from prover.expressions import PATTERNS, TEXTS, as_pattern, clauses, quoted, situations

SYMBOLS = Symbols()
TRANSLATOR = Translator(SYMBOLS, SYMBOLS.yes)
DEFAULTS = read([layer()])
PERMITTED = Encoder(SYMBOLS).permitted(DEFAULTS, SYMBOLS.yes)


def exactly(situation: Situation, symbols: Symbols = SYMBOLS) -> list[Any]:
    """That the symbols stand for this request and no other."""
    claims: list[Any] = [symbols.verb.words[situation.effect.verb.value]]
    for attribute in ATTRIBUTES:
        value = attribute.value(situation.principal, situation.effect, situation.context)
        match symbols.values[attribute.path]:
            case Choice(words=words):
                claims.append(words[str(value)])
            case Free(path=path, texts=texts):
                claims.append(texts.equal(path, str(value)))
            case Members(members=members):
                assert isinstance(value, tuple)
                for member, present in members:
                    assert isinstance(member, Choice)
                    claims.append(present == (next(iter(member.words)) in value))
            case Flag(truth=truth):
                claims.append(truth == value)
            case Count(number=number):
                claims.append(number == value)
    yes, said = symbols.yes, situation.approval
    claims += [yes.count == said.count, yes.strong == said.strong, yes.distinct_from_owner == said.distinct_from_owner]
    return claims


def value(formula: Any, situation: Situation, symbols: Symbols = SYMBOLS) -> bool:
    """The formula on exactly this request: it must be one of true and false, and not the other."""
    solver = Solver(symbols, 10_000)
    for claim in exactly(situation, symbols):
        solver.add(claim)
    held = solver.check(formula)
    assert held is not None
    assert solver.check(no(formula)) is (not held)
    return held


def parsed(text: str) -> pst.Template:
    assert not cedarpy.validate_policies(text, schema.handle()).errors
    return cedarpy.policies_to_pst(text).static_policies["policy0"]


def satisfied(policy: pst.Template, situation: Situation) -> tuple[bool, bool]:
    """Cedar's own answer: satisfied, failed."""
    tree = pst.PolicySet(templates={}, static_policies={"p": replace(policy, id="p")}, template_links=())
    values = request.canonical_request(ATTRIBUTES, situation.principal, situation.effect, situation.context).values
    answer = cedarpy.is_authorized(
        request.request(situation.effect.verb, ATTRIBUTES, values, situation.approval),
        cedarpy.PolicySet.from_pst(tree),
        cedarpy.Entities.from_json_str(request.entities(ATTRIBUTES, values), schema.handle()),
        schema.handle(),
    )
    return bool(answer.diagnostics.reasons), bool(answer.diagnostics.errors)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(clauses, st.lists(situations(), min_size=1, max_size=4))
def test_a_policy_holds_and_fails_in_the_formula_as_in_cedar(text: str, requests: list[Situation]) -> None:
    as_in_cedar(text, requests)


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(clauses, st.lists(situations(), min_size=1, max_size=8))
def test_many_policies_hold_and_fail_in_the_formula_as_in_cedar(text: str, requests: list[Situation]) -> None:
    as_in_cedar(text, requests)


def as_in_cedar(text: str, requests: list[Situation]) -> None:
    policy = parsed(f"forbid (principal, action, resource) {text};")
    symbols = Symbols()  # of this policy alone: what hundreds of others ask of texts is weighed at each answer, too
    holding, failing = Translator(symbols, symbols.yes).policy(policy, frozenset(Verb))
    for one in requests:
        fails = value(failing, one, symbols)
        assert (not fails and value(holding, one, symbols), fails) == satisfied(policy, one)


@settings(max_examples=40, deadline=None)
@given(situations())
def test_the_packaged_set_permits_in_the_formula_what_it_permits_in_cedar(situation: Situation) -> None:
    assert value(PERMITTED, situation) is concrete.permitted(DEFAULTS, situation)


@settings(max_examples=40, deadline=None)
@given(situations())
def test_a_request_becomes_symbols_and_the_same_request_again(situation: Situation) -> None:
    back = Solver(SYMBOLS, 10_000).plainest(*exactly(situation))
    assert back is not None
    for attribute in ATTRIBUTES:
        was = attribute.value(situation.principal, situation.effect, situation.context)
        assert attribute.value(back.principal, back.effect, back.context) == was, attribute.path
    assert (back.effect.verb, back.approval) == (situation.effect.verb, situation.approval)


@pytest.mark.parametrize(
    "condition",
    [
        'resource == Interlock::Resource::"x"',
        "resource has name",
        "resource is Interlock::Resource",
        "principal in principal",
        '{"a": 1}.a == 1',
        "ip(resource.name).isLoopback()",
    ],
)
def test_what_has_no_translation_says_so(condition: str) -> None:
    policy = cedarpy.policies_to_pst(f"forbid (principal, action, resource) when {{ {condition} }};")
    with pytest.raises(Untranslated):
        TRANSLATOR.policy(policy.static_policies["policy0"], frozenset(Verb))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_like_and_equality_hold_for_every_text_as_in_cedar(pattern: str, text: str) -> None:
    situation = Situation(
        Principal("claude", "s"), Effect(Verb.READ, Resource(Kind.FILE, text)), Context(), approval=Approval()
    )
    for condition in (f"resource.name like {as_pattern(pattern)}", f"resource.name == {quoted(text)}"):
        policy = parsed(f"forbid (principal, action, resource) when {{ {condition} }};")
        holding, failing = TRANSLATOR.policy(policy, frozenset(Verb))
        assert (value(holding, situation), failing) == satisfied(policy, situation)


@pytest.mark.parametrize(
    "number",
    [
        "context.count + 1",
        "-(context.count) - 1",
        "-(context.count) - 2",
        "context.count * 2",
        "context.count * -1 - 2",
        "-(-(context.count) - 1)",
    ],
)
@pytest.mark.parametrize("count", [0, MOST])
def test_arithmetic_fails_where_cedars_does(number: str, count: int) -> None:
    effect = Effect(Verb.READ, Resource(Kind.FILE, "x"), scale=Scale(count=count))
    situation = Situation(Principal("claude", "s"), effect, Context())
    policy = parsed(f"forbid (principal, action, resource) when {{ {number} < 5 }};")
    holding, failing = TRANSLATOR.policy(policy, frozenset(Verb))
    fails = value(failing, situation)
    assert (not fails and value(holding, situation), fails) == satisfied(policy, situation)
