"""The words a policy may use: every attribute, where its value comes from, and the closed sets it is drawn from.

One table feeds three readers, so that they cannot drift apart: the Cedar schema (types), the lint (a misspelt label is
refused at load instead of never matching) and the request encoder (values).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import msgspec

from interlock.model.action import Principal
from interlock.model.decision import Context
from interlock.model.effect import Breadth, Effect, Environment, Kind, Known, Reversibility, Verb
from interlock.model.labels import FROZEN, RESOURCE_LABELS, TAINTS

RESTRICTING = frozenset({"reader"})  # what roles that take away are called; the others are grants
CONTAINMENTS = frozenset({"none", "sandbox"})
MOST = 2**63 - 1  # the largest Cedar Long: "no bound is known"

_LOCAL = frozenset({Environment.WORKSPACE, Environment.MACHINE})

Value = str | int | bool | tuple[str, ...]


class Type(Enum):
    """Cedar types of attributes, as the schema spells them."""

    STRING = "String"
    STRINGS = "Set<String>"
    LONG = "Long"
    BOOL = "Bool"


class Attribute(msgspec.Struct, frozen=True):
    """One attribute: `words` is its closed vocabulary, or None where any text may stand."""

    variable: str  # principal | resource | context
    name: str
    type: Type
    meaning: str
    value: Callable[[Principal, Effect, Context], Value]
    words: frozenset[str] | None = None

    @property
    def path(self) -> str:
        """The attribute as a policy writes it, like `resource.labels`."""
        return f"{self.variable}.{self.name}"


def is_frozen(effect: Effect, context: Context) -> bool:
    """Whether a freeze covers the effect, or may cover it because its environment is not known.

    "all" stands for everything that is shared. The workspace and the machine are frozen by their names only: people
    who freeze a system do not mean that nobody may edit a file or run a test.
    """
    if FROZEN in effect.resource.labels or effect.environment.value in context.frozen:
        return True
    if effect.environment is Environment.UNKNOWN:
        return bool(context.frozen)
    return "all" in context.frozen and effect.environment not in _LOCAL


def at_most(effect: Effect) -> int:
    """How many things at most. An unknown number is the largest one, so that `context.count > 1000` fails closed."""
    if effect.scale.count is not None and effect.scale.count >= 0:
        return min(effect.scale.count, MOST)
    return 1 if effect.scale.breadth is Breadth.ONE else MOST


def _words(enum: type[Enum]) -> frozenset[str]:
    return frozenset(str(member.value) for member in enum)


def _text(variable: str, name: str, meaning: str, value: Callable[[Principal, Effect, Context], Value]) -> Attribute:
    return Attribute(variable, name, Type.STRING, meaning, value)


ATTRIBUTES: tuple[Attribute, ...] = (
    _text("principal", "agent", "which coding agent: claude, codex, ...", lambda p, _e, _c: p.agent),
    _text("principal", "session", "the agent's session id", lambda p, _e, _c: p.session),
    _text("principal", "subagent", "id of the sub-agent, empty for the main loop", lambda p, _e, _c: p.subagent),
    _text("principal", "subagent_type", "type of the sub-agent", lambda p, _e, _c: p.subagent_type),
    _text("principal", "person", "login name of the accountable person", lambda p, _e, _c: p.person),
    _text("principal", "model", "the model, where the agent says it", lambda p, _e, _c: p.model),
    Attribute(
        "principal", "roles", Type.STRINGS, "roles that take away from what the session may do",
        lambda p, _e, _c: tuple(sorted(set(p.roles))), RESTRICTING,
    ),
    Attribute(
        "resource", "kind", Type.STRING, "what sort of thing it is",
        lambda _p, e, _c: e.resource.kind.value, _words(Kind),
    ),
    _text("resource", "name", "canonical name, like an absolute path", lambda _p, e, _c: e.resource.name),
    Attribute(
        "resource", "labels", Type.STRINGS, "facts about it",
        lambda _p, e, _c: tuple(sorted(set(e.resource.labels))), RESOURCE_LABELS,
    ),
    Attribute(
        "resource", "environment", Type.STRING, "whose world it belongs to (the user's map)",
        lambda _p, e, _c: e.environment.value, _words(Environment),
    ),
    Attribute(
        "context", "reversibility", Type.STRING, "who can bring the old state back",
        lambda _p, e, _c: e.reversibility.value, _words(Reversibility),
    ),
    Attribute(
        "context", "breadth", Type.STRING, "how much of the thing is touched",
        lambda _p, e, _c: e.scale.breadth.value, _words(Breadth),
    ),
    Attribute(
        "context", "count", Type.LONG, "how many at most; an unknown number is the largest one",
        lambda _p, e, _c: at_most(e),
    ),
    Attribute(
        "context", "count_known", Type.BOOL, "the count was counted or dry-run, not guessed",
        lambda _p, e, _c: at_most(e) == e.scale.count and e.scale.known in (Known.COUNT, Known.DRY_RUN),
    ),
    Attribute(
        "context", "taint", Type.STRINGS, "what flows into the effect",
        lambda _p, e, _c: tuple(sorted(set(e.taint))), TAINTS,
    ),
    _text("context", "via", "the command or tool that does it", lambda _p, e, _c: e.via),
    Attribute(
        "context", "containment", Type.STRING, "what holds the action while it runs",
        lambda _p, _e, c: c.containment, CONTAINMENTS,
    ),
    Attribute(
        "context", "frozen", Type.BOOL, "a freeze covers this environment, or may (environment unknown)",
        lambda _p, e, c: is_frozen(e, c),
    ),
)  # fmt: skip

BY_PATH = {attribute.path: attribute for attribute in ATTRIBUTES}

# What people have said; never part of a request's key: the engine walks the ladder over it.
APPROVAL: tuple[tuple[str, Type, str], ...] = (
    ("count", Type.LONG, "how many people said yes to exactly this action"),
    ("strong", Type.BOOL, "each with a passkey, or a code typed from the fingerprint"),
    ("distinct_from_owner", Type.BOOL, "none of them is the agent's owner"),
)

# Cedar action groups: names for the sets of verbs that policies keep repeating.
GROUPS: dict[str, frozenset[Verb]] = {
    "change": frozenset({Verb.WRITE, Verb.CREATE, Verb.DELETE, Verb.OVERWRITE, Verb.CONFIGURE}),
    "destroy": frozenset({Verb.DELETE, Verb.OVERWRITE}),
    "reach": frozenset({Verb.SEND, Verb.FETCH, Verb.PUBLISH}),
    "run": frozenset({Verb.EXECUTE, Verb.OPAQUE}),
}
