"""Roles are data: what they give, what they take, and how far a project may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.model.action import Principal
from interlock.model.decision import Context, Rung, Verdict
from interlock.model.effect import Effect, Environment, Kind, Resource, Reversibility, Scale, Verb
from interlock.model.errors import PolicyError, UsageError
from interlock.model.grant import Grant
from interlock.policy import rolematrix
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from interlock.policy.roles import (
    DEFAULT,
    Role,
    always,
    combined,
    narrowed,
    packaged,
    patterns,
    read,
)  # fmt: skip

ENGINE = Engine.load([layer()])
HERE = Path(__file__).parent
READER = Principal("claude", "s", roles=("reader",))


def test_the_matrix_is_as_reviewed() -> None:
    """After a wanted change: python -m interlock.policy.rolematrix > tests/policy/roles.txt, and read the diff."""
    assert rolematrix.text(ENGINE, packaged()) == (HERE / "roles.txt").read_text("utf-8")


def test_every_role_verb_kind_and_environment_has_an_answer() -> None:
    cells = list(rolematrix.cells())
    assert len(cells) == len(Verb) * (len(Kind) + 1) * len(Environment)
    seen = set()
    for line in rolematrix.rows(ENGINE, DEFAULT, packaged()):
        verbs, thing, where = line.split("  ")[1].rsplit(" ", 1)[0], *line.split("  ")[1:3]
        kind = thing.split(" ", 1)[1]
        names = [e.value for e in Environment] if where == "[anywhere]" else where[1:-1].replace("@", "").split()
        seen |= {(verb, kind, name) for verb in verbs.split(" ")[0].split("|") for name in names}
    assert len(seen) == len(cells)


def test_no_role_lifts_what_needs_two_people() -> None:
    for title, role in packaged().items():
        for cell in rolematrix.cells():
            base = rolematrix.answer(ENGINE, DEFAULT, packaged()[DEFAULT], cell)
            mine = rolematrix.answer(ENGINE, title, role, cell)
            if base.startswith(("ask 4", "deny")):
                assert not mine.startswith("allow"), (title, cell)
            if role.restricts:
                assert base.startswith("allow") or not mine.startswith("allow"), (title, cell)


def test_a_role_that_gives_is_strict_about_production() -> None:
    for title, role in packaged().items():
        if any(Environment.PRODUCTION in part.environments for part in role.grants):
            assert role.strong, title
            assert role.minutes <= 60, title


def decide(principal: Principal, effect: Effect, *grants: Grant) -> Verdict:
    return ENGINE.decide(principal, [effect], Context(grants=grants)).verdict


WRITE = Effect(Verb.WRITE, Resource(Kind.FILE, "/w/a.py", ("workspace",)), Environment.WORKSPACE,
               Reversibility.REVERSIBLE, Scale())  # fmt: skip


def test_a_reader_is_asked_about_what_others_just_do() -> None:
    assert decide(Principal("claude", "s"), WRITE) is Verdict.ALLOW
    assert decide(READER, WRITE) is Verdict.ASK
    read_it = Effect(Verb.READ, WRITE.resource, WRITE.environment, WRITE.reversibility, Scale())
    assert decide(READER, read_it) is Verdict.ALLOW


def test_a_deployer_deploys_what_was_named_and_destroys_nothing_for_good() -> None:
    role = packaged()["deployer"]
    grant = Grant(
        1, patterns(role, ["shop/web*"]), role.rung, "9999-12-31T00:00:00Z", ENGINE.digest, "olga", session="s"
    )

    def on(name: str, verb: Verb, loss: Reversibility = Reversibility.RECOVERABLE) -> Verdict:
        thing = Resource(Kind.CLUSTER_OBJECT, name)
        return decide(Principal("claude", "s"), Effect(verb, thing, Environment.PRODUCTION, loss, Scale()), grant)

    assert role.rung is Rung.ONE_STRONG
    assert on("shop/web-1", Verb.DEPLOY) is Verdict.ALLOW
    assert on("shop/db", Verb.DEPLOY) is Verdict.ASK
    assert on("shop/web-1/pod", Verb.DEPLOY) is Verdict.ASK
    assert on("shop/web-1", Verb.DELETE, Reversibility.IRREVERSIBLE) is Verdict.ASK


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[Reader]\n", "cannot name a role"),
        ("[auditor]\nrestricts = true\n", "cannot take away"),
        ("[operator]\nagents = ['codex']\n", "no agent can have it always"),
        ("[x]\nminutes = 0\n", "minutes"),
        ("[x]\nminutes = 481\n", "minutes"),
        ("[x]\nwhat = 1\n", "unknown field"),
        ("[[x.grants]]\nverbs = []\nkinds = ['file']\nenvironments = ['staging']\n", "names its verbs"),
        ("[[x.grants]]\nverbs = ['fly']\nkinds = ['file']\nenvironments = ['staging']\n", "Invalid enum"),
        ("[reader]\nrestricts = true\n[[reader.grants]]\nverbs=['read']\nkinds=['file']\nenvironments=['staging']\n",
         "cannot take away"),
        ("[x", "Expected"),
    ],
)  # fmt: skip
def test_a_role_that_contradicts_itself_is_refused(text: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        read(text, "interlock.toml")


def test_a_project_narrows_and_never_widens() -> None:
    mine = narrowed(packaged(), {"deployer": Role(minutes=5), "operator": Role(off=True)}, "p")
    assert mine["deployer"].minutes == 5
    assert mine["deployer"].strong
    assert mine["deployer"].grants == packaged()["deployer"].grants
    assert mine["operator"].off
    assert narrowed(packaged(), {"deployer": Role(minutes=400)}, "p")["deployer"].minutes == 30
    assert always(narrowed(packaged(), {"reader": Role(agents=("codex",))}, "p"), "codex") == ("reader",)
    for wrong in ({"root": Role()}, {"deployer": Role(who=("everybody",))}, {"operator": Role(agents=("claude",))},
                  {"developer": Role(grants=packaged()["operator"].grants)}):  # fmt: skip
        with pytest.raises(PolicyError, match="a project can only narrow"):
            narrowed(packaged(), wrong, "p")


def test_a_persons_own_file_replaces_and_adds() -> None:
    mine = combined(packaged(), {"deployer": Role(off=True), "dba": Role(about="x")})
    assert mine["deployer"].off
    assert "dba" in mine
    assert mine["reader"] == packaged()["reader"]


def test_a_role_is_for_named_things_and_not_for_everything_at_once() -> None:
    with pytest.raises(UsageError, match="things that you name"):
        patterns(packaged()["operator"], [])
    with pytest.raises(UsageError, match="name 3 things at most"):
        patterns(packaged()["operator"], ["a", "b", "c", "d"])
