"""What a scope names beyond those above it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.model.effect import Environment, Kind, Verb
from interlock.model.grant import includes, named
from interlock.model.warrant import Permit, wider

PARTS = st.lists(st.sampled_from(["a", "b", "/", "*", "**", "\\*"]), max_size=6).map("".join)


@settings(max_examples=2_000, deadline=None)
@given(PARTS, PARTS, st.text("ab/*", max_size=6))
def test_what_an_included_pattern_matches_is_matched(outer: str, inner: str, name: str) -> None:
    if includes(outer, inner) and named(inner, name):
        assert named(outer, name)


@settings(max_examples=500, deadline=None)
@given(PARTS)
def test_a_pattern_includes_itself_and_every_name_that_it_matches(pattern: str) -> None:
    assert includes(pattern, pattern)
    assert includes("**", pattern)


@pytest.mark.parametrize(
    ("outer", "inner", "within"),
    [
        ("/srv/**", "/srv/shop/*", True), ("/srv/*", "/srv/**", False), ("/srv/*", "/srv/a/b", False),
        ("/srv/*", "/srv/*.py", True), ("/srv/*.py", "/srv/*", False), ("/srv/**/x", "/srv/a/*/x", True),
        ("/a\\*", "/a*", False), ("/a*", "/a\\*", True), ("*", "", True), ("", "*", False),
    ],
)  # fmt: skip
def test_patterns_within_patterns(outer: str, inner: str, within: bool) -> None:
    assert includes(outer, inner) is within


def permit(names: str = "/srv/**", verb: Verb = Verb.READ, where: Environment = Environment.WORKSPACE) -> Permit:
    return Permit((verb,), (Kind.FILE,), (names,), (where,))


def test_the_first_thing_beyond_a_scope_is_named() -> None:
    above = ((permit(), permit(verb=Verb.WRITE)), (permit("/srv/shop/**"), permit("/srv/shop/**", Verb.WRITE)))
    assert wider((permit("/srv/shop/*"), permit("/srv/shop/a", Verb.WRITE)), above) == ""
    assert wider((permit("/srv/shop/*"), permit("/srv/*")), above) == "read file /srv/* in workspace"
    assert wider((permit("/srv/shop/*", Verb.DELETE),), above) == "delete file /srv/shop/* in workspace"
    production = permit("/srv/shop/*", where=Environment.PRODUCTION)
    assert wider((production,), above) == "read file /srv/shop/* in production"
