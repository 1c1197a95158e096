"""Every possible request at once: one symbol for each thing that policy may know, and what is guaranteed of them.

The space is what `interlock.policy.request` can encode, no more: verbs, kinds and the other closed vocabularies with
their words (the engine denies a request that holds any other word), counts from 0 to the largest Cedar Long, any text
where any text may stand. What holds between attributes is an axiom here and a line of code there: a resource under
the label `frozen` is under a freeze (`vocabulary.is_frozen`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import z3

from interlock.model.action import Principal
from interlock.model.decision import Approval, Context
from interlock.model.effect import Breadth, Effect, Environment, Kind, Known, Resource, Reversibility, Scale, Verb
from interlock.model.labels import FROZEN
from interlock.policy.notation import Situation
from interlock.policy.vocabulary import ATTRIBUTES, MOST, Attribute, Type
from interlock.prover.terms import Choice, Count, Flag, Free, Members, Value, either, no, term
from interlock.prover.texts import Texts

_PEOPLE = 9  # more people than any approval asks for


@dataclass(frozen=True)
class Yes:
    """What people have said: symbols, or the constants of one rung."""

    count: Any
    strong: Any
    distinct_from_owner: Any

    @classmethod
    def of(cls, approval: Approval) -> Yes:
        """A known approval."""
        return cls(approval.count, approval.strong, approval.distinct_from_owner)

    def at_least(self, other: Yes) -> Any:
        """Whether this says everything that `other` says."""
        pairs = ((self.strong, other.strong), (self.distinct_from_owner, other.distinct_from_owner))
        return z3.And(self.count >= other.count, *(term(either(mine, no(theirs))) for mine, theirs in pairs))


class Symbols:
    """The symbols of one proof. `axioms` go into every solver."""

    def __init__(self) -> None:
        self.axioms: list[Any] = []
        self.texts = Texts()
        self.verb = self._choice("action", [verb.value for verb in Verb])
        self.values: dict[str, Value] = {attribute.path: self._value(attribute) for attribute in ATTRIBUTES}
        self.frozen = z3.Bool("context.frozen")
        self.axioms.append(z3.Implies(z3.Bool(f"resource.labels {FROZEN}"), self.frozen))
        self.yes = self.approval("")

    def approval(self, mark: str) -> Yes:
        """Any approval; `mark` tells several apart."""
        count = z3.Int(f"approval.count{mark}")
        self.axioms.append(z3.And(count >= 0, count <= _PEOPLE))
        return Yes(count, z3.Bool(f"approval.strong{mark}"), z3.Bool(f"approval.distinct_from_owner{mark}"))

    def is_verb(self, verbs: Iterable[Verb]) -> Any:
        """Whether the action is one of these verbs."""
        wanted = set(verbs)
        if wanted == set(Verb):
            return True
        return z3.Or(*(self.verb.words[verb.value] for verb in sorted(wanted)))

    def _choice(self, name: str, words: Iterable[str]) -> Choice:
        found = {word: z3.Bool(f"{name} {word}") for word in sorted(words)}
        self.axioms.append(z3.PbEq([(flag, 1) for flag in found.values()], 1))
        return Choice(found)

    def _value(self, attribute: Attribute) -> Value:
        name = attribute.path
        match attribute.type:
            case Type.STRING:
                return Free(name, self.texts) if attribute.words is None else self._choice(name, attribute.words)
            case Type.STRINGS:
                words = sorted(attribute.words or ())
                return Members(tuple((Choice({word: True}), z3.Bool(f"{name} {word}")) for word in words))
            case Type.LONG:
                number = z3.Int(name)
                self.axioms.append(z3.And(number >= 0, number <= MOST))
                return Count(number)
            case Type.BOOL:
                return Flag(z3.Bool(name))

    def situation(self, model: Any, texts: Mapping[str, str]) -> Situation:
        """The request that a model and these texts stand for."""
        value = {attribute.path: _read(model, self.values[attribute.path], texts) for attribute in ATTRIBUTES}
        breadth = Breadth(value["context.breadth"])
        count, known = value["context.count"], value["context.count_known"]
        unsaid = not known and count == (1 if breadth is Breadth.ONE else MOST)
        environment = Environment(value["resource.environment"])
        return Situation(
            principal=Principal(
                **{a.name: value[a.path] for a in ATTRIBUTES if a.variable == "principal"},
            ),
            effect=Effect(
                verb=Verb(_read(model, self.verb, texts)),
                resource=Resource(
                    Kind(value["resource.kind"]), value["resource.name"], tuple(sorted(value["resource.labels"]))
                ),
                environment=environment,
                reversibility=Reversibility(value["context.reversibility"]),
                scale=Scale(
                    breadth=breadth,
                    count=None if unsaid else count,
                    known=Known.COUNT if known else Known.UNKNOWN,
                ),
                taint=tuple(sorted(value["context.taint"])),
                via=value["context.via"],
            ),
            context=Context(
                containment=value["context.containment"],
                frozen=(environment.value,) if value["context.frozen"] else (),
                freeze_reason="a counterexample" if value["context.frozen"] else "",
            ),
            approval=Approval(
                count=model.eval(self.yes.count, model_completion=True).as_long(),
                strong=_true(model, self.yes.strong),
                distinct_from_owner=_true(model, self.yes.distinct_from_owner),
            ),
        )


def _read(model: Any, value: Value, texts: Mapping[str, str]) -> Any:
    match value:
        case Choice(words=words):
            return next(word for word, is_word in words.items() if _true(model, is_word))
        case Free(path=path):
            return texts.get(path, "")  # nothing is asked of it: any text does
        case Members(members=members):
            here = (member for member, present in members if _true(model, present))
            return tuple(next(iter(member.words)) for member in here if isinstance(member, Choice))
        case Flag(truth=truth):
            return _true(model, truth)
        case Count(number=number):
            return model.eval(number, model_completion=True).as_long()


def _true(model: Any, truth: Any) -> bool:
    return truth if isinstance(truth, bool) else bool(z3.is_true(model.eval(truth, model_completion=True)))
