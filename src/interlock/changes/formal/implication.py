"""Does the new guard refuse all that the old one refused? Is `reject_old and not reject_new` satisfiable?

A yes is a proof over every value; its SMT-LIB text is kept, so that anybody can run it again. A no comes with an
example that both conditions, as they stand in the program, were evaluated on. All else is INCONCLUSIVE, and says why.
"""

from __future__ import annotations

import ast
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import msgspec
import z3

from interlock.changes.formal.evaluate import Unknown, holds
from interlock.changes.formal.sorts import Contradiction, Sort, constant, sorts, variable
from interlock.changes.formal.translate import Translator, Untranslated

MILLISECONDS = 2_000
_MOST = 2_000  # characters of a condition


class Answer(enum.StrEnum):
    """What is known about the new guard."""

    PROVED = "PROVED"  # it refuses all that the old one refused
    WEAKER = "WEAKER"  # here is what it lets through
    INCONCLUSIVE = "INCONCLUSIVE"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `example`: name -> value, or opaque term -> truth. `proof`: the SMT-LIB text whose `unsat` it is."""

    answer: Answer
    reason: str = ""
    example: dict[str, object] = {}
    proof: str = ""


@dataclass(frozen=True)
class _Question:
    before: ast.expr
    after: ast.expr
    kinds: Mapping[str, Sort]
    moved: frozenset[str]
    milliseconds: int
    never_none: frozenset[str]


@dataclass(frozen=True)
class _Asked:
    status: Any
    text: str
    model: Any
    translator: Translator


def implied(
    old: str,
    new: str,
    *,
    annotated: Mapping[str, str] | None = None,
    moved: frozenset[str] = frozenset(),
    milliseconds: int = MILLISECONDS,
) -> Verdict:
    """Whether what `old` rejects is rejected by `new`.

    Args:
        old: when the old version rejects, a Python expression.
        new: when the new version does.
        annotated: name -> `int`, `str`, `bool` or `float`, where the function says so.
        moved: names that are defined in another way in the new version: what is said about them there is another thing.
        milliseconds: for z3.
    """
    if max(len(old), len(new)) > _MOST:
        return _open("the condition is too long")
    try:
        before, after = (ast.parse(text, mode="eval").body for text in (old, new))
        kinds = sorts((before, after), annotated)
        kinds = {**dict.fromkeys(_compared(before) | _compared(after), Sort.VALUE), **kinds}
        never_none = frozenset(name for name in annotated or () if name in kinds)
        return _prove(_Question(before, after, kinds, moved, milliseconds, never_none))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _open("the condition cannot be read")
    except (Contradiction, Untranslated) as error:
        return _open(str(error))


def _open(reason: str) -> Verdict:
    return Verdict(answer=Answer.INCONCLUSIVE, reason=reason)


def _compared(tree: ast.expr) -> set[str]:
    """Names that stand on a side of an equality or membership: they are values; other bare names are truth values."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for left, right in pairwise(sides):
                literal = constant(right) is not ... or isinstance(right, ast.Tuple | ast.List | ast.Set)
                for side, other in ((left, literal), (right, constant(left) is not ...)):
                    name = variable(side)
                    if name is not None and other:
                        found.add(name)
    return found


def _prove(question: _Question) -> Verdict:
    general = _asked(question, whole=False)
    if general.status == z3.unsat:
        return Verdict(answer=Answer.PROVED, proof=general.text)
    # An example is looked for among whole numbers, and first where nothing is None: a condition's usual values.
    everything = replace(question, never_none=frozenset(question.kinds))
    asked = _asked(everything, whole=True)
    if asked.status != z3.sat:
        asked = _asked(question, whole=True)
    if asked.status != z3.sat or asked.model is None:
        reason = "it depends on numbers that are not whole" if asked.status == z3.unsat else "z3 needed too long"
        return Verdict(answer=Answer.INCONCLUSIVE, reason=reason, proof=asked.text)
    before, after = question.before, question.after
    if other := question.moved & _roots(before, after):
        return _open(f"{', '.join(sorted(other))}: defined in another way in the new version")
    if unknown := _new_calls(before, after, asked.translator):
        return _open(f"{unknown} is not known: it may refuse as much")
    example = _example(asked.model, question.kinds, asked.translator)
    try:
        if holds(before, example, question.kinds) and not holds(after, example, question.kinds):
            return Verdict(answer=Answer.WEAKER, example=example, proof=asked.text)
    except Unknown as error:
        return _open(f"the example could not be evaluated: {error}")
    return _open("the example that z3 gave is none")


def _new_calls(before: ast.expr, after: ast.expr, translator: Translator) -> str:
    """A term that only the new condition has and that is more than a name: what it is true of, nobody knows."""
    known = {ast.unparse(n) for n in ast.walk(before) if isinstance(n, ast.expr)}
    for node in ast.walk(after):
        if isinstance(node, ast.expr) and variable(node) is None:
            text = ast.unparse(node)
            if text in translator.opaque and text not in known:
                return text
    return ""


def _roots(*trees: ast.expr) -> set[str]:
    return {n.id for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Name)}


def _asked(question: _Question, *, whole: bool) -> _Asked:
    translator = Translator(question.kinds, whole=whole, other=question.moved, never_none=question.never_none)
    rejects = translator.truth(question.before, "old")
    passes = z3.Not(translator.truth(question.after, "new"))
    solver = z3.Solver()
    solver.set("timeout", question.milliseconds)
    solver.add(*translator.axioms, rejects, passes)
    text = solver.to_smt2()
    status = solver.check()
    return _Asked(status, text, solver.model() if status == z3.sat else None, translator)


def _example(model: Any, kinds: Mapping[str, Sort], translator: Translator) -> dict[str, object]:
    found: dict[str, object] = {}
    values = {str(d.name()): model[d] for d in model.decls() if d.arity() == 0}
    for name, kind in kinds.items():
        if z3.is_true(values.get(f"{name} is None", z3.BoolVal(False))):
            found[name] = None
        elif kind is Sort.VALUE:
            found[name] = translator.decoded(model, name)
        elif kind is Sort.TEXT:
            value = values.get(name)
            found[name] = "" if value is None else _text(value)
        elif kind is Sort.BOOL:
            found[name] = z3.is_true(values.get(name, z3.BoolVal(False)))
        else:
            value = values.get(name)
            found[name] = 0 if value is None else value.as_long()
    for text in translator.opaque:
        found[text] = z3.is_true(values.get(text, z3.BoolVal(False)))
    for name, value in values.items():
        if name.startswith("len(") and z3.is_int_value(value):
            found[name] = value.as_long()
    return found


def _text(value: Any) -> str:
    """A z3 text as Python's."""
    return re.sub(r"\\u\{([0-9a-fA-F]+)\}|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})",
                  lambda m: chr(int(m[1] or m[2] or m[3], 16)), value.as_string())  # fmt: skip
