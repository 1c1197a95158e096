"""What the packaged set promises for every possible effect, in any circumstances."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.model.action import Principal
from interlock.model.decision import Context, Decision, Rung, Verdict
from interlock.model.effect import Breadth, Effect, Environment, Kind, Resource, Reversibility, Scale, Verb
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from policy import worlds

ENGINE = Engine.load([layer()])
GIT = (Kind.GIT_REF, Kind.GIT_REPOSITORY)
CHANGES = (Verb.WRITE, Verb.CREATE, Verb.DELETE, Verb.OVERWRITE, Verb.CONFIGURE)
any_effect = worlds.effects()
unhurried = settings(deadline=None)


def decide(effect: Effect, context: Context) -> Decision:
    return ENGINE.decide(Principal("claude", "s"), [effect], context)


def but(effect: Effect, *, kind: Kind | None = None, label: str = "", **fields: Any) -> Effect:
    """The same effect with these things about it."""
    resource = effect.resource
    labels = tuple(sorted({*resource.labels, label} - {""}))
    return msgspec.structs.replace(effect, resource=Resource(kind or resource.kind, resource.name, labels), **fields)


@unhurried
@given(any_effect, worlds.contexts, st.sampled_from([v for v in Verb if v not in (Verb.READ, Verb.FETCH)]))
def test_an_agent_never_changes_its_guard(effect: Effect, context: Context, verb: Verb) -> None:
    assert decide(but(effect, kind=Kind.INTERLOCK, verb=verb), context).verdict is Verdict.DENY
    assert decide(but(effect, label="guard", verb=verb), context).verdict is Verdict.DENY


@unhurried
@given(any_effect, worlds.contexts, st.sampled_from([Verb.DELETE, Verb.OVERWRITE]))
def test_no_production_delete_without_two_strong_approvals(effect: Effect, context: Context, verb: Verb) -> None:
    kind = Kind.DATABASE if effect.resource.kind in GIT else effect.resource.kind
    gone = but(
        effect, kind=kind, verb=verb, environment=Environment.PRODUCTION, reversibility=Reversibility.IRREVERSIBLE
    )
    decision = decide(gone, context)
    assert decision.verdict is not Verdict.ALLOW
    assert decision.rung is Rung.TWO_STRONG
    assert decision.tier == 4


@unhurried
@given(any_effect, st.sampled_from([*CHANGES, Verb.EXECUTE, Verb.DEPLOY, Verb.GRANT, Verb.SPEND]))
def test_nothing_changes_what_is_frozen(effect: Effect, verb: Verb) -> None:
    kind = Kind.TABLE if effect.resource.kind in GIT else effect.resource.kind
    frozen = but(effect, kind=kind, verb=verb, environment=Environment.PRODUCTION)
    assert decide(frozen, Context(frozen=("production",))).verdict is Verdict.DENY


@unhurried
@given(any_effect, worlds.contexts)
def test_what_cannot_be_read_is_never_silently_allowed(effect: Effect, context: Context) -> None:
    outside = msgspec.structs.replace(context, containment="none")
    assert decide(but(effect, verb=Verb.OPAQUE), outside).verdict is not Verdict.ALLOW


@unhurried
@given(any_effect, worlds.contexts)
def test_in_the_sandbox_only_code_may_be_unread_and_only_where_it_runs_contained(
    effect: Effect, context: Context
) -> None:
    unread = but(effect, verb=Verb.OPAQUE)
    decision = decide(unread, msgspec.structs.replace(context, containment="sandbox"))
    if decision.verdict is Verdict.ALLOW:
        assert unread.resource.kind in {Kind.CODE, Kind.PROCESS}
        assert "contain:build" in decision.obligations


@unhurried
@given(any_effect, worlds.contexts)
def test_no_secret_is_read_without_a_strong_yes(effect: Effect, context: Context) -> None:
    for secret in (but(effect, verb=Verb.READ, label="secret"), but(effect, verb=Verb.READ, kind=Kind.SECRET)):
        decision = decide(secret, context)
        assert decision.verdict is not Verdict.ALLOW
        assert decision.tier >= 3


@unhurried
@given(any_effect, worlds.contexts, st.sampled_from([Verb.SEND, Verb.FETCH, Verb.PUBLISH]))
def test_no_secret_leaves_for_a_host_that_nobody_named(effect: Effect, context: Context, verb: Verb) -> None:
    strange = but(effect, kind=Kind.HOST, verb=verb, taint=("secret",))
    if not {"known", "loopback", "registry", "vcs-host"} & set(strange.resource.labels):
        assert decide(strange, context).verdict is Verdict.DENY


@unhurried
@given(any_effect, worlds.contexts)
def test_nobody_talks_to_the_metadata_service(effect: Effect, context: Context) -> None:
    assert decide(but(effect, label="metadata"), context).verdict is Verdict.DENY


@unhurried
@given(any_effect, worlds.contexts, st.sampled_from(["home", "system", "other-user", "unplaced"]))
def test_no_home_and_no_system_tree_is_removed(effect: Effect, context: Context, place: str) -> None:
    labels = {label for label in effect.resource.labels if label not in ("workspace", "scratch")} | {"root", place}
    tree = Resource(Kind.DIRECTORY, "/x", tuple(sorted(labels)))
    gone = msgspec.structs.replace(effect, verb=Verb.DELETE, resource=tree, scale=Scale(Breadth.ALL))
    assert decide(gone, context).verdict is Verdict.DENY


@unhurried
@given(any_effect, worlds.contexts)
def test_an_allow_names_the_permits_that_allow_it(effect: Effect, context: Context) -> None:
    decision = decide(effect, context)
    effects = {ENGINE.rules[rule].effect for rule in decision.rules if rule in ENGINE.rules}
    if decision.verdict is Verdict.ALLOW:
        assert effects == {"permit"}
        assert decision.tier <= 1
    else:
        assert effects <= {"forbid"}
        assert decision.tier >= 2
        assert decision.why.isprintable()


@unhurried
@given(any_effect, worlds.contexts)
def test_reading_and_changing_an_ordinary_workspace_file_asks_nobody(effect: Effect, context: Context) -> None:
    """The other half of safety: a guard that asks about everything is switched off."""
    file = Resource(Kind.FILE, "/code/app/main.py", ("workspace",))
    calm = msgspec.structs.replace(context, frozen=())
    for verb in (Verb.READ, *CHANGES):
        plain = msgspec.structs.replace(
            effect, verb=verb, resource=file, environment=Environment.WORKSPACE, taint=(), scale=Scale()
        )
        assert decide(plain, calm).verdict is Verdict.ALLOW
