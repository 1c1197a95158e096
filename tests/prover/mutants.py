"""Mutants of a policy: one thing dropped, turned round, widened or narrowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
from cedarpy import pst

from interlock.model.effect import Verb
from interlock.policy.lint import path_of
from interlock.policy.rules import Rule
from interlock.policy.vocabulary import BY_PATH

_TURNED = {"and": "or", "or": "and", "eq": "not_eq", "not_eq": "eq", "contains_any": "contains_all"}


def mutants(rule: Rule) -> Iterator[tuple[str, Rule | None]]:
    """What was done, and the rule as it then is; None where it is gone."""
    yield "dropped", None
    yield "turned round", _with(rule, effect="permit" if rule.effect == "forbid" else "forbid")
    verbs = sorted(rule.verbs)
    for verb in verbs:
        if len(verbs) > 1:
            yield f"without {verb.value}", msgspec.structs.replace(rule, verbs=rule.verbs - {verb})
    for verb in sorted(set(Verb) - rule.verbs):
        yield f"also {verb.value}", msgspec.structs.replace(rule, verbs=rule.verbs | {verb})
    clauses = rule.policy.clauses
    for place, clause in enumerate(clauses):
        rest = (*clauses[:place], *clauses[place + 1 :])
        yield f"clause {place} dropped", _with(rule, clauses=rest)
        other = pst.Unless if isinstance(clause, pst.When) else pst.When
        yield (
            f"clause {place} turned",
            _with(rule, clauses=(*clauses[:place], other(clause.expr), *clauses[place + 1 :])),
        )
        for what, expr in _changes(clause.expr):
            changed = (*clauses[:place], replace(clause, expr=expr), *clauses[place + 1 :])
            yield f"clause {place}: {what}", _with(rule, clauses=changed)


def _with(rule: Rule, **fields: Any) -> Rule:
    policy = replace(rule.policy, **fields)
    return msgspec.structs.replace(rule, policy=policy, effect=policy.effect)


def _changes(expr: pst.Expr) -> Iterator[tuple[str, pst.Expr]]:
    match expr:
        case pst.BinaryOp():
            yield from _operator(expr)
        case pst.UnaryOp(op="not", arg=arg):
            yield "not dropped", arg
            for what, changed in _changes(arg):
                yield what, replace(expr, arg=changed)
        case pst.LongLit(value=value):
            yield f"{value} less one", pst.LongLit(value - 1)
            yield f"{value} and one", pst.LongLit(value + 1)
        case pst.GetAttr() if path_of(expr).startswith(("context.approval.", "context.frozen")):
            if not path_of(expr).endswith("count"):
                yield f"{path_of(expr)} taken for true", pst.BoolLit(True)
        case pst.Like(pattern=pattern):
            yield "like anything", replace(expr, pattern=(pst.Wildcard(),))
            yield "like nothing", replace(expr, pattern=(*pattern, pst.Char("\x01")))


def _operator(expr: pst.BinaryOp) -> Iterator[tuple[str, pst.Expr]]:
    if expr.op in _TURNED:
        yield f"{expr.op} turned", replace(expr, op=_TURNED[expr.op])
    if expr.op in ("and", "or"):
        yield f"{expr.op} without its left", expr.right
        yield f"{expr.op} without its right", expr.left
    elif expr.op in ("contains", "contains_any"):
        yield f"{expr.op} denied", pst.UnaryOp("not", expr)
    yield from _words(expr)
    for what, changed in _changes(expr.left):
        yield what, replace(expr, left=changed)
    for what, changed in _changes(expr.right):
        yield what, replace(expr, right=changed)


def _words(expr: pst.BinaryOp) -> Iterator[tuple[str, pst.Expr]]:
    """A set of words with one less, and with one more; a word that is another."""
    for side, other in (("left", "right"), ("right", "left")):
        words, path = getattr(expr, side), path_of(getattr(expr, other))
        known = sorted(BY_PATH[path].words or ()) if path in BY_PATH else []
        if isinstance(words, pst.Set):
            mine = [element.value for element in words.elements if isinstance(element, pst.StringLit)]
            for gone in mine:
                left = pst.Set(tuple(pst.StringLit(word) for word in mine if word != gone))
                if left.elements:
                    yield f"without {gone}", replace(expr, **{side: left})
            for more in [word for word in known if word not in mine][:2]:
                yield f"also {more}", replace(expr, **{side: pst.Set((*words.elements, pst.StringLit(more)))})
        elif isinstance(words, pst.StringLit) and known:
            for another in [word for word in known if word != words.value][:1]:
                yield f"{another} for {words.value}", replace(expr, **{side: pst.StringLit(another)})
