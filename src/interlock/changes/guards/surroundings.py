"""Where the guards of a change came to, and who calls whom in its new version. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from interlock.changes.guards.atoms import names
from interlock.changes.guards.guard import REJECTIONS, Function, Guard, Kind, minus
from interlock.changes.guards.inlining import helpers, inlined
from interlock.changes.guards.members import members, opened
from interlock.changes.guards.pairing import Pair
from interlock.changes.guards.renaming import Names

_GROUPS: Mapping[Kind, str] = {
    **dict.fromkeys(REJECTIONS, "rejection"),
    Kind.CALL: "call",
    Kind.DECORATOR: "decorator",
    Kind.HOLD: "hold",
}
_FILTER = re.compile(r"\.filter\(|\bfor\b[^\n\])}]{0,100}\bin\b[^\n]{0,200}\bif\b")
_READ = re.compile(
    r"(?:\b(?:self|this)\.[#\w]+|(?:(?<=\.\.\.)|(?<![\w.$]))[A-Za-z_$][\w$]*)(?=\.(?:get|values|find|items|filter|entries|has)\(|\[)"
)
_MOST_STEPS = 3  # calls from where a guard stood to where it stands now


class Surroundings:
    """Where guards came to in the whole change, and who calls whom in the new version."""

    def __init__(
        self, changed: Sequence[Pair], before: Sequence[Function], after: Sequence[Function],
        used: Callable[[str], bool],
    ) -> None:  # fmt: skip
        self._used = used
        self.names = Names(before, after, used)
        self._answers = helpers(before), helpers(after)
        self._gained: dict[tuple[Kind, str, str], list[Function]] = defaultdict(list)
        self._helpers: dict[str, list[tuple[Function, list[Guard]]]] = defaultdict(list)
        self._callers: dict[str, list[Function]] = defaultdict(list)
        self._refusing = _refusing(before) & _refusing(after)
        self._words = _words(before), _words(after)
        self._texts = tuple({one.path: one.source for one in some if not one.name} for some in (before, after))
        self._calling: dict[str, list[Function]] = defaultdict(list)
        self.given_up: set[str] = set()  # lists of what is kept out, in whose place one of what is let in is asked now
        self._kinds = {part for one in before for part in one.name.split(".")[:-1]}
        self._written = {part for one in after for part in (*one.name.split("."), *one.words)}
        self._properties = {f.short for f in after if any("property" in one for one in f.decorators)}
        self._touched = {pair.after.short for pair in changed if pair.after is not None}
        for pair in changed:
            if pair.after is None:
                continue
            gained = minus(pair.after.guards, pair.before.guards if pair.before else ())
            for guard in gained:
                self._gained[guard.identity].append(pair.after)
            if pair.before is not None and gained:
                self.given_up |= _given_up(minus(pair.before.guards, pair.after.guards), gained)
                if _lets_in(gained):
                    self.given_up |= {w for w in pair.before.words.keys() - pair.after.words.keys() if w.isupper()}
            if gained:
                self._helpers[pair.after.short].append((pair.after, gained))
        for one in after:
            self._calling[one.short].append(one)
            for called in one.calls:
                self._callers[called].append(one)

    def words(self, before: Function, after: Function) -> tuple[Counter[str], Counter[str]]:
        """All words of the two files that the functions stand in."""
        return self._words[0][before.path], self._words[1][after.path]

    def text(self, path: str, *, old: bool = False) -> str:
        """A file, whole: its new version, or the old one."""
        return self._texts[0 if old else 1].get(path, "")

    def read(self, name: str, after: Function, before: Function) -> bool:
        """Whether something that the function calls newly, or that calls it, reads `name`."""
        near = self.newly(before, after)
        return any(name in one.words for one in (*near, *self._callers.get(after.short, ())))

    def has(self, guard: Guard, before: Function, after: Function) -> bool:
        """Whether something that the function came to call has the guard, newly or all along."""
        return any(guard.identity == one.identity for called in self.newly(before, after) for one in called.guards)

    def newly(self, before: Function, after: Function) -> list[Function]:
        """The functions of the change's files that one came to call."""
        return [f for called in after.calls - before.calls for f in self._calling.get(called, ())]

    def asking(self, before: Function, after: Function) -> tuple[Function, Function]:
        """A function of each version, its conditions with what the helpers of that version answer."""
        return _asking(before, self._answers[0]), _asking(after, self._answers[1])

    def leading(self, guard: Guard, into: Function) -> Function | None:
        """A function that has the guard now, and that `into` calls, or that every caller seen of `into` is."""
        holders = [one for identity in _as_firm(guard) for one in self._gained.get(identity, [])]
        callers = self._callers.get(into.short, [])
        for holder in holders:
            if holder is into:
                continue
            if guard.kind is Kind.PATTERN and not into.name and not holder.name:
                return holder  # a constant of another file now; who asks by it is a function, and has its own losses
            if (
                guard.family == "crypto"
                and not into.name
                and holder.path == into.path
                and holder.short in self._callers
            ):
                return holder  # a secret that was drawn once, when the file was read, is drawn each time
            if holder.path == into.path and holder.name and into.name.startswith(f"{holder.name}."):
                return holder  # what encloses it: the work came out of the inner function with its checks
            wraps = any(holder.short in decorator for decorator in into.decorators)
            if wraps or (holder.short and holder.short in self._reached(into)):
                return holder
        guarded = {id(h) for h in holders}
        if callers and all(id(caller) in guarded for caller in callers) and not self._used(into.short):
            return callers[0]
        return None

    def _reached(self, into: Function) -> frozenset[str]:
        """What `into` calls; what that calls, where the change touched it: code that was moved is called by its rest.

        A property is called by its name, and a file's own statements call what they hand on.
        """
        reached: frozenset[str] = frozenset()
        newly = self._called(into)
        for _ in range(_MOST_STEPS):
            reached |= newly
            newly = frozenset(
                name
                for called in newly & self._touched
                for one in self._calling.get(called, ())
                if one.path == into.path
                for name in self._called(one)
            )
        return reached

    def _called(self, one: Function) -> frozenset[str]:
        named = frozenset(one.words)
        return one.calls | (named & self._properties) | (frozenset() if one.short else named & self._touched)

    def beside(self, holder: Function, into: Function) -> bool:
        """Whether one function calls both, or `into` something that calls `holder`: it is on the same road."""
        above = [one for one in self._callers.get(holder.short, []) if one is not holder]
        return any(into.short in one.calls or one.short in into.calls for one in above)

    def brought(self, names: Iterable[str]) -> Counter[str]:
        """The families of calls that protect and that functions of these names came to make."""
        return Counter(
            guard.family
            for name in names
            for _, gained in self._helpers.get(name, ())
            for guard in gained
            if guard.kind is Kind.CALL and guard.strong
        )

    def known(self, name: str) -> bool:
        """Whether the change's files define a function of this name."""
        return name in self._calling

    def gone(self, kind: str) -> bool:
        """Whether a class of the old version is no more: nothing can be of that kind."""
        return kind in self._kinds and kind not in self._written and not self._used(kind)

    def bypassed(self, before: Function, after: Function) -> list[str]:
        """What a helper of the file gives a part of, where `after` reads it itself and calls the helper no more."""
        found = set()
        for name in before.calls - after.calls:
            for helper in self._calling.get(name, ()):
                if helper.path == after.path and helper.short and _FILTER.search(helper.source):
                    own = {*_READ.findall(helper.source)} - {*helper.parameters, helper.short}
                    found |= own & {*_READ.findall(after.source)} - {*_READ.findall(before.source)}
        return sorted(found)

    def refuses(self, name: str) -> bool:
        """Whether a function, decorator or class of this name refuses, in both versions."""
        return name in self._refusing

    def through(self, name: str, before: Function, after: Function) -> bool:
        """Whether something that the function calls newly, or that calls it, calls `name`."""
        near = self.newly(before, after)
        return any(name in one.calls for one in (*near, *self._callers.get(after.short, ())))

    def elsewhere(self, guard: Guard, into: Function) -> Function | None:
        """A function that has the guard now, linked or not."""
        return next((h for h in self._gained.get(guard.identity, []) if h is not into), None)

    def extracted(self, guard: Guard, before: Function, after: Function) -> Function | None:
        """A helper that `after` calls newly and that came to hold a rejection about the same things."""
        wanted = names(guard.condition) if guard.condition else names(guard.key)
        group = _GROUPS.get(guard.kind, guard.kind.value)
        for called in after.calls:
            for holder, gained in self._helpers.get(called, []):
                if holder is after or (called in before.calls and holder.short == before.short):
                    continue
                for other in gained:
                    if _GROUPS.get(other.kind, other.kind.value) != group or other.family != guard.family:
                        continue
                    shared = wanted & names(other.condition or other.key)
                    if len(shared) * 3 >= len(wanted):
                        return holder
        return None


