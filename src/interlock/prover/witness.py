"""Concrete requests from formulas, as plain as can be: what a person reads must hold nothing that does not matter."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import z3

from interlock.model.decision import LADDER
from interlock.policy.notation import Situation
from interlock.policy.vocabulary import ATTRIBUTES, MOST
from interlock.prover.globs import GaveUp
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
    """One z3 solver over the symbols' axioms, and what is learnt of texts; bounded in time."""

    def __init__(self, symbols: Symbols, milliseconds: int, until: float = math.inf) -> None:
        """`milliseconds` for each check, and none after `until` (of the monotonic clock)."""
        self.symbols = symbols
        self.gave_up = ""  # why, where the last check came to no answer
        self._milliseconds = milliseconds
        self._until = until
        self._learnt = 0
        self._claims: list[Any] = []
        self._found: tuple[Any, dict[str, str]] | None = None
        self._solver = z3.Solver()
        self._solver.set("random_seed", 0)  # the same set gives the same counterexample
        self._solver.set("phase_selection", 0)  # no answer is yes that need not be: few patterns to match at once
        self._solver.add(*symbols.axioms)

    def check(self, *claims: Truth) -> bool | None:
        """Whether some request meets all of these; None where nobody knows."""
        terms = [term(claim) for claim in claims]
        stop = min(time.monotonic() + self._milliseconds / 1_000, self._until)
        while time.monotonic() < stop:
            self._learn()
            self._solver.set("timeout", max(1, round((stop - time.monotonic()) * 1_000)))
            answer = self._solver.check(*terms)
            if answer == z3.unsat:
                return False
            if answer == z3.unknown:
                self.gave_up = str(self._solver.reason_unknown())
                return None
            model = self._solver.model()
            try:
                texts = self.symbols.texts.read(model)
            except GaveUp as error:
                self.gave_up = str(error)
                return None
            if texts is not None:
                self._found, self._claims = (model, texts), terms
                return True
        self.gave_up = "timeout"
        return None

    def add(self, claim: Truth) -> None:
        """Only requests that meet this, from now on."""
        self._solver.add(term(claim))

    def needed(self, claims: Mapping[str, Truth]) -> list[str]:
        """Of claims that no request meets together, names of some that none meets either; not one can be left out.

        Those that come first are left out first.
        """
        kept = list(claims)
        marks = {name: z3.Bool(f"claim {name}") for name in claims}
        with self._aside():
            self._solver.add(*(z3.Implies(mark, term(claims[name])) for name, mark in marks.items()))
            for name in claims:
                rest = [one for one in kept if one != name]
                if self.check(*(marks[one] for one in rest)) is False:
                    kept = rest
        return kept

    def model(self) -> Any:
        """The request that the last check found, as z3 has it; None where nobody knows.

        What z3 left open of the texts is answered as the texts that were found answer it: whoever reads answers off the
        model, one by one, must not read what no text gives.
        """
        model, texts = self._last()
        answers = self.symbols.texts.answered(texts)
        if all(z3.is_true(model.eval(answer, model_completion=True)) for answer in answers):
            return model
        return self._solver.model() if self._solver.check(*self._claims, *answers) == z3.sat else None

    def plainest(self, *claims: Truth) -> Situation | None:
        """A request that meets these, with as many everyday values as they leave room for; None where none is found."""
        with self._aside():
            self._solver.add(*(term(claim) for claim in claims))
            if not self.check():
                return None
            for wish in self._wishes():
                if not z3.is_true(self._last()[0].eval(wish, model_completion=True)) and not self.check(wish):
                    continue
                self._solver.add(wish)
        return self.symbols.situation(*self._last())

    def _last(self) -> tuple[Any, dict[str, str]]:
        assert self._found is not None  # noqa: S101 - asked for only after a check that found one
        return self._found

    def _learn(self) -> None:
        learnt = self.symbols.texts.learnt
        self._solver.add(*learnt[self._learnt :])
        self._learnt = len(learnt)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """What is added inside is forgotten again."""
        self._learn()
        learnt = self._learnt
        self._solver.push()
        try:
            yield
        finally:
            self._solver.pop()
            self._learnt = learnt

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
                case Free(texts=texts):
                    yield from (texts.equal(path, plain) for plain in _PLAIN.get(path, ("",)))
                case Choice(words=words):
                    yield from (words[word] for word in _PLAIN.get(path, ()))
        yield from (self.symbols.verb.words[verb] for verb in _VERBS)


def _is(yes: Yes, known: Yes) -> Any:
    return z3.And(
        yes.count == known.count, yes.strong == known.strong, yes.distinct_from_owner == known.distinct_from_owner
    )
