"""Which policies an effect can meet at all: the set, cut by verb, kind and environment.

Cedar's cost is linear in the policies it is handed, and most of them say in plain words which verbs, kinds or
environments they are about. Cutting is sound because it only drops a policy whose conditions are false whatever the
other attributes are (three-valued logic: what is not known stays unknown), and such a policy can decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cedarpy
import msgspec
from cedarpy import pst

from interlock.model.effect import Effect, Environment, Kind, Verb
from interlock.policy.lint import literals, path_of
from interlock.policy.rules import Rule
from interlock.policy.vocabulary import BY_PATH, Attribute

Known = Mapping[str, str]  # attribute path -> its value


class Slice(msgspec.Struct, frozen=True, eq=False):
    """The policies that an effect can meet, and the attributes they look at. Equal only to itself: a memory key."""

    policies: cedarpy.PolicySet
    attributes: tuple[Attribute, ...]


class Slices:
    """All slices of one set, cut when they are first needed: at most one a verb, kind and environment."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = {verb: tuple(rule for rule in rules if verb in rule.verbs) for verb in Verb}
        self._cut: dict[tuple[Verb, Kind, Environment], Slice] = {}

    def of(self, effect: Effect) -> Slice:
        """The slice for this effect."""
        place = (effect.verb, effect.resource.kind, effect.environment)
        found = self._cut.get(place)
        if found is None:
            found = self._cut[place] = self._make(*place)
        return found

    def _make(self, verb: Verb, kind: Kind, environment: Environment) -> Slice:
        known = _known(kind, environment)
        mine = [rule for rule in self._rules[verb] if may_apply(rule.policy, known)]
        mentions = {path for rule in mine for path in rule.mentions}
        tree = pst.PolicySet(templates={}, static_policies={rule.id: rule.policy for rule in mine}, template_links=())
        attributes = tuple(attribute for path, attribute in BY_PATH.items() if path in mentions)
        return Slice(cedarpy.PolicySet.from_pst(tree), attributes)


def meets(rule: Rule, effect: Effect) -> bool:
    """False only if the rule has no part in what is decided about this effect."""
    return effect.verb in rule.verbs and may_apply(rule.policy, _known(effect.resource.kind, effect.environment))


def _known(kind: Kind, environment: Environment) -> Known:
    return {"resource.kind": kind.value, "resource.environment": environment.value}


def may_apply(policy: pst.Template, known: Known) -> bool:
    """False only if no request with these attribute values satisfies the policy."""
    return all(truth(clause.expr, known) is not (not isinstance(clause, pst.When)) for clause in policy.clauses)


def truth(expr: pst.Expr, known: Known) -> bool | None:
    """What `expr` is when only `known` is known; None when that depends on the rest."""
    match expr:
        case pst.BoolLit(value=value):
            return value
        case pst.UnaryOp(op="not", arg=arg):
            inner = truth(arg, known)
            return None if inner is None else not inner
        case pst.BinaryOp(op="and" | "or" as op, left=left, right=right):
            settles = op == "or"  # one side alone settles an `or` by being true, an `and` by being false
            sides = (truth(left, known), truth(right, known))
            if settles in sides:
                return settles
            return None if None in sides else not settles
        case pst.BinaryOp(op=op, left=left, right=right):
            return _comparison(op, left, right, known)
    return None


def _comparison(op: str, left: pst.Expr, right: pst.Expr, known: Known) -> bool | None:
    for side, other in ((left, right), (right, left)):
        value, words = known.get(path_of(side)), literals(other)
        if value is None or words is None:
            continue
        if op == "eq":
            return value in words
        if op == "not_eq":
            return value not in words
        if op == "contains" and side is right:
            return value in words
    return None
