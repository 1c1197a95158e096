"""A policy set as formulas: for each policy when it holds and when it fails, and from these what the set permits."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.model.decision import LADDER, Rung
from interlock.policy.rules import Rule
from interlock.prover.symbols import Symbols, Yes
from interlock.prover.terms import Truth, Untranslated, both, either, no, some
from interlock.prover.translate import Translator

_SETS = 32  # whole sets remembered: a few properties are asked of the same one


class Encoder:
    """Translates the policies of several sets over the same symbols; the same policy is translated once."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self._translators: dict[Yes, Translator] = {}
        self._known: dict[tuple[int, Yes], tuple[Rule, tuple[Truth, Truth]]] = {}
        self._sets: dict[tuple[tuple[int, ...], Yes], Truth] = {}

    def policy(self, rule: Rule, yes: Yes) -> tuple[Truth, Truth]:
        """When the rule's policy holds and when it fails. Raises Untranslated, and names the rule."""
        key = (id(rule), yes)
        found = self._known.get(key)
        if found is None:
            try:
                made = self.translator(yes).policy(rule.policy, rule.verbs)
            except Untranslated as error:
                raise Untranslated(f"rule {rule.id} holds {error}") from None
            found = self._known[key] = (rule, made)  # the rule is kept, so that its id stays its own
        return found[1]

    def translator(self, yes: Yes) -> Translator:
        """The translator for this approval."""
        return self._translators.setdefault(yes, Translator(self.symbols, yes))

    def permitted(self, rules: Sequence[Rule], yes: Yes) -> Truth:
        """What the set permits under `yes`: some permit holds, no forbid does, and nothing fails."""
        key = (tuple(map(id, rules)), yes)
        if key not in self._sets:
            if len(self._sets) >= _SETS:
                self._sets.clear()
            self._sets[key] = self._permitted(rules, yes)
        return self._sets[key]

    def _permitted(self, rules: Sequence[Rule], yes: Yes) -> Truth:
        permits: list[Truth] = []
        stops: list[Truth] = []
        for rule in rules:
            holding, failing = self.policy(rule, yes)
            satisfied = both(holding, no(failing))
            (permits if rule.effect == "permit" else stops).append(satisfied)
            stops.append(failing)
        return both(some(permits), no(some(stops)))

    def rungs(self, rules: Sequence[Rule]) -> dict[Rung | None, Truth]:
        """For each answer (a rung of the ladder; None: denied) the requests that get it.

        As the engine walks the ladder: the first rung that permits; and where any later rung fails, none does.
        """
        found: dict[Rung | None, Truth] = {}
        before: Truth = False
        # The engine asks about the later rungs together: where one of them fails, none counts.
        later = [Yes.of(approval) for _, approval in LADDER[1:]]
        fails = some(self.policy(rule, yes)[1] for yes in later for rule in rules)
        for rung, approval in LADDER:
            allowed = self.permitted(rules, Yes.of(approval))
            found[rung] = both(allowed, no(before), True if rung is Rung.NONE else no(fails))
            before = either(before, found[rung])
        found[None] = no(before)
        return found
