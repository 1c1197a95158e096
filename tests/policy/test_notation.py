"""The one-line notation of effects reads back what it writes, and refuses what it does not know."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.model.decision import Context
from interlock.model.effect import Breadth, Effect, Known, Reversibility
from interlock.model.errors import PolicyError
from interlock.policy.notation import parse, render, words_of
from policy import worlds


@settings(deadline=None)
@given(worlds.effects(), worlds.contexts)
def test_render_and_parse_are_inverse(effect: Effect, context: Context) -> None:
    scene = parse(render(effect, context))
    for field in ("verb", "resource", "environment", "reversibility", "taint", "via"):
        assert getattr(scene.effect, field) == getattr(effect, field)
    assert scene.effect.scale.breadth is effect.scale.breadth
    assert scene.context.containment == context.containment
    assert bool(scene.context.frozen) == bool(context.frozen)


def test_everything_in_one_line() -> None:
    scene = parse(
        "delete table 'a b' @production +whole irreversible all count:12 taint:file via:psql agent:codex person:ana "
        "sandbox frozen approved:two_strong"
    )
    assert scene.effect.resource.name == "a b"
    assert scene.effect.scale.count == 12
    assert scene.effect.scale.known is Known.COUNT
    assert (scene.principal.agent, scene.principal.person) == ("codex", "ana")
    assert scene.context.frozen == ("production",)
    assert scene.approval.count == 2


@pytest.mark.parametrize(
    "line",
    ["", "read file", "look file x", "read fil x", "read file x @prod", "read file x +secrt", "read file x taint:secrt",
     "read file x huge", "read file 'x", "read file x count:-1", "read file x approved:three", "read file x via:"],
)  # fmt: skip
def test_unknown_words_are_refused(line: str) -> None:
    with pytest.raises(PolicyError):
        parse(line)


def test_bare_words_mean_one_thing() -> None:
    bare = [*Reversibility, *Breadth, "sandbox", "frozen"]
    assert len(set(bare)) == len(bare)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from([*map(chr, range(0x20, 0x7F)), *"\t\n\v\f\r\x1c\x85\xa0\u2003é"]), max_size=9))
def test_a_line_is_split_as_the_shell_splits_it(letters: list[str]) -> None:
    """The quick way of a line without quotes is no other way."""
    line = "".join(letters)
    try:
        wanted = shlex.split(line)
    except ValueError:
        with pytest.raises(PolicyError):
            words_of(line)
    else:
        assert words_of(line) == wanted
