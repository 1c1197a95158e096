"""What a grant covers: what it names, and nothing else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.model.effect import ALL, MANY, Effect, Environment, Kind, Resource, Reversibility, Verb, opaque
from interlock.model.grant import NEVER_LABELS, Grant, Pattern, covering, exactly, literal
from interlock.model.rung import Rung
from policy import worlds

PUSH = Effect(
    Verb.PUBLISH,
    Resource(Kind.GIT_REF, "origin/feature-x"),
    Environment.UNKNOWN,
    Reversibility.RECOVERABLE,
    via="git push",
)
FEATURES = Pattern((Verb.PUBLISH,), Kind.GIT_REF, "origin/feature-*", (Environment.UNKNOWN,), via=("git push",))


def named(name: str) -> Effect:
    return msgspec.structs.replace(PUSH, resource=Resource(Kind.GIT_REF, name))


def grant(rung: Rung, *patterns: Pattern, number: int = 1) -> Grant:
    return Grant(number, patterns, rung, until="", policy="", given_by="ana")


def test_it_covers_what_it_names() -> None:
    assert FEATURES.covers(PUSH)


@pytest.mark.parametrize(
    "other",
    [
        named("origin/main"),
        named("origin/feature-x/y"),  # one star does not cross a slash
        named("upstream/feature-x"),
        named("xorigin/feature-x"),
        named("origin/feature-x\norigin/main".replace("feature-x\n", "main\n")),
        msgspec.structs.replace(PUSH, verb=Verb.DELETE),
        msgspec.structs.replace(PUSH, environment=Environment.PRODUCTION),
        msgspec.structs.replace(PUSH, reversibility=Reversibility.IRREVERSIBLE),
        msgspec.structs.replace(PUSH, taint=("secret",)),
        msgspec.structs.replace(PUSH, scale=MANY),
        msgspec.structs.replace(PUSH, scale=ALL),
        msgspec.structs.replace(PUSH, via="hub push"),
        msgspec.structs.replace(PUSH, resource=Resource(Kind.GIT_REF, "origin/feature-x", ("force",))),
        msgspec.structs.replace(PUSH, resource=Resource(Kind.HOST, "origin/feature-x")),
    ],
)
def test_and_nothing_beside(other: Effect) -> None:
    assert not FEATURES.covers(other)


def test_two_stars_cross_slashes_and_a_backslash_takes_a_star_literally() -> None:
    below = msgspec.structs.replace(FEATURES, name="origin/**")
    assert below.covers(named("origin/a/b"))
    assert not below.covers(named("upstream/a"))
    starred = msgspec.structs.replace(FEATURES, name=literal("origin/a*\\b"))
    assert starred.covers(named("origin/a*\\b"))
    assert not starred.covers(named("origin/axx\\b"))


@pytest.mark.parametrize("label", sorted(NEVER_LABELS))
def test_what_guards_or_could_not_be_read_is_never_covered_even_if_named(label: str) -> None:
    effect = Effect(Verb.WRITE, Resource(Kind.FILE, "/code/x", (label,)), Environment.WORKSPACE)
    wide = Pattern(tuple(Verb), Kind.FILE, "**", tuple(Environment), labels=(label,))
    assert not wide.covers(effect)
    assert exactly(effect) is None


def test_nothing_opaque_is_covered() -> None:
    wide = Pattern(tuple(Verb), Kind.CODE, "**", tuple(Environment), loss=Reversibility.IRREVERSIBLE)
    assert not wide.covers(opaque("$X", "unknown"))


@settings(max_examples=300, deadline=None)
@given(worlds.effects(), worlds.effects())
def test_the_narrowest_pattern_covers_its_effect_and_no_other_name(effect: Effect, other: Effect) -> None:
    pattern = exactly(effect)
    if pattern is None:
        return
    assert pattern.covers(effect)
    if other.resource.name != effect.resource.name or other.environment is not effect.environment:
        assert not pattern.covers(other)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_literal_name_matches_itself_alone(name: str, other: str) -> None:
    pattern = msgspec.structs.replace(FEATURES, name=literal(name))
    assert pattern.covers(named(name))
    assert pattern.covers(named(other)) == (name == other)


def test_the_weaker_rung_comes_first_and_nobody_grants_for_two() -> None:
    strong, weak, two = (
        grant(rung, FEATURES, number=number) for number, rung in enumerate([Rung.ONE_STRONG, Rung.ONE, Rung.TWO_STRONG])
    )
    assert list(covering([strong, two, weak], PUSH).items()) == [(Rung.ONE, weak), (Rung.ONE_STRONG, strong)]
