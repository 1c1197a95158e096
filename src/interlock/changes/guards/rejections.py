"""Refusals of one function that are gone, and what stands in their place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from interlock.changes.guards import marks, verbs
from interlock.changes.guards.atoms import atoms, kinds, signs, variables
from interlock.changes.guards.bindings import spelt
from interlock.changes.guards.guard import REJECTIONS, Guard, Kind
from interlock.changes.guards.loosenings import missing_passes
from interlock.changes.guards.loss import Loss, Sign
from interlock.changes.guards.needless import needless
from interlock.changes.guards.replaced import (
    Stands,
    exact,
    only_where,
    stands,
    unmeasured,
)
from interlock.changes.guards.sides import MOST_REJECTIONS, Sides, matched, whole_condition

_LOOP = re.compile(r"\b(?:while|for)\b")


class Rejections(Sides):
    """One function before and after, by what it refuses and what it leaves early for."""

    def _rejections(self) -> list[Loss]:
        lost = [g for g in self._lost if g.kind in REJECTIONS]
        gained = [g for g in self._gained if g.kind in (*REJECTIONS, Kind.CONDITION)]
        found = []
        changed, gone = matched(lost, gained)
        fewer_refusals = _refusals(lost) - _refusals(gained)
        told = [g for g in self._gained if g.family == "told"]
        only = {guard.key: _same(guard, told) for guard in lost if guard.family in ("refuse", "nothing", "passed on")}
        found += [self._loss(Sign.EXIT, g, instead=only[g.key], passed=True) for g in lost if only.get(g.key)]
        changed = [(g, other) for g, other in changed if not only.get(g.key)]
        gone = [g for g in gone if not only.get(g.key)]
        for guard, other in changed:
            if self._moved(guard):
                continue
            if other.kind is Kind.CONDITION and self._covered(guard, same=True):
                continue
            if other.kind is Kind.CONDITION and (passed := self._passed_over(guard)):
                found += passed
                continue
            if fewer_refusals > 0 and guard.family == "refuse" != other.family and not self._still_tested(guard):
                fewer_refusals -= 1  # what stands there now refuses nothing
                found.append(self._loss(Sign.EXIT, guard, instead=other))
                continue
            if self._refuses_more(guard, other):
                continue
            left_out = self._left_out(guard, other) if other.kind in REJECTIONS else ""
            if left_out and guard.family in ("refuse", "nothing"):
                found.append(self._loss(Sign.MISSING, guard, instead=other, reason=left_out))
                continue
            missing = atoms(guard.condition) - self._atoms
            fewer = guard.condition and missing and not atoms(other.condition) - atoms(guard.condition)
            firm = guard.family in ("refuse", "nothing") or any(map(marks.telling, missing))
            found.append(
                self._loss(Sign.WEAKER, guard, instead=other) if fewer and firm else self._changed(guard, other)
            )
        for guard in gone:
            if self._moved(guard) or (guard.family == "end" and self._fewer_loops()):
                continue
            if guard.condition and self._still_tested(guard):
                found += self._passed_over(guard)
                continue
            if guard.condition and (self._covered(guard) or (not self._critical and needless(guard, self._after))):
                continue
            firm = guard.family in ("refuse", "nothing") or (guard.strong and guard.family != "passed on")
            found.append(self._loss(Sign.EXIT if firm else Sign.ANSWER, guard))
        return found

    def _left_out(self, guard: Guard, other: Guard) -> str:
        """What passes a refusal where it is missing, and did not pass the one that stood there."""
        old, new = guard.condition, other.condition
        if name := missing_passes(old, new):
            return name
        if not self._after.path.endswith((".py", ".pyi")):
            return ""
        return missing_passes(spelt(old, self._before.source), spelt(new, self._after.source))

    def _refuses_more(self, guard: Guard, other: Guard) -> bool:
        """Whether all that went is one of the things that had to hold for a refusal: `bad and old`, now `bad`."""
        if other.kind not in REJECTIONS or other.family not in (guard.family, "refuse") or not guard.condition:
            return False
        asked = atoms(guard.within or "True") | atoms(guard.condition)
        return only_where(other.condition, guard.condition) and atoms(other.within or "True") <= asked

    def _covered(self, guard: Guard, *, same: bool = False) -> bool:
        """Whether a refusal that came asks more about what this one's names are bound to; `same`: asks the same."""
        if not self._after.path.endswith((".py", ".pyi")):
            return False
        old = spelt(guard.condition, self._before.source)
        refusing = [g for g in self._gained if g.kind in REJECTIONS and g.family == "refuse" and g.condition]
        came = [
            g for g in self._gained if g.kind in REJECTIONS and g.condition and g.family in ("refuse", guard.family)
        ]
        now = [spelt(g.condition, self._after.source) for g in came]
        if any(only_where(old, one) for one in now):
            return False
        asked = [atoms(one) for one in now]
        if atoms(old) and atoms(old) <= frozenset().union(*asked):
            return True  # the same, with a name in between or without
        if same:
            return False
        if marks.places(old) and any(marks.nets(g.condition) for g in refusing):
            return True
        return any(stands(old, spelt(g.condition, self._after.source)) is Stands.STRONGER for g in refusing)

    def _fewer_loops(self) -> bool:
        """Whether a loop is gone whole: what does not go round need not end."""
        before, after = (len(_LOOP.findall(one.source)) for one in (self._before, self._after))
        return after < before

    def _passed_over(self, guard: Guard) -> list[Loss]:
        """A refusal whose condition only decides now whether something else is asked: the prover is to say."""
        refusing = [g for g in self._after.guards if g.kind in REJECTIONS]
        asked = frozenset().union(*(atoms(g.condition) for g in refusing if g.condition)) if refusing else frozenset()
        turned = any(g.kind is Kind.RAISE for g in self._gained)  # `if fine: return it`, and a refusal after that
        if guard.family != "refuse" or turned or not refusing or atoms(guard.condition) <= asked:
            return []
        loss = self._loss(Sign.CHANGED, guard)
        if loss.conditions is None:
            return []
        return [msgspec.structs.replace(loss, stands=Stands.PROVABLE, alone=loss.conditions, bare=True)]

    def _changed(self, guard: Guard, other: Guard) -> Loss:
        """A guard in whose place another one stands, with both conditions of refusal and what their words tell."""
        loss = self._loss(Sign.CHANGED, guard, instead=other)
        asks = verbs.authorising(guard.condition)
        if unasked := self._unasked(guard):
            return msgspec.structs.replace(loss, sign=Sign.KIND, reason=", ".join(sorted(unasked)))
        if guard.family == "nothing" and unmeasured(guard.condition, other.condition):
            return msgspec.structs.replace(loss, sign=Sign.WEAKER)
        if (
            guard.family not in ("refuse", "condition", "end")
            and not asks
            and not exact(guard.condition, other.condition)
        ):
            return loss
        old, new = guard.condition, other.condition
        if guard.kind is Kind.CONDITION:  # what it lets in
            old, new = f"not ({old})", f"not ({new})"
        rest = [whole_condition(g) for g in self._after.guards if g.kind in REJECTIONS and g.condition and g != other]
        return msgspec.structs.replace(
            loss,
            stands=stands(old, new),
            alone=(old, " or ".join(f"({one})" for one in (new, *rest[:MOST_REJECTIONS]))),
            bare=(asks and not verbs.authorising(new) and not marks.telling(new))
            or self._forgotten(guard)
            or self._asks_less(guard, other),
        )

    def _unasked(self, guard: Guard) -> frozenset[str]:
        """Of what nothing asks any more of which kind it is; none where others are asked about in its stead."""
        old, new = (frozenset().union(*map(kinds, some)) for some in (self._old_atoms, self._atoms))
        return kinds(guard.condition) - new if len(new) < len(old) else frozenset()

    def _forgotten(self, guard: Guard) -> bool:
        """Whether a refusal named who asks, and none of the function's conditions does any more."""
        if not verbs.somebody(guard.condition):
            return False
        return not any(verbs.somebody(g.condition) for g in self._after.guards if g.condition)

    def _asks_less(self, guard: Guard, other: Guard) -> bool:
        """Whether a refusal was about more than the one in its place, and no condition is about the rest any more."""
        old, new = variables(guard.condition), variables(other.condition)
        if guard.family != "refuse" or not new < old or marks.fixed(other.condition):
            return False
        every = frozenset().union(*(variables(g.condition) for g in self._after.guards if g.condition))
        return not (old - new) <= every

    def _unbound(self, guard: Guard) -> bool:
        """Whether it compared whose something is with who asks, and no condition of the function does any more."""
        rest = [g.condition for g in self._after.guards if g.condition]
        return marks.binding(guard.condition) and not any(marks.binding(c) or verbs.authorising(c) for c in rest)

    def _untimed(self, guard: Guard) -> bool:
        """Whether it compared a time with now, and no condition of the function does any more."""
        rest = [g.condition for g in self._after.guards if g.condition]
        return marks.timely(guard.condition) and not any(map(marks.timely, rest))


def _refusals(guards: Iterable[Guard]) -> int:
    return sum(g.family == "refuse" for g in guards)


def _same(guard: Guard, told: Sequence[Guard]) -> Guard | None:
    """Where the condition of a refusal is asked now by a branch that only says so, and goes on."""
    return (
        next((one for one in told if signs(one.condition) == signs(guard.condition)), None) if guard.condition else None
    )
