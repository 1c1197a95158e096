"""What a finding weighs in a function that the change makes stricter: it is told, and nobody is asked because of it.

A mend seldom takes an old hole away whole: `eval` comes behind a list of what it may be given, a signature that nobody
checked is compared, if in a telling time. Such a line is new, and all the same no reason to keep the mend out. A
function is stricter where it gained more protections than it lost, and lost none that the stage *guards* would ask
about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

import msgspec

from interlock.changes.change import Change, FileChange, Kind, Version
from interlock.changes.config import matches
from interlock.changes.finding import Finding, Weight
from interlock.changes.guards import files
from interlock.changes.guards.guard import Function, Unreadable, minus
from interlock.changes.guards.losing import losses
from interlock.changes.guards.weight import Weight as Form
from interlock.changes.guards.weight import decided

_ORDER = (Weight.NOTE, Weight.REVIEW, Weight.BLOCK)
# Rules about what stands in a program, whatever is done with it: of those one that stood in the function is no new one.
_STANDS = frozenset({"static/flow-key"})
_REMAINS = "The function had this before in another form, and the change makes it stricter."
_STOOD = "The function had one before."
_COMPARED = "The function checked nothing of the kind before: the change makes it stricter."


class Stricter:
    """The functions of a change that became stricter, looked up where a finding asks."""

    def __init__(self, change: Change) -> None:
        self._files = {
            file.after.path: file for file in change.files if file.before is not None and file.after is not None
        }
        self._critical = change.config.scope.critical
        self._read: dict[tuple[str, bool], list[Function]] = {}

    def remains(self, found: Iterable[Finding], gone: Iterable[Finding]) -> list[Finding]:
        """The new findings; one that stands for a graver or equal one that is `gone` from such a function is a note.

        Args:
            found: of the new version.
            gone: of the base, where the new version does not have them; paths as they were.
        """
        new = list(found)
        left = Counter((one.rule, self._was(one), one.weight) for one in gone) if new else Counter()
        return [self._weighed(one, left) for one in new]

    def compared(self, found: Iterable[Finding], rules: Collection[str]) -> list[Finding]:
        """The new findings; of these rules, each of which is about a check, one in such a function is a note.

        An error that is swallowed is one of a check where the function then answers: `return None`, and no `pass`.
        """
        return [
            _noted(one, _COMPARED)
            if one.rule in rules and ("swallowed" not in one.rule or "return" in one.anchor) and self._gains(one)
            else one
            for one in found
        ]

    def _weighed(self, one: Finding, left: Counter[tuple[str, str, Weight]]) -> Finding:
        name = self._now(one)
        stood = one.rule in _STANDS
        for weight in _ORDER[_ORDER.index(one.weight) :] if name and (stood or self._gains(one)) else ():
            key = (one.rule, name, weight)
            if left[key] > 0:
                left[key] -= 1
                return _noted(one, _STOOD if stood else _REMAINS)
        return one

    def _was(self, old: Finding) -> str:
        """The function that an old finding stood in, under the path that its file has now."""
        file = next((f for f in self._files.values() if f.before is not None and f.before.path == old.path), None)
        around = self._around(file, old.line, after=False) if file is not None else None
        return f"{file.path} {around.name}" if file is not None and around is not None else ""

    def _now(self, new: Finding) -> str:
        """The function that a new finding stands in."""
        file = self._files.get(new.path)
        around = self._around(file, new.line, after=True) if file is not None else None
        return f"{new.path} {around.name}" if around is not None else ""

    def _gains(self, new: Finding) -> bool:
        """Whether the function around a new finding was there before and is stricter now."""
        file = self._files.get(new.path)
        now = self._around(file, new.line, after=True) if file is not None else None
        if file is None or now is None:
            return False
        old = [one for one in self._functions(file, after=False) if one.name == now.name]
        if len(old) != 1 or [one.name for one in self._functions(file, after=True)].count(now.name) != 1:
            return False
        was = msgspec.structs.replace(old[0], path=now.path)
        more = len(minus(now.guards, was.guards)) > len(minus(was.guards, now.guards))
        critical = bool(matches(now.path, self._critical))
        return more and all(decided(one, critical=critical) is Form.NOTE for one in losses([was], [now]))

    def _around(self, file: FileChange, line: int, *, after: bool) -> Function | None:
        inside = [one for one in self._functions(file, after=after) if one.name and one.line <= line <= one.end]
        return max(inside, key=lambda one: one.line, default=None)

    def _functions(self, file: FileChange, *, after: bool) -> list[Function]:
        side = file.after if after else file.before
        key = (side.path if side else "", after)
        if key not in self._read:
            self._read[key] = _functions(side)
        return self._read[key]


def _functions(side: Version | None) -> list[Function]:
    """None where they cannot be read: then nothing is stricter, and the stage *guards* says that it could not look."""
    if side is None or side.kind is not Kind.TEXT or not files.readable(side.path):
        return []
    try:
        return files.functions(side.path, side.text)
    except Unreadable:
        return []


def _noted(one: Finding, why: str) -> Finding:
    return msgspec.structs.replace(one, weight=Weight.NOTE, why=f"{one.why} {why}".strip())
