"""Two sets are compared by what they decide; what no changed rule meets is not judged, and is not missed for it."""

from __future__ import annotations

import msgspec
import pytest

from interlock.policy import compare, defaults, notation
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer

PACKAGED = defaults.layer()
HEAD = '@id("r")\n@tier("4")\n@why("w")\n@matches("publish package left-pad")\n'
FORBID = HEAD + 'forbid (principal, action == Interlock::Action::"publish", resource)'


def packaged(*, file: str = "", old: str = "", new: str = "") -> Engine:
    source = PACKAGED.sources.get(file, "")
    assert old in source
    sources = {**PACKAGED.sources, **({file: source.replace(old, new, 1)} if file else {})}
    return Engine.load([msgspec.structs.replace(PACKAGED, sources=sources)])


def with_rule(text: str) -> Engine:
    return Engine.load([PACKAGED, Layer("organisation", {"a": text})])


WITH = ("publish package left-pad", "publish package left-pad @production", "fetch host blog.example.org")
PAIRS = {
    "a rule more": lambda: (packaged(), with_rule(f"{FORBID};")),
    "a rule with a condition more": lambda: (
        with_rule(f"{FORBID};"), with_rule(f'{FORBID} when {{ resource.environment != "production" }};')
    ),
    "a rule of other verbs": lambda: (
        with_rule(f"{FORBID};"), with_rule(f"{FORBID};".replace('== Interlock::Action::"publish"', ""))
    ),
    "a packaged rule that no yes lifts any more": lambda: (
        packaged(), packaged(file="50-network.cedar", old="\nunless { context.approval.count >= 1 };", new=";")
    ),
}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_the_shorter_way_finds_what_judging_everything_finds(pair: str) -> None:
    old, new = PAIRS[pair]()
    some = [*compare.lines(old, new)[::13], *WITH]
    found = {line for line, _, _ in compare.differences(old, new, some)}
    judged = set()
    for line in some:
        scene = notation.parse(line)
        both = [one.decide(scene.principal, [scene.effect], scene.context) for one in (old, new)]
        if (both[0].verdict, both[0].rung) != (both[1].verdict, both[1].rung):
            judged.add(line)
    assert judged
    assert found == judged


def test_sets_with_the_same_rules_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "decide", None)
    assert list(compare.differences(packaged(), packaged(), compare.lines(packaged()))) == []
