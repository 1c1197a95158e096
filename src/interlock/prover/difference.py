"""What changes between two sets, exactly: every request whose answer differs, as a short list of kinds of requests.

For each pair of answers (a rung of the ladder, or denied) the requests that had the one and get the other are a
formula. It is covered by regions: conditions on what the changed policies look at, and on what the unchanged ones say
(which yes lifts all their forbids, which yes their permits want). Each region is as wide as it can be without leaving
the formula: a prime implicant, its words then widened one by one. When nothing is left uncovered, the regions are the
difference, no more and no less; each is confirmed by the engines on one of its requests.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import z3

from interlock.model.decision import LADDER, Decision, Rung, Verdict
from interlock.policy.engine import Engine
from interlock.policy.notation import Situation
from interlock.policy.rules import Rule
from interlock.policy.vocabulary import ATTRIBUTES
from interlock.prover.encoded import Encoder
from interlock.prover.prove import MILLISECONDS
from interlock.prover.symbols import Symbols, Yes
from interlock.prover.terms import Choice, Flag, Members, Truth, both, either, no, some, term
from interlock.prover.texts import Texts
from interlock.prover.witness import Solver

REGIONS = 64  # of one pair of answers; a person reads a dozen
SECONDS = 15.0  # for everything; a dozen changed rules among a hundred take three

Answer = Rung | None  # None: denied

# Of the rules that are in both sets: from which yes on none of them forbids, and from which yes on one permits.
OTHERS_STOP = "others stop until"
OTHERS_PERMIT = "others permit from"
NEVER = "never"


@dataclass(frozen=True)
class Region:
    """Requests that meet all of these: a word of each set of words, and each fact as it says."""

    words: tuple[tuple[str, tuple[str, ...]], ...]  # attribute -> the words that it may have
    facts: tuple[tuple[str, bool], ...]  # "resource.labels root" -> whether it is so
    example: Situation
    rules: tuple[tuple[str, ...], tuple[str, ...]]  # what decided on the example, before and after


@dataclass(frozen=True)
class Change:
    """Requests that had one answer and get another. `complete` says that `regions` are all of them."""

    before: Answer
    after: Answer
    regions: tuple[Region, ...]
    complete: bool
    reason: str = ""


class Differ:
    """Compares two sets of rules."""

    def __init__(self, old: Sequence[Rule], new: Sequence[Rule], *, seconds: float | None = None) -> None:
        """`seconds` for everything (SECONDS). Raises Untranslated."""
        self.symbols = Symbols()
        self._until = time.monotonic() + (SECONDS if seconds is None else seconds)
        self._encoder = Encoder(self.symbols)
        self._old, self._new = self._encoder.rungs(old), self._encoder.rungs(new)
        self._engines = (Engine(old, "old"), Engine(new, "new"))
        both_sets = {_said(rule) for rule in old} & {_said(rule) for rule in new}
        changed = [rule for rule in (*old, *new) if _said(rule) not in both_sets]
        mentions = {path for rule in changed for path in rule.mentions}
        looked_at = {path: value for path, value in self.symbols.values.items() if path in mentions}
        self._choices = {path: value for path, value in reversed(looked_at.items()) if isinstance(value, Choice)}
        self._choices |= {"action": self.symbols.verb}
        self._choices |= self._others([rule for rule in old if _said(rule) in both_sets])
        self._facts = dict(self._flags(mentions, changed))
        self._any = self._solver(self._until)

    def _solver(self, until: float) -> Solver:
        return Solver(self.symbols, MILLISECONDS, until)

    def _others(self, rules: Sequence[Rule]) -> dict[str, Choice]:
        """What the unchanged rules say of a request: from which rung on none forbids it, and from which one permits."""
        stops: dict[str, Truth] = {}
        permits: dict[str, Truth] = {}
        stopping: Truth = True
        permitting: Truth = False
        for rung, approval in LADDER:
            yes = Yes.of(approval)
            held: dict[str, list[Truth]] = {"permit": [], "forbid": []}
            for rule in rules:
                holding, failing = self._encoder.policy(rule, yes)
                held[rule.effect].append(both(holding, no(failing)))
                held["forbid"].append(failing)
            stopped, permitted = some(held["forbid"]), some(held["permit"])
            stops[rung.value] = both(stopping, no(stopped))
            permits[rung.value] = both(no(permitting), permitted)
            stopping, permitting = both(stopping, stopped), either(permitting, permitted)
        return {
            OTHERS_STOP: Choice(stops | {NEVER: stopping}),
            OTHERS_PERMIT: Choice(permits | {NEVER: no(permitting)}),
        }

    def changes(self) -> Iterator[Change]:
        """Every pair of answers between which some request moves."""
        pairs = [
            (before, after, both(had, gets))
            for before, had in self._old.items()
            for after, gets in self._new.items()
            if before is not after
        ]
        moving = [pair for pair in pairs if self._any.check(pair[2]) is not False]
        for place, (before, after, formula) in enumerate(moving):
            # No pair takes the time of those after it.
            now = time.monotonic()
            yield self._change(before, after, formula, now + (self._until - now) / (len(moving) - place))

    def formula(self, region: Region) -> Truth:
        """The requests of a region."""
        return self._formula({path: set(mine) for path, mine in region.words}, dict(region.facts))

    def _flags(self, mentions: Set[str], changed: Sequence[Rule]) -> Iterator[tuple[str, Any]]:
        """What is true or false of a request: labels, taints, flags, and what is asked of its texts and counts."""
        for attribute in ATTRIBUTES:
            value = self.symbols.values[attribute.path]
            if attribute.path not in mentions:
                continue
            if isinstance(value, Members):
                for member, present in value.members:
                    assert isinstance(member, Choice)  # noqa: S101 - a set of the request holds words
                    yield f"{attribute.path} {next(iter(member.words))}", present
            elif isinstance(value, Flag):
                yield attribute.path, value.truth
        seen: dict[str, Any] = {}
        for rule in changed:
            for _, approval in LADDER:
                for formula in self._encoder.policy(rule, Yes.of(approval)):
                    for atom in atoms(term(formula), self.symbols.texts):
                        seen.setdefault(written(atom), atom)
        yield from sorted(seen.items())

    def _change(self, before: Answer, after: Answer, formula: Truth, until: float) -> Change:
        inside, outside = self._solver(until), self._solver(until)
        inside.add(formula)
        outside.add(no(formula))
        regions: list[Region] = []
        reason = ""
        while (found := inside.check()) and not reason:
            if len(regions) == REGIONS:
                reason = f"more than {REGIONS} kinds of requests"
            elif isinstance(region := self._region(before, after, inside, outside), str):
                reason = region
            else:
                regions.append(region)
                inside.add(no(self.formula(region)))
        if found is None:
            reason = f"z3 gave up ({inside.gave_up})"
        return Change(before, after, tuple(sorted(self._irredundant(regions), key=_simplest)), not reason, reason)

    def _region(self, before: Answer, after: Answer, inside: Solver, outside: Solver) -> Region | str:
        """A region around the request that `inside` has found, or why there is none."""
        model = inside.model()
        if model is None:
            return "z3 gave up (on the texts of a request)"
        conditions = self._widest(model, outside)
        if conditions is None:
            return f"z3 gave up ({outside.gave_up or 'what the changed rules look at does not settle it'})"
        words, facts = conditions
        example = inside.plainest(self._formula(words, facts))
        if example is None:
            return f"z3 gave up ({inside.gave_up})"
        said = [engine.decide(example.principal, [example.effect], example.context) for engine in self._engines]
        if [_answer(decision) for decision in said] != [before, after]:
            return "the formula has a request on which the engine does not agree: report this as a fault"
        every = {path: tuple(sorted(mine)) for path, mine in words.items()}
        order = list(self._choices)
        return Region(
            tuple(sorted(every.items(), key=lambda pair: order.index(pair[0]))),
            tuple(sorted(facts.items(), key=lambda pair: (not pair[1], pair[0]))),
            example,
            (said[0].rules, said[1].rules),
        )

    def _irredundant(self, regions: list[Region]) -> tuple[Region, ...]:
        """Without those that the others cover: a later, wider region may hold an earlier one."""
        kept = list(regions)
        for region in regions:
            others = [one for one in kept if one is not region]
            if others and self._any.check(self.formula(region), no(some(map(self.formula, others)))) is False:
                kept = others
        return tuple(kept)

    def _widest(self, model: Any, outside: Solver) -> tuple[dict[str, set[str]], dict[str, bool]] | None:
        """The conditions that keep the model's request inside, and no more of them than are needed."""
        literals: dict[str, Any] = {}
        words: dict[str, str] = {}
        for path, choice in self._choices.items():
            word = next(w for w, is_word in choice.words.items() if z3.is_true(model.eval(term(is_word), True)))
            words[path], literals[path] = word, choice.words[word]
        facts = {name: bool(z3.is_true(model.eval(fact, True))) for name, fact in self._facts.items()}
        # What comes last is kept first: what the other rules say makes a region wide, and few of them.
        literals = {name: fact if facts[name] else no(fact) for name, fact in self._facts.items()} | literals
        if outside.check(*literals.values()) is not False:
            return None
        kept = outside.needed(literals)
        wide = {path: {words[path]} for path in kept if path in words}
        firm = [literals[name] for name in kept if name not in wide]
        for path, mine in wide.items():
            rest = [*firm, *(self._one_of(other, wide[other]) for other in wide if other != path)]
            for word, is_word in self._choices[path].words.items():
                if word not in mine and outside.check(*rest, is_word) is False:
                    mine.add(word)
        for path, mine in wide.items():
            rest = [*firm, *(self._one_of(other, wide[other]) for other in wide if other != path)]
            mine -= {word for word in mine if self._any.check(*rest, self._choices[path].words[word]) is False}
        return wide, {name: facts[name] for name in kept if name in facts}

    def _one_of(self, path: str, words: set[str]) -> Truth:
        return some(self._choices[path].words[word] for word in sorted(words))

    def _formula(self, words: dict[str, set[str]], facts: dict[str, bool]) -> Truth:
        parts = [self._one_of(path, mine) for path, mine in words.items()]
        parts += [self._facts[name] if so else no(self._facts[name]) for name, so in facts.items()]
        return both(*parts)


def _simplest(region: Region) -> tuple[object, ...]:
    """By this the regions of a change are told: those of few conditions first, in whatever order they were found."""
    return len(region.words) + len(region.facts), region.words, region.facts


def _answer(decision: Decision) -> Answer:
    return None if decision.verdict is Verdict.DENY else decision.rung


def _said(rule: Rule) -> tuple[object, ...]:
    """What a rule decides, without its name and annotations."""
    return rule.effect, rule.verbs, rule.policy.principal, rule.policy.resource, rule.policy.clauses


def atoms(formula: Any, texts: Texts) -> Iterator[Any]:
    """The parts of a formula that ask something of a text or a number."""
    seen: set[int] = set()
    stack = [formula]
    while stack:
        part = stack.pop()
        if part.get_id() in seen:
            continue
        seen.add(part.get_id())
        children = part.children()
        asks = not all(z3.is_bool(child) for child in children) if children else part.decl().name() in texts.names
        if z3.is_bool(part) and asks:
            yield part
        else:
            stack.extend(children)


def written(atom: Any) -> str:
    """An atom as a policy would write it: `resource.name like "hooks*"`, `context.count > 100`."""
    return str(atom.decl().name()) if z3.is_const(atom) else " ".join(str(atom).split())
