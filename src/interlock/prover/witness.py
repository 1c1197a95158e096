"""Concrete requests from formulas, as plain as can be: what a person reads must hold nothing that does not matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import z3

from interlock.model.decision import LADDER
from interlock.policy.notation import Situation
from interlock.policy.vocabulary import ATTRIBUTES, MOST
from interlock.prover.symbols import Symbols, Yes
from interlock.prover.terms import Choice, Count, Flag, Free, Members, Truth, term

# Preferred, in this order: the everyday word of each vocabulary, and texts that mean nothing.
_PLAIN = {
    "context.containment": ("none",),
    "context.reversibility": ("reversible", "recoverable"),
    "context.breadth": ("one",),
    "resource.environment": ("workspace", "machine", "development", "unknown", "staging"),
    "resource.kind": ("file", "table", "host", "process"),
    "principal.agent": ("claude",),
    "resource.name": ("x", ""),
}
_VERBS = ("read", "write", "delete", "execute", "send")


class Solver:
    """One z3 solver over the symbols' axioms, bounded in time."""

    def __init__(self, symbols: Symbols, milliseconds: int) -> None:
        self.symbols = symbols
        self._solver = z3.Solver()
        self._solver.set("timeout", milliseconds)
        self._solver.set("random_seed", 0)  # the same set gives the same counterexample
        self._solver.add(*symbols.axioms)

    def check(self, *claims: Truth) -> bool | None:
        """Whether some request meets all of these; None where z3 gave up."""
        answer = self._solver.check(*(term(claim) for claim in claims))
        return None if answer == z3.unknown else bool(answer == z3.sat)

    def add(self, claim: Truth) -> None:
        """Only requests that meet this, from now on."""
        self._solver.add(term(claim))

    def needed(self, claims: Mapping[str, Truth]) -> list[str]:
        """Of claims that no request meets together, names of some that none meets either; not one can be left out.

        Those that come first are left out first.
        """
        marks = {z3.Bool(f"claim {name}"): name for name in claims}
        self._solver.push()
        self._solver.add(*(z3.Implies(mark, term(claims[name])) for mark, name in marks.items()))
        by_name = {name: mark for mark, name in marks.items()}
        kept = list(by_name.values())
        for mark in list(kept):
            rest = [one for one in kept if one is not mark]
            if self._solver.check(*rest) == z3.unsat:
                kept = rest
        self._solver.pop()
        return [marks[mark] for mark in kept]

    @property
    def gave_up(self) -> str:
        """Why z3 gave up."""
        return str(self._solver.reason_unknown())

    def model(self) -> Any:
        """The request that the last check found."""
        return self._solver.model()

    def plainest(self, *claims: Truth) -> Situation:
        """A request that meets these (they can be met), with as many everyday values as they leave room for."""
        self._solver.push()
        self._solver.add(*(term(claim) for claim in claims))
        self.check()
        model = self.model()
        for wish in self._wishes():
            if not z3.is_true(model.eval(wish, model_completion=True)):
                if not self.check(wish):
                    continue
                model = self.model()
            self._solver.add(wish)
        self._solver.pop()
        return self.symbols.situation(model)

    def _wishes(self) -> Iterator[Any]:
        yes = self.symbols.yes
        rungs = [_is(yes, Yes.of(approval)) for _, approval in LADDER]
        yield z3.Or(*rungs)
        yield from rungs
        for attribute in ATTRIBUTES:
            path, value = attribute.path, self.symbols.values[attribute.path]
            match value:
                case Members(members=members):
                    yield from (z3.Not(present) for _, present in members)
                case Flag(truth=truth):
                    yield z3.Not(truth)
                case Count(number=number):
                    # The number that nobody need say: one where one thing is touched, else no known bound.
                    one = self.symbols.values["context.breadth"]
                    if isinstance(one, Choice):
                        yield z3.If(one.words["one"], number == 1, number == MOST)
                    yield number == 1
                case Free(term=text):
                    yield from (text == plain for plain in _PLAIN.get(path, ("",)))
                case Choice(words=words):
                    yield from (words[word] for word in _PLAIN.get(path, ()))
        yield from (self.symbols.verb.words[verb] for verb in _VERBS)


def _is(yes: Yes, known: Yes) -> Any:
    return z3.And(
        yes.count == known.count, yes.strong == known.strong, yes.distinct_from_owner == known.distinct_from_owner
    )
