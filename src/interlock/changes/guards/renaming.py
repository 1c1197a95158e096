"""Names of a function that are only called otherwise in its new version: parameters and variables. Pure.

A name is the same under another word where the old word is nowhere in the function any more, the new one was nowhere
before, and both are bound alike: the same place among the parameters, or the same statements. What is bound elsewhere
(a global) is another thing under another name; an attribute is the same where the whole change renames it.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from interlock.changes.guards.guard import Function, Guard

_WORD = re.compile(r"(?<![\w$.])[A-Za-z_$][\w$]*")
_ANY = re.compile(r"[A-Za-z_$][\w$]*")  # attributes as well
_ATTRIBUTE = re.compile(r"(?<=\.)[A-Za-z_$][\w$]*")
_MOST = 4  # names of a function that are renamed at once
_BINDING = (
    r"(?<![\w$.]){name}(?:\s*,\s*[\w$]+)*\s*(?::\s*[\w$.\[\]| ]+)?(?::=|=(?!=))|\bas\s+{name}\b"
    r"|\bfor\b.*(?<![\w$.]){name}\b.*\b(?:in|of|range)\b"
)


class Names:
    """Identifiers of the whole change, before and after, to see what was renamed everywhere."""

    def __init__(self, before: Iterable[Function], after: Iterable[Function], used: Callable[[str], bool]) -> None:
        self._before = self._counted(before)
        self._after = self._counted(after)
        self._used = used

    @staticmethod
    def _counted(functions: Iterable[Function]) -> Counter[str]:
        return Counter(word for one in functions if not one.name for word in _ANY.findall(one.source))

    def everywhere(self, old: str, new: str) -> bool:
        """Whether each `old` became `new`, more than one of them, and nobody else uses the old name."""
        one, other = self._before[old], self._after[new]
        return one == other > 1 and not self._after[old] and not self._before[new] and not self._used(old)


def renamed(before: Function, after: Function, old: Sequence[Guard], new: Sequence[Guard], names: Names) -> list[Guard]:
    """The guards of `old`, lost ones, under the names that they have in `after`; `new`: those that came."""
    local = _matching(old, new, before, after, _WORD, lambda a, b, all_: _alike(before, after, a, b, all_))
    found = [_under(g, local, _WORD) for g in old]
    wide = _matching(found, new, before, after, _ATTRIBUTE, lambda a, b, _: names.everywhere(a, b))
    return [_under(g, wide, _ATTRIBUTE) for g in found]


def _matching(
    lost: Iterable[Guard], gained: Iterable[Guard], before: Function, after: Function, word: re.Pattern[str],
    alike: Callable[[str, str, Mapping[str, str]], bool],
) -> dict[str, str]:  # fmt: skip
    old, new = set(_ANY.findall(before.source)), set(_ANY.findall(after.source))
    gone = sorted(_asked(lost, word) & old - new)
    come = sorted(_asked(gained, word) & new - old)
    if not gone or max(len(gone), len(come)) > _MOST:
        return {}
    found: dict[str, str] = {}
    for some in itertools.permutations(come, min(len(gone), len(come))):
        for kept in itertools.combinations(gone, len(some)):
            names = dict(zip(kept, some, strict=True))
            right = {a: b for a, b in names.items() if alike(a, b, names)}
            found = max(found, right, key=len)
    return found


def _asked(guards: Iterable[Guard], word: re.Pattern[str]) -> set[str]:
    return {name for guard in guards for name in word.findall(guard.condition)}


def _under(guard: Guard, names: Mapping[str, str], word: re.Pattern[str]) -> Guard:
    if not names:
        return guard

    def written(text: str) -> str:
        return word.sub(lambda m: names.get(m[0], m[0]), text)

    return msgspec.structs.replace(
        guard, key=written(guard.key), condition=written(guard.condition), within=written(guard.within)
    )


def _alike(before: Function, after: Function, old: str, new: str, names: Mapping[str, str]) -> bool:
    """Whether two names are bound alike."""
    if old in before.parameters or new in after.parameters:
        return _place(before, old) == _place(after, new)
    bound = Counter(_WORD.sub(lambda m: names.get(m[0], m[0]), line) for line in _binding(before.source, old))
    return bool(bound) and bound == Counter(_binding(after.source, new))


def _place(function: Function, name: str) -> int:
    return function.parameters.index(name) if name in function.parameters else -1


def _binding(source: str, name: str) -> list[str]:
    """The lines that give the name a value."""
    pattern = re.compile(_BINDING.format(name=re.escape(name)))
    return [" ".join(line.split()) for line in source.splitlines() if pattern.search(line)]
