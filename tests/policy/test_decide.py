"""The decision is total, explains itself, and remembers safely."""

from __future__ import annotations

import json

import cedarpy
import msgspec
import pytest

from interlock.model.action import Principal
from interlock.model.decision import Context, Decision, Rung, Verdict
from interlock.model.effect import Effect, Kind, Resource, Scale, Verb
from interlock.policy import notation
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from interlock.policy.request import TEXT_LIMIT, canonical
from interlock.policy.rules import Layer

ENGINE = Engine.load([layer()])
ANYBODY = Principal("claude", "s")
CALM = Context()
NAMED = """
@id("all") @tier("1") @why("w") @matches("read file x") permit (principal, action, resource);
@id("no-hosts") @tier("4") @why("w") @matches("read file /etc/hosts")
forbid (principal, action, resource) when { resource.name like "*hosts*" };
"""


def decide(*lines: str) -> Decision:
    scenes = [notation.parse(line) for line in lines]
    return ENGINE.decide(scenes[-1].principal, [s.effect for s in scenes], scenes[-1].context)


def named(name: str) -> Effect:
    return Effect(Verb.READ, Resource(Kind.FILE, name))


HOSTILE = ["", "\0", "\ud800", "a\udcffb", "\u202e", '"); permit (', "x" * 1_000_000, "\ud83d" * 9_000, "\n", "\\"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("engine", [ENGINE, Engine.load([Layer("default", {"n": NAMED})])], ids=["default", "by-name"])
def test_hostile_names_get_a_decision(engine: Engine, name: str) -> None:
    decision = engine.decide(ANYBODY, [named(name)], CALM)
    assert "internal" not in decision.rules
    assert len(decision.why) < 2_000
    json.dumps(msgspec.to_builtins(decision)).encode("utf-8")


def test_a_name_that_hides_in_its_length_is_asked_about() -> None:
    """The middle of a 1 MB name cannot be judged, so a rule about names must not be escaped through it."""
    engine = Engine.load([Layer("default", {"n": NAMED})])
    hidden = "a" * 500_000 + "hosts" + "b" * 500_000
    assert engine.decide(ANYBODY, [named("harmless")], CALM).verdict is Verdict.ALLOW
    decision = engine.decide(ANYBODY, [named(hidden)], CALM)
    assert (decision.verdict, decision.rules) == (Verdict.ASK, ("unreadable-name",))
    assert engine.decide(ANYBODY, [named("/etc/hosts" + "b" * 500_000)], CALM).verdict is Verdict.DENY


def test_shortening_is_deterministic_and_keeps_names_apart() -> None:
    one, two = "x" * 100_000 + "1" + "y" * 100_000, "x" * 100_000 + "2" + "y" * 100_000
    assert canonical(one) == canonical(one)
    assert canonical(one)[0] != canonical(two)[0]
    assert canonical("a\ud800")[0] != canonical("a\ud801")[0]
    assert canonical("x" * TEXT_LIMIT) == ("x" * TEXT_LIMIT, False)


def test_no_effects_is_allowed_at_tier_0() -> None:
    decision = ENGINE.decide(ANYBODY, [], CALM)
    assert (decision.verdict, decision.tier, decision.effects) == (Verdict.ALLOW, 0, ())


def test_an_effect_that_is_none_is_denied_as_internal() -> None:
    decision = ENGINE.decide(ANYBODY, ["not an effect"], CALM)  # type: ignore[list-item]  # the point of the test
    assert (decision.verdict, decision.tier, decision.rules) == (Verdict.DENY, 4, ("internal",))
    assert "could not judge" in decision.why


def test_a_fault_of_cedar_is_a_deny(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("boom\x1b[31m")

    engine = Engine.load([layer()])
    monkeypatch.setattr(cedarpy, "is_authorized_batch", broken)
    decision = engine.decide(ANYBODY, [named("x")], CALM)
    assert decision.rules == ("internal",)
    assert "\x1b" not in decision.why


def test_a_panic_of_cedar_is_a_deny_and_a_stop_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    engine = Engine.load([layer()])
    for raised, caught in ((PanicException, True), (KeyboardInterrupt, False)):

        def broken(*_: object, raised: type[BaseException] = raised) -> None:
            raise raised

        monkeypatch.setattr(cedarpy, "is_authorized_batch", broken)
        if caught:
            assert engine.decide(ANYBODY, [named("x")], CALM).rules == ("internal",)
        else:
            with pytest.raises(raised):
                engine.decide(ANYBODY, [named("x")], CALM)


def test_the_action_is_as_severe_as_its_worst_effect() -> None:
    decision = decide("read file x @workspace +workspace", "fetch host blog.example.org", "read secret k +secret +home")
    assert (decision.verdict, decision.tier, decision.rung) == (Verdict.ASK, 3, Rung.ONE_STRONG)
    assert decision.rules == ("secret-read", "new-host")
    assert [e.verdict for e in decision.effects] == [Verdict.ALLOW, Verdict.ASK, Verdict.ASK]
    assert [e.tier for e in decision.effects] == [0, 2, 3]


def test_what_an_ask_says() -> None:
    decision = decide("fetch host blog.example.org")
    assert decision.why == (
        "Held: fetching from host blog.example.org. Rule new-host: nobody has named this host yet. "
        "It needs a yes from one person. Do not retry or rephrase it before there is an answer."
    )
    assert decision.instead.startswith("ask the person to add it")


def test_what_a_deny_says() -> None:
    decision = decide("delete database shop @production irreversible all frozen")
    assert decision.verdict is Verdict.DENY
    assert "Rule freeze:" in decision.why
    assert "A freeze is in force: example." in decision.why
    assert decision.why.endswith("Do not retry it or try a variant.")


def test_an_allow_says_nothing() -> None:
    decision = decide("write file /code/app/x @workspace +workspace")
    assert (decision.why, decision.instead, decision.rules) == ("", "", ("workspace-change",))


def test_a_name_cannot_write_into_the_explanation() -> None:
    decision = ENGINE.decide(ANYBODY, [Effect(Verb.FETCH, Resource(Kind.HOST, "x\n\x1b]0;y\u202e" + "z" * 500))], CALM)
    assert decision.why.isprintable()
    assert "z" * 200 not in decision.why


def test_the_default_deny_names_itself() -> None:
    decision = Engine.load([Layer("default", {})]).decide(ANYBODY, [named("x")], CALM)
    assert decision.rules == ("default-deny",)
    assert "no rule allows this" in decision.why


def test_what_no_permit_names_is_asked() -> None:
    decision = decide("create cloud_resource bucket @machine")
    assert (decision.verdict, decision.rung) == (Verdict.ASK, Rung.ONE)


def test_a_reload_forgets_the_old_answers() -> None:
    """An answer remembered under the old set must not outlive it."""
    open_door = '@id("all") @tier("1") @why("w") @matches("read file x") permit (principal, action, resource);'
    shut = open_door + '@id("no") @tier("4") @why("w") @matches("read file x") forbid (principal, action, resource);'
    old = Engine.load([Layer("default", {"a": open_door})])
    assert old.decide(ANYBODY, [named("x")], CALM).verdict is Verdict.ALLOW
    new = Engine.load([Layer("default", {"a": shut})])
    assert new.decide(ANYBODY, [named("x")], CALM).verdict is Verdict.DENY
    assert new.digest != old.digest


def test_the_memory_is_bounded() -> None:
    engine = Engine.load([Layer("default", {"n": NAMED})])
    for number in range(300):
        engine.decide(ANYBODY, [named(str(number))], CALM)
    assert engine.remembered()[0] == 300
    assert engine.remembered()[1] == 8_192


def test_long_names_are_not_kept_by_the_thousand() -> None:
    """An agent must not be able to fill the daemon's memory with names."""
    engine = Engine.load([Layer("default", {"n": NAMED})])
    for number in range(20):
        assert engine.decide(ANYBODY, [named(f"{number}" + "x" * 2_000)], CALM).verdict is Verdict.ALLOW
    assert engine.remembered()[0] == 0


def test_what_policies_do_not_look_at_is_not_remembered_twice() -> None:
    engine = Engine.load([layer()])
    for number in range(50):
        engine.decide(Principal("claude", str(number)), [named(f"/code/app/{number}")], CALM)
    assert engine.remembered()[0] == 1


def test_an_unknown_count_is_the_largest_one() -> None:
    """`context.count > 1000` must not let "nobody knows how many" pass."""
    rule = """
    @id("all") @tier("1") @why("w") @matches("read file x") permit (principal, action, resource);
    @id("many") @tier("4") @why("w") @matches("delete file x many") @spares("delete file x count:3 many")
    forbid (principal, action, resource) when { context.count > 1000 };
    """
    engine = Engine.load([Layer("default", {"n": rule})])
    for scale, verdict in ((notation.parse("delete file x all").effect.scale, "deny"), (Scale(), "allow")):
        effect = msgspec.structs.replace(named("x"), scale=scale)
        assert engine.decide(ANYBODY, [effect], CALM).verdict == verdict


@pytest.mark.parametrize(
    ("frozen", "environment", "verdict"),
    [
        (("production",), "production", "deny"),
        (("production",), "unknown", "deny"),  # nobody can say that it is not production
        (("production",), "development", "allow"),
        (("staging",), "unknown", "deny"),
        (("all",), "development", "deny"),
        (("all",), "workspace", "allow"),  # a freeze of all systems does not stop the work on a branch
        (("workspace",), "workspace", "deny"),
        ((), "development", "allow"),
    ],
)
def test_what_a_freeze_covers(frozen: tuple[str, ...], environment: str, verdict: str) -> None:
    scene = notation.parse(f"write table shop.users @{environment}")
    assert ENGINE.decide(ANYBODY, [scene.effect], Context(frozen=frozen)).verdict == verdict


@pytest.mark.parametrize(
    ("labels", "taint", "containment"), [(("secrt",), (), "none"), ((), ("nonsense",), "none"), ((), (), "cage")]
)
def test_a_word_outside_of_the_vocabularies_is_not_judged(
    labels: tuple[str, ...], taint: tuple[str, ...], containment: str
) -> None:
    """What is proved is proved of requests that hold known words; no other request is permitted."""
    effect = Effect(Verb.READ, Resource(Kind.FILE, "/code/app/x", labels), taint=taint)
    decision = ENGINE.decide(ANYBODY, [effect], Context(containment=containment))
    assert (decision.verdict, decision.rules) == (Verdict.DENY, ("internal",))
