"""From Cedar's syntax tree to formulas: what an expression is, and when it cannot be evaluated.

Cedar's own rules, each tested against cedarpy on generated policies and requests (`tests/prover/test_translate.py`):
`&&`, `||` and `if` look at no more than they need; every other operator looks at all of its operands; arithmetic fails
beyond 64 bits; the clauses of a policy are looked at in order. A policy is satisfied only if it can be evaluated.
Anything else of Cedar (entities, tags, records, extension types) raises `Untranslated`.
"""

from __future__ import annotations

from typing import Any

from cedarpy import pst

from interlock.model.effect import Verb
from interlock.policy.lint import path_of
from interlock.policy.vocabulary import MOST
from interlock.prover.symbols import Symbols, Yes
from interlock.prover.terms import (
    Choice,
    Count,
    Flag,
    Members,
    Truth,
    Untranslated,
    Value,
    both,
    choose,
    either,
    every,
    holds,
    like,
    no,
    same,
    some,
    when,
    within,
)

_COMPARE = {
    "less": lambda left, right: left < right,
    "less_eq": lambda left, right: left <= right,
    "greater": lambda left, right: left > right,
    "greater_eq": lambda left, right: left >= right,
}
_COMPUTE = {
    "add": lambda left, right: left + right,
    "sub": lambda left, right: left - right,
    "mul": lambda left, right: left * right,
}


class Translator:
    """Expressions over these symbols, under this approval."""

    def __init__(self, symbols: Symbols, yes: Yes) -> None:
        self._symbols = symbols
        self._yes = yes
        self._approval: dict[str, Value] = {
            "context.approval.count": Count(yes.count),
            "context.approval.strong": Flag(yes.strong),
            "context.approval.distinct_from_owner": Flag(yes.distinct_from_owner),
        }

    def policy(self, policy: pst.Template, verbs: frozenset[Verb]) -> tuple[Truth, Truth]:
        """When the policy's conditions hold, and when they cannot be evaluated. `verbs` are those of its scope.

        Raises:
            Untranslated: something in it has no translation; says what.
        """
        for scope in (policy.principal, policy.resource):
            if not isinstance(scope, pst.ScopeAny | pst.ScopeIs):
                raise Untranslated("a scope that names one principal or resource")
        holding: Truth = self._symbols.is_verb(verbs)
        failing: Truth = False
        for clause in policy.clauses:
            value, fails = self.truth(clause.expr)
            failing = either(failing, both(holding, fails))
            holding = both(holding, value if isinstance(clause, pst.When) else no(value))
        return holding, failing

    def truth(self, expr: pst.Expr) -> tuple[Truth, Truth]:
        """A boolean expression."""
        value, fails = self.value(expr)
        if not isinstance(value, Flag):
            raise Untranslated(f"a condition that is a {type(value).__name__.lower()}")
        return value.truth, fails

    def value(self, expr: pst.Expr) -> tuple[Value, Truth]:
        """Any expression: its value, and when it has none."""
        match expr:
            case pst.BoolLit(value=truth):
                return Flag(truth), False
            case pst.LongLit(value=number):
                return Count(number), False
            case pst.StringLit(value=text):
                return Choice({text: True}), False
            case pst.GetAttr():
                return self._attribute(expr), False
            case pst.Set(elements=elements):
                parts = [self.value(element) for element in elements]
                return Members(tuple((value, True) for value, _ in parts)), some(fails for _, fails in parts)
            case pst.UnaryOp():
                return self._unary(expr)
            case pst.BinaryOp(op="and" | "or"):
                return self._connective(expr)
            case pst.BinaryOp():
                return self._binary(expr)
            case pst.Like(base=base, pattern=pattern):
                value, fails = self.value(base)
                return Flag(like(value, _pieces(pattern))), fails
            case pst.IfThenElse(cond=cond, then_expr=then_expr, else_expr=else_expr):
                condition, fails = self.truth(cond)
                (then, then_fails), (other, other_fails) = self.value(then_expr), self.value(else_expr)
                return choose(condition, then, other), either(fails, when(condition, then_fails, other_fails))
        raise Untranslated(type(expr).__name__)

    def _attribute(self, expr: pst.GetAttr) -> Value:
        path = path_of(expr)
        found = self._symbols.values.get(path) or self._approval.get(path)
        if found is None:
            raise Untranslated(f"the attribute {path or expr.attr}")
        return found

    def _unary(self, expr: pst.UnaryOp) -> tuple[Value, Truth]:
        value, fails = self.value(expr.arg)
        match expr.op, value:
            case "not", Flag(truth=truth):
                return Flag(no(truth)), fails
            case "is_empty", Members(members=members):
                return Flag(every(no(present) for _, present in members)), fails
            case "neg", Count(number=number):
                return Count(-number), either(fails, _beyond(-number))
        raise Untranslated(f"`{expr.op}`")

    def _connective(self, expr: pst.BinaryOp) -> tuple[Value, Truth]:
        left, left_fails = self.truth(expr.left)
        right, right_fails = self.truth(expr.right)
        if expr.op == "and":
            return Flag(both(left, right)), either(left_fails, both(left, right_fails))
        return Flag(either(left, right)), either(left_fails, both(no(left), right_fails))

    def _binary(self, expr: pst.BinaryOp) -> tuple[Value, Truth]:
        (left, left_fails), (right, right_fails) = self.value(expr.left), self.value(expr.right)
        fails = either(left_fails, right_fails)
        match expr.op, left, right:
            case "eq", _, _:
                return Flag(same(left, right)), fails
            case "not_eq", _, _:
                return Flag(no(same(left, right))), fails
            case "contains", Members(), _:
                return Flag(holds(left, right)), fails
            case "contains_all", Members(), Members():
                return Flag(within(right, left)), fails
            case "contains_any", Members(), Members():
                return Flag(some(both(present, holds(left, member)) for member, present in right.members)), fails
            case op, Count(number=first), Count(number=second) if op in _COMPARE:
                return Flag(_COMPARE[op](first, second)), fails
            case op, Count(number=first), Count(number=second) if op in _COMPUTE:
                result = _COMPUTE[op](first, second)
                return Count(result), either(fails, _beyond(result))
        raise Untranslated(f"`{expr.op}`")


def _beyond(number: Any) -> Truth:
    """Whether a result does not fit a Cedar Long."""
    return either(number > MOST, number < -MOST - 1)


def _pieces(pattern: tuple[pst.PatternElem, ...]) -> list[str]:
    """The texts between the stars of a pattern."""
    pieces = [""]
    for part in pattern:
        if isinstance(part, pst.Wildcard):
            pieces.append("")
        else:
            pieces[-1] += part.value
    return pieces