def _as_firm(guard: Guard) -> list[tuple[Kind, str, str]]:
    """The identities of guards that leave as much: who returns leaves the loop as well."""
    families = ("skip", "answer", "nothing", "refuse") if guard.family == "skip" else (guard.family,)
    return [(guard.kind, family, guard.key) for family in families]


def _refusing(functions: Iterable[Function]) -> frozenset[str]:
    """Names whose call, decoration or inheritance refuses something: functions, what encloses them, their classes."""
    return frozenset(
        part
        for one in functions
        if any(g.kind in REJECTIONS and g.family == "refuse" and (g.condition or g.within) for g in one.guards)
        for part in one.name.split(".")
        if part
    )


def _words(functions: Iterable[Function]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for one in functions:
        found[one.path].update(one.words)  # `+=` looks through all of what there is, each time
    return found


def _lets_in(gained: Iterable[Guard]) -> bool:
    """Whether a filter came that keeps only what a fixed list names."""
    kept = [f"not ({g.condition})" for g in gained if g.kind is Kind.CONDITION and g.condition]
    return any(one.fixed and one.allows for condition in kept for one in members(condition))


def _given_up(lost: Iterable[Guard], gained: Iterable[Guard]) -> set[str]:
    """The lists of what is kept out that one of what is let in took the place of."""
    asking = [g.condition for g in gained if g.kind in REJECTIONS and g.condition]
    refused = [g.condition for g in lost if asking and g.kind in REJECTIONS and g.condition]
    return {
        one.held.rpartition(".")[2]
        for condition in refused
        if any(opened(other, condition) for other in asking)
        for one in members(condition)
        if not one.allows
    }


def _asking(function: Function, answers: Mapping[str, Function]) -> Function:
    if answers.keys().isdisjoint(function.calls):
        return function
    guards = tuple(
        msgspec.structs.replace(g, condition=inlined(g.condition, answers)) if g.condition else g
        for g in function.guards
    )
    return msgspec.structs.replace(function, guards=guards)
