"""One function before and after a change: its guards on both sides, and what every comparison of them asks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.changes.guards import verbs
from interlock.changes.guards.atoms import atoms, kind_of, names
from interlock.changes.guards.guard import REJECTIONS, Function, Guard, Kind, minus
from interlock.changes.guards.loss import Loss, Sign
from interlock.changes.guards.pairing import best
from interlock.changes.guards.renaming import renamed
from interlock.changes.guards.reworded import reworded
from interlock.changes.guards.surroundings import Surroundings
from interlock.changes.guards.vacant import vacant

MOST_REJECTIONS = 30  # of a function that the prover is asked about


class Sides:
    """One function before and after."""

    def __init__(self, before: Function, after: Function, around: Surroundings) -> None:
        before, after = around.asking(before, after)
        self._before = before
        self._after = after
        self._around = around
        self._lost = minus(before.guards, after.guards)
        self._gained = minus(after.guards, before.guards)
        if self._lost and self._gained:  # what is only called otherwise now is no loss
            lost = renamed(before, after, self._lost, self._gained, around.names)
            self._lost, self._gained = minus(lost, self._gained), minus(self._gained, lost)
        self._critical = verbs.critical((after.path, after.name))
        tested = [g for g in after.guards if g.condition]
        asked = [g for g in before.guards if g.condition]
        self._old_atoms = frozenset().union(*(atoms(g.condition) for g in asked)) if asked else frozenset()
        self._atoms = frozenset().union(*(atoms(g.condition) for g in tested)) if tested else frozenset()

    def _loss(self, sign: Sign, guard: Guard, **more: object) -> Loss:
        instead = more.get("instead")
        other = self._around.elsewhere(guard, self._after)
        return Loss(
            sign=sign,
            family=guard.family,
            path=self._after.path,
            function=self._after.name,
            line=instead.line if isinstance(instead, Guard) else self._after.line,
            was=guard.line,
            text=guard.text,
            instead=instead.text if isinstance(instead, Guard) else "",
            condition=guard.condition,
            conditions=None if more.get("passed") else self._conditions_of(guard),
            sources=(self._before.source, self._after.source),
            moved=f"{other.path}:{other.name}" if other else "",
            beside=other is not None and self._around.beside(other, self._after),
            critical=self._critical,
            reason=str(more.get("reason", "")),
        )

    def _conditions_of(self, guard: Guard) -> tuple[str, str] | None:
        """When the guard rejected, and when any of the new function's does that rejects as firmly."""
        if guard.kind not in REJECTIONS or not guard.condition:
            return None
        firm = {"refuse", "nothing", "skip"} | ({"end"} if guard.family == "end" else set())
        now = [
            whole_condition(g) for g in self._after.guards if g.kind in REJECTIONS and g.condition and g.family in firm
        ][:MOST_REJECTIONS]
        return whole_condition(guard), " or ".join(f"({one})" for one in now) or "False"

    def _moved(self, guard: Guard) -> bool:
        """Whether the guard still stands on the way: in a helper, in every caller, in a decorator."""
        around = self._around
        if (kind := kind_of(guard.condition)) and around.gone(kind):
            return True  # what it was for cannot be any more
        if not self._critical and vacant(guard, self._before, self._after):
            return True
        if guard.kind is Kind.LITERAL and around.has(guard, self._before, self._after):
            return True
        if reworded(guard, self._after, self._gained):
            return True
        return (around.leading(guard, self._after) or around.extracted(guard, self._before, self._after)) is not None

    def _still_tested(self, guard: Guard) -> bool:
        parts = atoms(guard.condition)
        return bool(parts) and parts <= self._atoms


def whole_condition(guard: Guard) -> str:
    return f"({guard.within}) and ({guard.condition})" if guard.within else guard.condition


def matched(lost: Sequence[Guard], gained: Sequence[Guard]) -> tuple[list[tuple[Guard, Guard]], list[Guard]]:
    """What a lost condition was changed into, by how much the two have in common; and the lost ones that are left."""
    candidates = []
    for i, guard in enumerate(lost):
        mine = names(guard.condition or guard.key)
        for j, other in enumerate(gained):
            theirs = names(other.condition or other.key)
            share = len(mine & theirs) / max(1, len(mine | theirs))
            if share > 0 or not mine:
                candidates.append((share + 0.1 * (guard.family == other.family), i, j))
    left = best(candidates)
    changed = [(guard, gained[left[i]]) for i, guard in enumerate(lost) if i in left]
    return changed, [guard for i, guard in enumerate(lost) if i not in left]
