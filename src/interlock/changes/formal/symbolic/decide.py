"""Whether two versions of a function can be told apart: one question to z3 for each combination of kinds of arguments.

A no is a proof within what is stated as its bound, and its SMT-LIB text goes with it. A yes is an example that nobody
should believe before both versions were run on it. Pure but for the clock.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import z3

from interlock.changes.formal.symbolic.arguments import Shape, bound, rows, value
from interlock.changes.formal.symbolic.paths import TURNS, End, Program
from interlock.changes.formal.symbolic.values import Beyond, Raised, Value, lowered, same

_LONGEST = 1 << 18  # characters of a proof that is kept: what is too long to be kept is not called proved
_PAIRS = 4_000  # of ends


class Decided(NamedTuple):
    """`answer`: `PROVED`, with its `bound` and `proof`; `EXAMPLE`, with `given` (name -> literal); or `OPEN`, with a
    reason."""

    answer: str
    reason: str = ""
    given: dict[str, str] = {}  # noqa: RUF012 - a tuple's default; nobody changes it
    bound: str = ""
    proof: str = ""


def decide(name: str, sides: tuple[str, str], kinds: Mapping[str, str], *, seconds: float, loosened: bool) -> Decided:
    """Ask whether the two programs' functions of this name differ.

    Args:
        name: the function.
        sides: the programs that define the old and the new one.
        kinds: parameter -> annotation.
        seconds: for all of it.
        loosened: ask only for what the old one refuses and the new one does not.
    """
    until = time.monotonic() + seconds
    proofs, why, cut = [], "", False
    try:
        for row in rows(kinds):
            asked = _row(name, sides, row, until, loosened)
            if asked.given:
                return Decided("EXAMPLE", given=asked.given)
            cut = cut or asked.cut
            why = why or asked.why
            proofs.append(asked.proof)
        limits = bound(kinds) + (f"; loops and recursion of up to {TURNS} turns" if cut else "")
    except Beyond as error:
        return Decided("OPEN", str(error))
    except (RecursionError, MemoryError, z3.Z3Exception) as error:
        return Decided("OPEN", f"the prover gave up ({type(error).__name__})")
    proof = "\n".join(proofs)
    if why or len(proof) > _LONGEST:
        return Decided("OPEN", why or "its proof is too long to be kept")
    return Decided("PROVED", bound=limits, proof=proof)


class _Asked(NamedTuple):
    given: dict[str, str]
    why: str = ""
    cut: bool = False
    proof: str = ""


def _row(name: str, sides: tuple[str, str], row: Mapping[str, Shape], until: float, loosened: bool) -> _Asked:
    axioms: list[Any] = []
    given = {word: value(word, shape, axioms) for word, shape in row.items()}
    try:
        old, new = (Program(source, until=until).ends(name, given) for source in sides)
    except Beyond as error:
        return _Asked({}, str(error))
    cut = any(end.how == "cut" for end in (*old, *new))
    both = [(a, b) for a in old for b in new if "cut" not in (a.how, b.how)]
    if not both:
        return _Asked({}, "every path through it goes on for too long")
    if len(both) > _PAIRS:
        return _Asked({}, "it has too many paths")
    solver = z3.Solver()
    solver.set("timeout", max(1, int(1000 * (until - time.monotonic()))))
    solver.add(*axioms, z3.Or(*[z3.And(*a.state.where, *b.state.where, _apart(a, b, loosened)) for a, b in both]))
    text = solver.to_smt2()
    status = solver.check()
    if status == z3.unknown:
        return _Asked({}, "z3 needed too long")
    if status == z3.unsat:
        return _Asked({}, cut=cut, proof=text)
    model = solver.model()
    return _Asked({word: repr(lowered(model, one)) for word, one in given.items()})


def _apart(one: End, other: End, loosened: bool) -> Any:
    """Whether two ends can be told apart, as a formula."""
    if isinstance(one.to, Value) and isinstance(other.to, Value):
        return z3.BoolVal(False) if loosened else z3.Not(same(one.to, other.to))
    if isinstance(one.to, Raised) and isinstance(other.to, Raised):
        return z3.BoolVal(not loosened and one.to != other.to)
    return z3.BoolVal(not loosened or isinstance(one.to, Raised))
