"""A lost or changed guard before the prover: discharged, shown to be weaker, or left as it was.

The prover is an extra (`pip install interlock[prove]`); without it nothing is discharged.
"""

from __future__ import annotations

import ast
import importlib.util
import textwrap
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from interlock.changes.formal.definitions import moved
from interlock.changes.guards.atoms import bounds, names
from interlock.changes.guards.loss import Loss, Sign
from interlock.changes.guards.replaced import Stands

MISSING = "the prover (z3-solver, the extra `prove`) is not installed: no guard was discharged by proof"


def available() -> bool:
    """Whether proofs can be made."""
    return importlib.util.find_spec("z3") is not None


class Judged(NamedTuple):
    """A loss with what the prover knows of it: the answer (`PROVED`, `WEAKER`, `INCONCLUSIVE`, "" where it was not
    asked), what to say of it, and the proof's SMT-LIB text."""

    loss: Loss
    answer: str = ""
    said: str = ""
    proof: str = ""

    @property
    def looser(self) -> bool:
        """Whether a bound is proved to let in more than before: that needs no word to be a loss."""
        return self.answer == "WEAKER" and self.loss.conditions is not None and bounds(*self.loss.conditions)


def judged(loss: Loss) -> Judged:
    """Ask the prover; a guard that gave way to a weaker one is a loss of its own kind after that."""
    asked = _asked(loss, loss.conditions) if available() else Judged(loss)
    if asked.answer == "PROVED" or loss.stands is None:
        return asked
    if loss.stands is Stands.WEAKER:
        return asked._replace(loss=msgspec.structs.replace(loss, sign=Sign.REPLACED))
    # Where it stands may be another place; what counts is whether it refuses less there.
    alone = _asked(loss, loss.alone) if available() else asked
    if alone.answer == "PROVED":
        return alone if loss.conditions is None else asked._replace(loss=msgspec.structs.replace(loss, stands=None))
    if alone.answer == "WEAKER" and loss.stands is Stands.PROVABLE:
        return alone._replace(loss=msgspec.structs.replace(loss, sign=Sign.REPLACED))
    return asked


def _asked(loss: Loss, conditions: tuple[str, str] | None) -> Judged:
    from interlock.changes.formal.implication import Answer, implied

    if conditions is None:
        return Judged(loss)
    old, new = conditions
    known = frozenset(n for n in names(old) | names(new) if n.isidentifier())
    got = implied(old, new, annotated=_annotated(loss.sources), moved=moved(*loss.sources, known))
    if got.answer is Answer.WEAKER:
        example = ", ".join(f"{name} = {value!r}" for name, value in sorted(got.example.items()))
        return Judged(loss, got.answer.value, f"The base refused {example or 'it'} and this does not.", got.proof)
    if got.answer is Answer.PROVED:
        said = "It is proved that what stands there now refuses all that it did."
        return Judged(loss, got.answer.value, said, got.proof)
    return Judged(loss, got.answer.value, f"The prover does not know: {got.reason}.")


def _annotated(sources: tuple[str, str]) -> Mapping[str, str]:
    """What both versions of a Python function say of their parameters' types, where they say the same."""
    found: list[dict[str, str]] = []
    for source in sources:
        try:
            tree = ast.parse(textwrap.dedent(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {}
        first = tree.body[0] if tree.body else None
        if not isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef):
            return {}
        given = first.args
        found.append(
            {
                a.arg: a.annotation.id
                for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)
                if isinstance(a.annotation, ast.Name)
            }
        )
    return {name: kind for name, kind in found[0].items() if found[1].get(name) == kind}
