"""Generated effects, and generated policies that exist twice: as Cedar text and as Python predicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from interlock.model.action import Principal
from interlock.model.decision import Approval, Context
from interlock.model.effect import Breadth, Effect, Environment, Kind, Known, Resource, Reversibility, Scale, Verb
from interlock.model.grant import Grant, Pattern
from interlock.model.labels import RESOURCE_LABELS, TAINTS
from interlock.model.rung import Rung
from interlock.policy.rules import Layer
from interlock.policy.spec import Policy
from interlock.policy.vocabulary import is_frozen

LABELS = sorted(RESOURCE_LABELS)
NAMES = ["/code/app/x.py", "shop", "", "a b", 'quo"te', "\N{SNOWMAN}", "*"]
# Few words, so that generated policies and effects meet often.
VERBS = [Verb.READ, Verb.WRITE, Verb.DELETE]
KINDS = [Kind.FILE, Kind.DATABASE]
SOME_LABELS = ["workspace", "secret", "root"]
SOME_ENVIRONMENTS = [Environment.PRODUCTION, Environment.WORKSPACE, Environment.UNKNOWN]


@dataclass(frozen=True)
class Scene:
    """One effect with who and in which circumstances."""

    principal: Principal
    effect: Effect
    context: Context


def effects(*, few: bool = False) -> st.SearchStrategy[Effect]:
    """Any effect; with `few`, from the small vocabulary of the generated policies."""
    return st.builds(
        Effect,
        verb=st.sampled_from(VERBS if few else list(Verb)),
        resource=st.builds(
            Resource,
            kind=st.sampled_from(KINDS if few else list(Kind)),
            name=st.sampled_from(NAMES),
            labels=st.sets(st.sampled_from(SOME_LABELS if few else LABELS), max_size=4).map(lambda s: tuple(sorted(s))),
        ),
        environment=st.sampled_from(SOME_ENVIRONMENTS if few else list(Environment)),
        reversibility=st.sampled_from(list(Reversibility)),
        scale=st.builds(
            Scale,
            breadth=st.sampled_from(list(Breadth)),
            count=st.none() | st.sampled_from([0, 1, 50, 2**70, -3]),
            known=st.sampled_from(list(Known)),
        ),
        taint=st.sets(st.sampled_from(sorted(TAINTS)), max_size=2).map(lambda s: tuple(sorted(s))),
        via=st.sampled_from(["", "rm", "psql"]),
    )


contexts = st.builds(
    Context,
    containment=st.sampled_from(["none", "sandbox"]),
    frozen=st.sampled_from([(), ("production",), ("all",), ("production", "staging")]),
    freeze_reason=st.sampled_from(["", "release"]),
)
grants = st.builds(
    Grant,
    id=st.integers(0, 9),
    patterns=st.lists(
        st.builds(
            Pattern,
            verbs=st.sets(st.sampled_from(VERBS), min_size=1).map(tuple),
            kind=st.sampled_from(KINDS),
            name=st.sampled_from(["**", "*", "/code/**", "shop"]),
            environments=st.sets(st.sampled_from(SOME_ENVIRONMENTS), min_size=1).map(tuple),
            labels=st.sets(st.sampled_from(SOME_LABELS)).map(tuple),
            taint=st.sets(st.sampled_from(sorted(TAINTS))).map(tuple),
            breadth=st.sampled_from(list(Breadth)),
            loss=st.sampled_from(list(Reversibility)),
        ),
        min_size=1,
        max_size=2,
    ).map(tuple),
    rung=st.sampled_from([Rung.ONE, Rung.ONE_STRONG]),
    until=st.just(""),
    policy=st.just(""),
    given_by=st.just("ana"),
)
principals = st.builds(
    Principal, agent=st.sampled_from(["claude", "codex"]), session=st.sampled_from(["", "s1"]), person=st.just("ana")
)


@dataclass(frozen=True)
class Condition:
    """A condition as Cedar text, and as Python."""

    text: str
    holds: Callable[[Scene], bool]


def _atom(text: str, holds: Callable[[Scene], bool]) -> Condition:
    return Condition(text, holds)


ATOMS = [
    *(
        _atom(f'resource.labels.contains("{label}")', lambda s, label=label: label in s.effect.resource.labels)
        for label in SOME_LABELS
    ),
    *(_atom(f'resource.kind == "{kind}"', lambda s, kind=kind: s.effect.resource.kind is kind) for kind in KINDS),
    _atom(
        '["production", "unknown"].contains(resource.environment)',
        lambda s: s.effect.environment in (Environment.PRODUCTION, Environment.UNKNOWN),
    ),
    _atom('context.breadth != "one"', lambda s: s.effect.scale.breadth is not Breadth.ONE),
    _atom('context.taint.containsAny(["secret", "file"])', lambda s: bool({"secret", "file"} & set(s.effect.taint))),
    _atom("context.frozen", lambda s: is_frozen(s.effect, s.context)),
    _atom('resource.name like "/code/*"', lambda s: s.effect.resource.name.startswith("/code/")),
    _atom('principal.agent == "claude"', lambda s: s.principal.agent == "claude"),
    _atom('context.containment == "sandbox"', lambda s: s.context.containment == "sandbox"),
]
conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda c: Condition(f"!({c.text})", lambda s: not c.holds(s))),
        st.tuples(inner, inner).map(
            lambda p: Condition(f"({p[0].text} && {p[1].text})", lambda s: p[0].holds(s) and p[1].holds(s))
        ),
        st.tuples(inner, inner).map(
            lambda p: Condition(f"({p[0].text} || {p[1].text})", lambda s: p[0].holds(s) or p[1].holds(s))
        ),
    ),
    max_leaves=4,
)

# What lifts a forbid, or earns a permit: from "nothing does" to "two people".
YESES: list[tuple[str, Callable[[Approval], bool]]] = [
    ("", lambda a: False),
    ("context.approval.count >= 1", lambda a: a.count >= 1),
    ("context.approval.count > 0 && context.approval.strong", lambda a: a.count > 0 and a.strong),
    (
        "2 <= context.approval.count && context.approval.strong && context.approval.distinct_from_owner",
        lambda a: a.count >= 2 and a.strong and a.distinct_from_owner,
    ),
]


@dataclass(frozen=True)
class Written:
    """One policy, written twice."""

    text: str
    policy: Policy[Scene]
    effect: str


@st.composite
def policies(draw: st.DrawFn, *, effect: str | None = None) -> Callable[[str], Written]:
    """A policy without its id: the caller names it."""
    kind = effect or draw(st.sampled_from(["permit", "forbid"]))
    verbs = draw(st.sets(st.sampled_from(VERBS), min_size=1))
    when = draw(conditions)
    yes_text, yes = draw(st.sampled_from(YESES))
    if kind == "permit":
        clause = f"when {{ {when.text}{' && ' + yes_text if yes_text else ''} }}"
    else:
        clause = f"when {{ {when.text} }}" + (f" unless {{ {yes_text} }}" if yes_text else "")

    def applies(scene: Scene, approval: Approval) -> bool:
        if scene.effect.verb not in verbs or not when.holds(scene):
            return False
        return yes(approval) or not yes_text if kind == "permit" else not yes(approval)

    scope = ", ".join(f'Interlock::Action::"{verb.value}"' for verb in sorted(verbs))

    def named(name: str) -> Written:
        text = (
            f'@id("{name}")\n@tier("2")\n@why("generated")\n@matches("read file x")\n'
            f"{kind} (principal, action in [{scope}], resource) {clause};\n"
        )
        return Written(text, Policy(name, kind, applies), kind)

    return named


@st.composite
def sets(draw: st.DrawFn, *, effect: str | None = None, prefix: str = "p", max_size: int = 6) -> list[Written]:
    """A set of generated policies with ids."""
    made = draw(st.lists(policies(effect=effect), max_size=max_size))
    return [named(f"{prefix}{number}") for number, named in enumerate(made)]


def layer(written: list[Written], name: str = "default") -> Layer:
    """The layer that holds them."""
    return Layer(name, {"generated.cedar": "".join(w.text for w in written)})
