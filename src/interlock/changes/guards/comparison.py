"""One function before and after a change: which of its guards are gone, and what stands in their place. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import msgspec

from interlock.changes.guards import forgotten, loosenings, marks, patterns, shapes, verbs
from interlock.changes.guards.atoms import another_case, atoms, names, variables
from interlock.changes.guards.bindings import named, origins
from interlock.changes.guards.carried import carried
from interlock.changes.guards.dropped import dropped
from interlock.changes.guards.guard import REJECTIONS, Guard, Kind
from interlock.changes.guards.kept import there_still
from interlock.changes.guards.lists import PICKED
from interlock.changes.guards.loss import Loss, Sign
from interlock.changes.guards.members import unlisted
from interlock.changes.guards.outweighed import outweighed
from interlock.changes.guards.rejections import Rejections
from interlock.changes.guards.replaced import (
    any_for_all,
    loosened,
    only_where,
    turned_round,
)
from interlock.changes.guards.sides import matched, whole_condition
from interlock.changes.guards.weight import Weight, weighed

_FAR = 8  # times as much: a bound that moves less is a matter of every day, where it is not critical
_FAILED = frozenset({"err", "nil", "_"})
_EVERYTHING = ("everything", "Exception", "BaseException")
_MOST_PATTERNS = 30  # of a function with which a lost one is compared
_FEATURE = re.compile(r"[\w.]*supported: v?\d+\.\d+(?:\.\d+)?", re.IGNORECASE)
_MOST_TEXT = 40_000  # characters of a function whose shapes are compared


class Comparison(Rejections):
    """One function before and after."""

    def losses(self) -> list[Loss]:
        """All of them, each guard once."""
        found = [
            *self._rejections(),
            *self._conditions(),
            *self._calls(),
            *self._singles(),
            *self._patterns(),
            *self._narrower(),
            *self._numbers(),
            *self._refusals(),
            *self._unread(),
            *self._errors(),
            *self._shapes(),
            *self._loosened(),
            *self._optional(),
        ]
        found += self._dropped({loss.family for loss in found if loss.sign in (Sign.CALL, Sign.COMMON)})
        found += self._entries_and_unsafe()
        return _once(outweighed(found, self._before, self._after, self._lost, self._gained))

    def _narrower(self) -> list[Loss]:
        """Guards that still stand there, behind a condition that did not lead to them before."""
        old = {g.identity: g for g in self._before.guards}
        found = []
        for guard in self._after.guards:
            was = old.get(guard.identity)
            if names(guard.condition) <= _FAILED:
                continue  # it passes on what another function refused
            once = was is not None and was.looped and not guard.looped and guard.kind in REJECTIONS
            if was is not None and once and guard.family == "refuse" and self._goes_on(guard):
                loss = self._loss(Sign.NARROWER, was, instead=guard)
                found.append(msgspec.structs.replace(loss, conditions=None))  # the same condition, of the first alone
                continue
            if was is None or guard.kind not in REJECTIONS or guard.family != "refuse":
                continue
            fresh = atoms(guard.within or "True") - atoms(was.within or "True") - self._old_atoms
            fresh -= {one for one in fresh if f"{one} == True" in atoms(was.within or "True")}
            aside = another_case(fresh, atoms(whole_condition(was))) or carried(self._before, self._after, was, guard)
            if fresh and (self._critical or not aside):
                found.append(self._loss(Sign.NARROWER, was, instead=guard))
        return found

    def _goes_on(self, guard: Guard) -> bool:
        """Whether what a condition is about is given other values in a loop that asks it no more."""
        text = self._after.source
        given = [name for name in variables(guard.condition) if len(re.findall(rf"\b{name}\s*:?=(?!=)", text)) > 1]
        return bool(given) and not self._fewer_loops()

    def _numbers(self) -> list[Loss]:
        """Bounds that let in more: a larger `most`, a smaller `least`."""
        now = {g.key.partition("=")[0]: g for g in self._gained if g.kind is Kind.NUMBER}
        found = []
        for guard in (g for g in self._lost if g.kind is Kind.NUMBER):
            name, _, number = guard.key.partition("=")
            if (other := now.get(name)) is None:
                continue
            old, new = float(number), float(other.key.partition("=")[2])
            if (new > old) if guard.family == "most" else (new < old):
                few, many = sorted((abs(old), abs(new)))
                sign = Sign.RAISED if many >= _FAR * few or guard.family in ("version", "size") else Sign.NUDGED
                sign = Sign.TURNED if guard.family == "switch" else sign
                found.append(self._loss(sign, guard, instead=other))
        return found

    def _dropped(self, told: set[str]) -> list[Loss]:
        """Calls around values and bounds of calls that are gone; `told`: families whose calls are losses already."""
        if not self._after.short or self._before.name.endswith("."):
            return []  # a file's or a class's text is that of its functions
        found = []
        python = self._after.path.endswith((".py", ".pyi"))
        for one in dropped(self._before.source, self._after.source, python=python):
            known = verbs.family(one.name)
            family = known[0] if known else "bound" if one.bound else "around"
            if family in told:
                continue
            if verbs.undoing(one.name) and not self._asked_about(one.text):
                continue
            if verbs.trusting(one.name):
                continue
            mark = Guard(kind=Kind.CALL, family=family, key=one.name, line=self._before.line + one.line, text=one.text)
            if not self._moved(mark):
                found.append(self._loss(Sign.UNBOUNDED if one.bound else Sign.UNWRAPPED, mark))
        return found

    def _asked_about(self, text: str) -> bool:
        """Whether some condition or protecting call of the function is about what a call was given."""
        given = variables(text)
        asked = [g.condition or g.text for g in self._after.guards if g.condition or g.kind is Kind.CALL]
        return not given or any(given & origins(named(one), self._after.source) for one in asked)

    def _refusals(self) -> list[Loss]:
        """Calls, wrappers, decorators and base classes that protect by what they do, whatever their names."""
        around, found = self._around, []
        kept = {g.key for g in self._after.guards if g.family == "base"}
        inherits = any(around.refuses(key) for key in kept)
        for guard in self._lost:
            name = re.split(r"[.(]", guard.key)[0] if guard.kind is Kind.DECORATOR else guard.key
            if guard.strong or guard.family not in ("decorator", "base") or not around.refuses(name.rpartition(".")[2]):
                continue
            if not (guard.family == "base" and inherits) and not self._gained_refusal():
                found.append(self._loss(Sign.DECORATOR if guard.family == "decorator" else Sign.CALL, guard))
        for key in (self._before.asked - self._after.asked).elements():
            name, _, given = key.partition("(")
            gone = given.rstrip(") ") in self._after.words if given else name not in self._after.calls
            if not gone or not around.refuses(name) or verbs.strong(name) or self._gained_refusal():
                continue
            if not around.through(name, self._before, self._after):
                text = key if given else f"{name}()"
                mark = Guard(kind=Kind.CALL, family="refusal", key=key, line=self._before.line, text=text)
                found.append(self._loss(Sign.CALL, mark))
        return found

    def _unread(self) -> list[Loss]:
        """Parameters, bounds and constants that are looked at no more."""
        before, after, around = self._before, self._after, self._around
        if max(len(before.source), len(after.source)) > _MOST_TEXT:
            return []
        found: dict[str, Sign] = dict.fromkeys(forgotten.parameters(before, after), Sign.UNUSED)
        found |= dict.fromkeys(forgotten.bounds(before, after), Sign.UNBOUNDED)
        found |= dict.fromkeys(forgotten.tables(before, after), Sign.UNREAD)
        found |= dict.fromkeys(forgotten.lists(before, after, around.text(before.path, old=True)), Sign.UNREAD)
        found |= dict.fromkeys(forgotten.keys(before, after), Sign.SHARED)
        words, text = around.words(before, after)[1], around.text(after.path)
        found |= dict.fromkeys(forgotten.constants(before, after, words, text), Sign.UNREAD)
        found |= dict.fromkeys(forgotten.numbers(before, after, words, text), Sign.UNREAD)
        return [
            self._loss(sign, Guard(kind=Kind.NUMBER, family="unread", key=name, line=before.line, text=name))
            for name, sign in found.items()
            if sign in (Sign.UNUSED, Sign.SHARED) or not around.read(name, after, before)
        ]

    def _shapes(self) -> list[Loss]:
        """Changes of shape that tell by themselves."""
        before, after = self._before.source, self._after.source
        if not self._after.short or self._before.name.endswith(".") or max(len(before), len(after)) > _MOST_TEXT:
            return []  # a file's or a class's text is that of its functions
        found = [
            *((Sign.REPEATED, name) for name in shapes.repeated(before, after)),
            *((Sign.PUBLISHED, f"#{name}") for name in shapes.published(before, after)),
            *((Sign.PARTED, name) for name in shapes.parted(before, after)),
            *((Sign.UNAWAITED, f"{name}()") for name in shapes.unawaited(before, after)),
            *((Sign.SWALLOWED, f"{name}()") for name in shapes.ignored(before, after)),
            *((Sign.UNCOUNTED, name) for name in shapes.uncounted(before, after, self._refused()) if self._unset(name)),
        ]
        given_up = shapes.overridden(before, after)
        own = [text for text in given_up if "(" not in text or self._around.known(text.partition("(")[0])]
        found += [(Sign.OVERRIDDEN, text) for text in own]
        if shapes.split(before, after):
            found.append((Sign.PARTED, "what the lock is for"))
        return [self._shape(sign, text) for sign, text in found]

    def _loosened(self) -> list[Loss]:
        """Protections that do not hold any more where they have to."""
        before, after = self._before.source, self._after.source
        if max(len(before), len(after)) > _MOST_TEXT:
            return []
        if not self._after.name:  # only what stands outside of functions: their texts are a part of the file's
            found = [
                *((Sign.CONSTRAINT, text) for text in loosenings.unconstrained(before, after)),
                *((Sign.UNROUTED, text) for text in loosenings.unguarded_routes(before, after)),
            ]
            return [self._shape(sign, text) for sign, text in found]
        if not self._after.short or self._before.name.endswith("."):
            return []
        python = self._after.path.endswith((".py", ".pyi"))
        inside = "\n".join((before, *(one.source for one in self._before.inside)))
        newly = "\n".join((after, *(one.source for one in self._around.newly(self._before, self._after))))
        refusing = [g.condition for g in self._after.guards if g.kind in REJECTIONS and g.condition]
        found = [
            *((Sign.ANYWAY, f"{name}()") for name in loosenings.not_anyway(before, after, python=python)),
            *((Sign.UNMASKED, text) for text in loosenings.unmasked(inside, newly)),
            *((Sign.OVERWRITABLE, name) for name in loosenings.overwritable(before, after)),
            *((Sign.LATE, f"{name}()") for name in loosenings.late(before, after, self._around.refuses)),
            *((Sign.TWICE, text) for text in loosenings.asked_twice(before, after, refusing)),
            *(
                (Sign.FORMAT, name)
                for name in loosenings.formatted(before, after, self._after.parameters if python else ())
            ),
            *((Sign.LENIENT, name) for name in loosenings.lenient(before, after)),
            *((Sign.ONE_SIDED, text) for text in loosenings.one_sided(before, newly)),
            *((Sign.IN_TEXT, name) for name in loosenings.in_a_text(before, after)),
            *((Sign.KEPT_ON, name) for name in loosenings.kept_on(before, newly)),
            *((Sign.BYPASSED, name) for name in self._around.bypassed(self._before, self._after)),
        ]
        if loosenings.unreturned(before, newly):
            found.append((Sign.HALF, "rollback"))
        return [self._shape(sign, text) for sign, text in found]

    def _shape(self, sign: Sign, text: str) -> Loss:
        return self._loss(sign, Guard(kind=Kind.CALL, family="shape", key=text, line=self._before.line, text=text))

    def _unset(self, name: str) -> bool:
        """Whether nothing that the function calls newly counts or sets it, for it to go by."""
        return not any(shapes.counted(name, one.source) for one in self._around.newly(self._before, self._after))

    def _refused(self) -> list[str]:
        """The conditions of refusal that both versions have."""
        kept = {g.identity for g in self._before.guards if g.kind in REJECTIONS and g.condition}
        return [g.condition for g in self._after.guards if g.identity in kept]

    def _errors(self) -> list[Loss]:
        """Errors that ended the function, and do not any more."""
        found = []
        caught = [[g for g in one.guards if g.kind is Kind.HANDLER] for one in (self._before, self._after)]
        number = [Counter(g.family for g in some) for some in caught]
        closed = [g for g in self._lost if g.family == "closed"]
        if closed and number[1]["handler"] >= number[0]["handler"]:
            found.append(self._loss(Sign.OPENED, closed[0]))
        asked = {g.key for g in caught[0] if g.family == "open"}
        left = [g for g in caught[1] if g.family == "open" and g.key in self._before.asked and g.key not in asked]
        found += [self._loss(Sign.SWALLOWED, g, instead=g) for g in left if verbs.recording(g.text.partition("(")[0])]
        narrow = [g for g in self._lost if g.family == "handler" and g.key not in _EVERYTHING]
        wide = [g for g in self._gained if g.family == "handler" and g.key in _EVERYTHING]
        refusing = any(self._around.refuses(c) or verbs.strong(c) for c in self._before.calls & self._after.calls)
        if narrow and wide and refusing and number[1]["closed"] <= number[0]["closed"]:
            found.append(self._loss(Sign.CAUGHT, narrow[0], instead=wide[0]))
        return found

    def _gained_refusal(self) -> bool:
        return any(g.kind in REJECTIONS and g.family == "refuse" for g in self._gained) or any(
            g.kind is Kind.DECORATOR for g in self._gained
        )

    def _conditions(self) -> list[Loss]:
        lost = [g for g in self._lost if g.kind is Kind.CONDITION]
        gained = [g for g in self._gained if g.kind in (*REJECTIONS, Kind.CONDITION)]
        changed, gone = matched(lost, gained)
        found = []
        for guard, other in changed:
            if other.kind in REJECTIONS and turned_round(guard.condition, other.condition):
                continue  # `if fine: work`, now `if not fine: continue`, and the work after that
            missing = atoms(guard.condition) - self._atoms
            fewer = missing and not atoms(other.condition) - atoms(guard.condition)
            accepts = guard.family == "accept" and only_where(other.condition, guard.condition)
            if accepts or (fewer and any(map(marks.telling, missing))):
                found.append(self._loss(Sign.WEAKER, guard, instead=other))
            elif guard.family in ("accept", "told") or self._moved(guard):
                continue
            elif loosened(guard.condition, other.condition) or any_for_all(guard.condition, other.condition):
                found.append(self._loss(Sign.REPLACED, guard, instead=other))
            elif (
                unlisted(guard.condition, other.condition)
                or marks.foreign(guard.condition, other.condition)
                or self._unbound(guard)
                or self._untimed(guard)
            ):
                found.append(self._loss(Sign.CONDITION, guard, instead=other))
            elif verbs.authorising(guard.condition) or self._unasked(guard):
                kept = self._loss(Sign.CONDITION, guard, instead=other)
                found.append(kept if self._unbound(guard) else self._changed(guard, other))
        called = any(g.kind is Kind.CALL and g.strong for g in self._gained)  # what a bare condition may have become
        found += [
            self._loss(Sign.CONDITION if guard.strong else Sign.BARE, guard)
            for guard in gone
            if (guard.strong or not called)
            and guard.family not in ("accept", "told")
            and not self._still_tested(guard)
            and not self._moved(guard)
            and not shapes.clamped(guard.condition, self._before.source, self._after.source)
        ]
        return found

    def _calls(self) -> list[Loss]:
        found = []
        for kind, sign in ((Kind.CALL, Sign.CALL), (Kind.DECORATOR, Sign.DECORATOR), (Kind.HOLD, Sign.HOLD)):
            lost: dict[str, list[Guard]] = defaultdict(list)
            for guard in self._lost:
                held = kind is Kind.HOLD and shapes.split(self._after.source, self._before.source)
                if guard.kind is kind and guard.family != "base" and not held:
                    lost[guard.family].append(guard)
            come = Counter(g.family for g in self._gained if g.kind in (Kind.CALL, Kind.DECORATOR, Kind.HOLD))
            come += self._around.brought(self._after.calls - self._before.calls)
            for family, guards in lost.items():
                left = [g for g in guards if not self._moved(g) and not there_still(g, self._before, self._after)]
                found += [
                    self._loss(sign if self._says_much(g) else Sign.COMMON, g)
                    for g in left[: max(0, len(left) - come[family])]
                    if self._needed(g)
                ]
        return found

    def _says_much(self, guard: Guard) -> bool:
        """Whether a call's name tells that it protects; records of a cache expire as sessions and tokens do."""
        if guard.family != "session" or self._critical:
            return guard.strong
        alike = [g for g in self._before.guards if g.identity == guard.identity]  # which of these went is not known
        return guard.strong and not all(verbs.ending(guard.key, one.text) for one in alike)

    def _singles(self) -> list[Loss]:
        found = []
        kept_keys = {g.key for g in self._after.guards}
        for kind, sign in ((Kind.KEYWORD, Sign.KEYWORD), (Kind.LITERAL, Sign.LITERAL), (Kind.HANDLER, Sign.HANDLER)):
            lost = [g for g in self._lost if g.kind is kind and not self._moved(g) and self._needed(g)]
            lost = [
                g for g in lost if g.family not in ("closed", "open") and not there_still(g, self._before, self._after)
            ]
            lost = [g for g in lost if not (g.key.endswith(": limit") and g.key in kept_keys)]
            gained = sum(1 for g in self._gained if g.kind is kind and (kind is not Kind.LITERAL or self._needed(g)))
            for guard in lost[: max(0, len(lost) - gained)]:
                common = guard.family == "literal" and verbs.everyday(guard.key)
                found.append(self._loss(Sign.EVERYDAY if common else sign, guard))
        found += self._unkept({loss.text for loss in found})
        kept = Counter(g.key for g in self._gained if g.kind is Kind.ENTRY)
        for guard in (g for g in self._lost if g.kind is Kind.ENTRY):
            if guard.key in self._after.held:
                continue  # the list is as it was; how it is asked is the loss of that refusal, or none
            given_up = guard.key.partition(":")[0] in self._around.given_up
            if not kept[guard.key] and not given_up and not self._around.elsewhere(guard, self._after):
                found.append(self._loss(Sign.DENIED, guard))
        return found

    def _unkept(self, told: set[str]) -> list[Loss]:
        """Each query of a table asked whose rows they are, and one of several does not any more."""
        old, new = (Counter(g.key for g in one.guards if g.family == "where") for one in (self._before, self._after))
        found = {}
        for guard in (g for g in self._before.guards if g.family == "where" and g.text not in told):
            table, _, column = guard.key.partition(": ")
            was, now = (one.words[f"sql {table}"] for one in (self._before, self._after))
            if verbs.belonging(verbs.words(column)) and old[guard.key] >= was and new[guard.key] < now:
                found[guard.key] = self._loss(Sign.LITERAL, guard)
        return list(found.values())

    def _needed(self, guard: Guard) -> bool:
        """Whether what it was about is still there: the statement of SQL, the file made, the object taken whole."""
        if guard.family == "where":
            return f"sql {guard.key.partition(':')[0]}" in self._after.words
        if guard.family == "clamp":
            return guard.key.partition(" ")[2].rpartition(".")[2] not in self._after.source
        if guard.family == "fallback":
            return guard.key.partition(":")[0] in self._after.words
        if guard.family in ("mode", "flag"):
            return marks.makes(self._after.calls)
        if guard.family == "hidden":
            return guard.key in self._after.words
        if guard.kind is Kind.KEYWORD and verbs.assumed(guard.key) and marks.decided(guard.text):
            return False  # what decided about it is gone: it holds outright
        if guard.key == "(parameter)":
            old, new = (sum(n for w, n in one.words.items() if w[:3] == "...") for one in (self._before, self._after))
            return new > old
        whole = f"...{guard.key}"
        return guard.family != "picked" or self._after.words[whole] > self._before.words[whole]

    def _patterns(self) -> list[Loss]:
        lost, gained = _rewritten(*([g for g in some if g.kind is Kind.PATTERN] for some in (self._lost, self._gained)))
        found = []
        for guard, other in zip(lost, gained, strict=False):
            reason, better = patterns.worse(guard.key, other.key), patterns.worse(other.key, guard.key)
            if reason == patterns.WIDER and (self._stripped(other) or self._parting(other)):
                continue
            if patterns.sought_more(guard.key, other.key) or (better and not reason and better != patterns.WIDER):
                continue  # the new one is the stronger
            found.append(
                self._loss(Sign.PATTERN if reason else Sign.OTHER_PATTERN, guard, instead=other, reason=reason)
            )
        gone = [g for g in lost[len(gained) :] if not patterns.costly(g.key) and not self._moved(g)]
        found += [self._loss(Sign.OTHER_PATTERN, g) for g in gone]
        for guard in gained[len(lost) :]:
            if patterns.slow(guard.key):
                found.append(
                    self._loss(Sign.SLOW, guard, instead=guard, reason="it can take long on a text made for it")
                )
        return found

    def _parting(self, pattern: Guard) -> bool:
        """Whether a pattern only takes texts apart."""
        text = self._around.text(self._after.path)
        return not self._critical and patterns.parting(pattern.key) and "fullmatch" not in text and ".test(" not in text

    def _stripped(self, pattern: Guard) -> bool:
        """Whether what a pattern finds is taken out: one that finds more takes out more."""
        lines = self._after.source.split("\n")
        at = pattern.line - self._after.line
        near = "".join(lines[max(0, at - 1) : at + 2]) if 0 <= at < len(lines) else ""
        return re.search(r"\breplace(?:All)?\(\s*/[^\n]*/\w*\s*,\s*(?:''|\"\")\s*\)", near) is not None

    def _optional(self) -> list[Loss]:
        """Protections that hold outright, and that something else decides about now."""
        old = {g.key.lower(): g for g in self._before.guards if g.kind is Kind.KEYWORD}
        off = {key.partition("=")[0].lower() for key in self._before.unsafe}
        return [
            self._loss(Sign.TURNED, guard)
            for guard in self._after.guards
            if guard.kind is Kind.KEYWORD and verbs.assumed(guard.key) and marks.decided(guard.text)
            if guard.key.lower() not in off
            and not (guard.key.lower() in old and marks.decided(old[guard.key.lower()].text))
        ]

    def _was_there(self, name: str) -> bool:
        return self._around.words(self._before, self._after)[0][name] > 0

    def _had(self, name: str) -> bool:
        return any(g.kind is Kind.KEYWORD and g.key.lower() == name.lower() for g in self._lost)

    def _entries_and_unsafe(self) -> list[Loss]:
        found = []
        for sign, before, after in (
            (Sign.ALLOWED, self._before.allows, self._after.allows),
            (Sign.UNSAFE, self._before.unsafe, self._after.unsafe),
        ):
            known = {key.partition(": ")[0] for key in before}
            for key in (after - before).elements():
                if sign is Sign.ALLOWED and key.partition(": ")[0] not in known:
                    continue  # a new list: it may well be a new check
                if _FEATURE.fullmatch(key):
                    continue  # since when a feature is there: nobody is let in
                if PICKED in key and not self._was_there(key.partition(PICKED)[2]):
                    continue  # a new field: nobody kept it out
                name, turned, _ = key.partition("=")
                one = Sign.TURNED if sign is Sign.UNSAFE and turned else sign
                if one is Sign.TURNED and not verbs.outright(name) and not self._had(name):
                    continue
                mark = Guard(kind=Kind.KEYWORD, family="unsafe", key=key, line=self._before.line, text=key)
                found.append(self._loss(one, mark))
        return found


def _once(found: list[Loss]) -> list[Loss]:
    """A parameter that nobody looks at any more says the same as the check that is gone, where one is."""
    told = any(
        weighed(loss) is not Weight.NOTE and loss.sign not in (Sign.UNUSED, Sign.UNREAD) and loss.conditions is None
        for loss in found
    )
    return [loss for loss in found if not told or loss.sign not in (Sign.UNUSED, Sign.UNREAD)]


def _rewritten(lost: list[Guard], gained: list[Guard]) -> tuple[list[Guard], list[Guard]]:
    """Patterns that went and came, without those that are others in their notation alone."""
    left, come = [], list(gained)
    for guard in lost:
        twin = next((g for g in come[:_MOST_PATTERNS] if patterns.same(guard.key, g.key)), None)
        if twin is None:
            left.append(guard)
        else:
            come.remove(twin)
    return left, come
