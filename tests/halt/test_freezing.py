"""What a freeze covers of an action, and that the last look before a release and the policy agree on what it stops."""

from __future__ import annotations

import pytest

from interlock.broker.freezing import DOUBT, mark, touched
from interlock.halt.order import Order, What, selector
from interlock.model.action import Principal
from interlock.model.decision import Context, Verdict
from interlock.model.effect import Effect, Environment, Kind, Resource, Verb
from interlock.model.labels import FROZEN
from interlock.model.provenance import Facts, compact, facts_of, only, origin
from interlock.model.selector import Match
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

ENGINE = Engine.load([layer()])
WHO = Principal("claude", "s")


def freeze(where: str, allow: str = "") -> Order:
    return Order(-1, What.FREEZE, selector(where), "because", selector(allow) if allow else None)


def effect(verb: Verb, kind: Kind, environment: Environment = Environment.PRODUCTION, name: str = "x") -> Effect:
    return Effect(verb, Resource(kind, name), environment)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("verb", list(Verb))
def test_the_policy_stops_what_the_last_look_stops(verb: Verb, kind: Kind) -> None:
    one = effect(verb, kind)
    marked = mark([freeze('environment = "production"')], only(WHO), [one])
    decision = ENGINE.decide(WHO, marked.effects, Context(frozen=marked.doubt, freeze_reason=marked.reason))
    by_rule = bool({"freeze", "freeze-push"} & set(decision.rules)) and decision.verdict is Verdict.DENY
    assert by_rule is touched(one).changes


@pytest.mark.parametrize(
    ("where", "environment", "labelled", "doubt"),
    [
        ('environment = "production"', Environment.PRODUCTION, True, False),
        ('environment = "production"', Environment.STAGING, False, False),
        ('environment = "production"', Environment.UNKNOWN, False, True),
        ('not environment in ["workspace", "machine"]', Environment.UNKNOWN, False, True),
        ('agent = "claude"', Environment.UNKNOWN, True, False),
        ('agent = "codex"', Environment.PRODUCTION, False, False),
        ('model = "m"', Environment.WORKSPACE, True, False),  # nobody said which model it is
        ('model = "m"', Environment.UNKNOWN, True, False),
        ('model = "m" and environment = "production"', Environment.UNKNOWN, False, True),
        ('model = "m" and environment = "production"', Environment.WORKSPACE, False, False),
    ],
)
def test_what_is_labelled_and_what_is_in_doubt(
    where: str, environment: Environment, labelled: bool, doubt: bool
) -> None:
    marked = mark([freeze(where)], only(WHO), [effect(Verb.WRITE, Kind.TABLE, environment)])
    assert (FROZEN in marked.effects[0].resource.labels) is labelled
    assert marked.doubt == (DOUBT if doubt else ())
    assert marked.reason == ("because" if labelled or doubt else "")


def test_what_is_allowed_is_not_covered_unless_that_is_not_sure() -> None:
    order = freeze('environment = "production"', allow='name like "logs*"')
    covered = mark([order], only(WHO), [effect(Verb.WRITE, Kind.TABLE, name=name) for name in ("logs.a", "users")])
    assert [FROZEN in one.resource.labels for one in covered.effects] == [False, True]
    unsure = freeze('environment = "production"', allow='model = "m"')
    assert mark([unsure], only(WHO), [effect(Verb.WRITE, Kind.TABLE)]).orders


def test_an_entry_gives_the_facts_back() -> None:
    facts = Facts(
        {"model": None, "tool": frozenset({"Bash"}), "workspace": frozenset({"/w"}), "agent": frozenset({"claude"}),
         "session": frozenset({"s"}), "subagent": frozenset()},
        compact([("write", "file", "workspace", "/w/a"), ("write", "file", "unknown", None)]),
    )  # fmt: skip
    found = facts_of({"provenance": facts.body(), "principal": {"agent": "claude", "session": "s"}})
    for where in ('name = "/w/a"', 'model = "m"', 'environment = "production"', 'tool = "Read"', 'mcp = "x"'):
        assert found.covered(selector(where)) is facts.covered(selector(where)), where


def test_more_than_fits_is_not_known() -> None:
    many = compact([("write", "file", "workspace", f"/w/{number:04}/{'x' * 60}") for number in range(200)])
    assert len(many) <= 41
    assert Facts({}, many).covered(selector('name = "/w/0199/x"')) is Match.UNSURE
    assert Facts({}, many).covered(selector('environment = "production"')) is Match.NO


@pytest.mark.parametrize(
    ("url", "repository", "organisation"),
    [
        ("git@github.com:acme/shop.git", "github.com/acme/shop", "acme"),
        ("https://user:pw@GitHub.com/acme/shop", "acme/shop", "github.com/acme"),
        ("ssh://git@git.acme.example:2222/team/a/b.git/", "git.acme.example/team/a/b", "team/a"),
        ("/srv/git/shop.git", "/srv/git/shop.git", ""),
    ],
)
def test_where_an_origin_lies(url: str, repository: str, organisation: str) -> None:
    found = origin(url)
    assert repository in (found["repository"] or ())
    assert not organisation or organisation in (found["organisation"] or ())
    assert "pw" not in str(found)
