"""Proving: each law and each property of a set, for every possible request, or a request that breaks it.

A request that z3 finds is evaluated by Cedar itself before anybody sees it; should the two disagree, the answer is
"unknown", and it says so. What has no translation is unknown too: nothing is proved unless all policies were looked at
that may hold, or fail, for the verbs that it is about.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

import msgspec

from interlock.policy.notation import Situation
from interlock.policy.properties import LAWS, Property
from interlock.policy.rules import BASE_LAYERS, Rule
from interlock.prover import concrete
from interlock.prover.encoded import Encoder
from interlock.prover.symbols import Symbols
from interlock.prover.terms import Truth, Untranslated, both, either, no, some
from interlock.prover.witness import Solver

MILLISECONDS = 10_000  # for one property; the packaged ones take some tens


class Outcome(StrEnum):
    """What became of one property."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    VACUOUS = "vacuous"  # no request is what it is about: it promises nothing


class Result(msgspec.Struct, frozen=True):
    """One property: `request` breaks it, `rules` are the policies that decided there, `reason` says why it is open."""

    id: str
    why: str
    outcome: Outcome
    milliseconds: int = 0
    request: Situation | None = None
    rules: tuple[str, ...] = ()
    reason: str = ""


class Prover:
    """Proofs about sets of rules over one set of symbols; rules that several sets share are translated once."""

    def __init__(self, *, milliseconds: int = MILLISECONDS) -> None:
        self._milliseconds = milliseconds
        self._symbols = Symbols()
        self._greater = self._symbols.approval("'")
        self._symbols.axioms.append(self._greater.at_least(self._symbols.yes))
        self._encoder = Encoder(self._symbols)
        self._subjects: dict[tuple[str, str], tuple[Property, Truth | Result]] = {}
        self._kept: dict[tuple[str, str, tuple[int, ...]], Property] = {}  # with the rules of which they are proved

    def prove(
        self, rules: Sequence[Rule], properties: Sequence[Property], older: Sequence[Rule] | None = None
    ) -> Iterator[Result]:
        """The laws, then the properties; with `older` also that nothing more is permitted than there."""
        yield self._law("no-policy-errs", rules, lambda: self._errs(rules), lambda s: _errs(rules, s))
        yield self._law("forbid-wins", rules, lambda: self._forbidden(rules), lambda s: _forbidden(rules, s))
        yield self._law("approval-only-helps", rules, lambda: self._falls(rules), None)
        base = [rule for rule in rules if rule.layer in BASE_LAYERS]
        for law, other in (("layers-only-tighten", base if len(base) < len(rules) else None), ("nothing-more", older)):
            if other is not None:
                yield self._law(law, rules, self._more(rules, other), _more(rules, other))
        for one in properties:
            yield self._property(one, rules)

    def _law(
        self,
        law: str,
        rules: Sequence[Rule],
        broken: Callable[[], Truth],
        breaks: Callable[[Situation], bool] | None,
    ) -> Result:
        return self._result(law, LAWS[law], rules, broken, breaks or (lambda s: self._really_falls(rules, s)))

    def _property(self, one: Property, rules: Sequence[Rule]) -> Result:
        about = self._about(one)
        if isinstance(about, Result):
            return about

        # A policy holds, and fails, for its own verbs alone: whether the others are there changes nothing of this.
        mine = [rule for rule in rules if rule.verbs & one.verbs]
        key = (one.layer, one.id, tuple(map(id, mine)))
        if self._kept.get(key) is one:
            return Result(one.id, one.why, Outcome.PROVED)

        def broken() -> Truth:
            permitted = self._encoder.permitted(mine, self._symbols.yes)
            return both(about, permitted if one.form == "never" else no(permitted))

        def breaks(situation: Situation) -> bool:
            return concrete.concerns(one, situation) and concrete.permitted(rules, situation) is (one.form == "never")

        result = self._result(one.id, one.why, rules, broken, breaks)
        if result.outcome is Outcome.PROVED:
            self._kept[key] = one  # the encoder keeps these rules, so that their ids stay their own
        return result

    def _about(self, one: Property) -> Truth | Result:
        """The requests that a property is about, or why nothing can be said of it."""
        known = self._subjects.get((one.layer, one.id))
        if known is None or known[0] is not one:
            known = self._subjects[one.layer, one.id] = (one, self._subject(one))
        return known[1]

    def _subject(self, one: Property) -> Truth | Result:
        try:
            holding, failing = self._encoder.translator(self._symbols.yes).policy(one.policy, one.verbs)
        except Untranslated as error:
            return Result(one.id, one.why, Outcome.UNKNOWN, reason=f"it holds {error}")
        about = both(holding, no(failing))
        if self._solver().check(about) is False:
            return Result(one.id, one.why, Outcome.VACUOUS, reason="no request is what it is about")
        return about

    def _result(
        self,
        name: str,
        why: str,
        rules: Sequence[Rule],
        broken: Callable[[], Truth],
        breaks: Callable[[Situation], bool],
    ) -> Result:
        start = time.perf_counter()

        def result(outcome: Outcome, *, request: Situation | None = None, reason: str = "") -> Result:
            spent = round((time.perf_counter() - start) * 1_000)
            decided = tuple(sorted(concrete.ask(rules, request).diagnostics.reasons)) if request is not None else ()
            return Result(name, why, outcome, spent, request, decided, reason)

        try:
            claim = broken()
        except Untranslated as error:
            return result(Outcome.UNKNOWN, reason=str(error))
        solver = self._solver()
        found = solver.check(claim)
        if found is None:
            return result(Outcome.UNKNOWN, reason=f"z3 gave up ({solver.gave_up})")
        if not found:
            return result(Outcome.PROVED)
        request = solver.plainest(claim)
        if request is None:
            return result(Outcome.UNKNOWN, reason=f"z3 gave up ({solver.gave_up})")
        if not breaks(request):
            return result(
                Outcome.UNKNOWN,
                reason="the formula has a counterexample that Cedar does not confirm: report this as a fault",
            )
        return result(Outcome.REFUTED, request=request)

    def _solver(self) -> Solver:
        return Solver(self._symbols, self._milliseconds)

    def _errs(self, rules: Sequence[Rule]) -> Truth:
        return some(self._encoder.policy(rule, self._symbols.yes)[1] for rule in rules)

    def _forbidden(self, rules: Sequence[Rule]) -> Truth:
        yes = self._symbols.yes
        stopped = some(either(*self._encoder.policy(rule, yes)) for rule in rules if rule.effect == "forbid")
        return both(stopped, self._encoder.permitted(rules, yes))

    def _falls(self, rules: Sequence[Rule]) -> Truth:
        less = self._encoder.permitted(rules, self._symbols.yes)
        return both(less, no(self._encoder.permitted(rules, self._greater)))

    def _really_falls(self, rules: Sequence[Rule], situation: Situation) -> bool:
        """The greater approval of a model is not part of its situation: every one that there is, is tried."""
        from interlock.model.decision import Approval

        mine = situation.approval
        greater = (
            Approval(count, strong, distinct)
            for count in range(mine.count, 10)
            for strong in {mine.strong, True}
            for distinct in {mine.distinct_from_owner, True}
        )
        return concrete.permitted(rules, situation) and any(
            not concrete.permitted(rules, msgspec.structs.replace(situation, approval=more)) for more in greater
        )

    def _more(self, rules: Sequence[Rule], older: Sequence[Rule]) -> Callable[[], Truth]:
        yes = self._symbols.yes
        return lambda: both(self._encoder.permitted(rules, yes), no(self._encoder.permitted(older, yes)))


def _errs(rules: Sequence[Rule], situation: Situation) -> bool:
    return bool(concrete.ask(rules, situation).diagnostics.errors)


def _forbidden(rules: Sequence[Rule], situation: Situation) -> bool:
    stops = [rule for rule in rules if rule.effect == "forbid"]
    answer = concrete.ask(stops, situation)
    return bool(answer.diagnostics.reasons or answer.diagnostics.errors) and concrete.permitted(rules, situation)


def _more(rules: Sequence[Rule], older: Sequence[Rule]) -> Callable[[Situation], bool]:
    return lambda situation: concrete.permitted(rules, situation) and not concrete.permitted(older, situation)
