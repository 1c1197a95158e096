"""Which rules a path's name meets, whatever its case, its look-alike letters and its invisible ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

_REMEMBERED = 4096
_WILD = re.compile(r"[*?\[]")
# Characters that are not drawn and that HFS+ and its kin ignore in names.
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f\ufeff]"
)
# The short name that Windows gives a dotted name: `GIT~1` is `.git`.
_SHORT = re.compile(r"([a-z0-9]{1,6})~[1-9]")
_SEPARATORS = re.compile(r"[/\\]")
# Letters of other scripts that are drawn as Latin ones, and the Latin ones they are taken for.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0432\u043a\u043c\u043d\u0442\u0433"
    "\u03b1\u03b5\u03bf\u03c1\u03c5\u03bd\u03b9\u03ba\u03c4\u03c7\u0131\u0261\u0269\u026a\u0280\u029f\u028f\u1d04\u1d0f\u217c",
    "aeopcyxijshdqwbkmhtraeopuviktxigiirlycol",
)


@lru_cache(maxsize=32_768)
def fold(segment: str) -> str:
    """One name as the most forgiving file system or reader takes it."""
    if segment.isascii():
        folded = segment.lower()
    else:
        folded = _IGNORED.sub("", unicodedata.normalize("NFKC", _IGNORED.sub("", segment)))
        folded = folded.casefold().translate(_LOOKALIKES)
    if ":" in folded[1:]:  # a stream of NTFS: `.git::$INDEX_ALLOCATION`
        folded = folded[: folded.index(":", 1)]
    folded = folded.strip()
    folded = folded.rstrip(". ") or folded
    short = _SHORT.fullmatch(folded)
    return f".{short[1]}" if short else folded


def split(path: str) -> tuple[str, ...]:
    """The folded names of a relative path; a backslash parts names too, as it does for some who read them."""
    return tuple(fold(name) for name in _SEPARATORS.split(path) if name not in ("", "."))


class _Pattern(NamedTuple):
    segments: tuple[str, ...]
    regexes: tuple[re.Pattern[str] | None, ...]
    top: bool  # begins at the top of the workspace
    below: bool  # everything below, too
    key: int  # the segment it is found by; -1: none is constant
    value: int
    negative: bool


class Names:
    """An index of patterns; each belongs to a number, the rule's.

    A pattern is a run of names, anywhere in a path: `x.json` and `.a/x.json` end the path, `.a/**` is `.a` and all
    below it, `/bin/*` begins at the top. `*`, `?` and `[...]` stand for characters inside one name.
    """

    def __init__(self, rules: Iterable[tuple[Iterable[str], Iterable[str]]]) -> None:
        self._keyed: dict[str, list[_Pattern]] = {}
        self._loose: list[_Pattern] = []
        self._starts: set[tuple[str, ...]] = set()
        for number, (match, excepted) in enumerate(rules):
            for text in match:
                self._add(text, number, negative=False)
            for text in excepted:
                self._add(text, number, negative=True)

        # One look tells for nearly every path that no pattern without a constant name fits.
        self._last = _one_of(pattern for pattern in self._loose if not pattern.below)
        self._any = _one_of(pattern for pattern in self._loose if pattern.below)
        self._parts: dict[tuple[str, ...], bool] = {}  # directories, of which a command touches few

    def _may_be_loose(self, path: tuple[str, ...]) -> bool:
        if not path:
            return False
        above = path[:-1]
        found = self._parts.get(above)
        if found is None:
            if len(self._parts) > _REMEMBERED:
                self._parts.clear()
            found = self._parts[above] = any(self._any.fullmatch(name) for name in above)
        return found or self._last.fullmatch(path[-1]) is not None or self._any.fullmatch(path[-1]) is not None

    def _add(self, text: str, number: int, *, negative: bool) -> None:
        below = text.endswith("/**")
        segments = tuple(part.lower() for part in text.removesuffix("/**").strip("/").split("/"))
        regexes = tuple(re.compile(translate(s)) if _WILD.search(s) else None for s in segments)
        constant = [i for i, regex in enumerate(regexes) if regex is None]
        # The longest constant name is the rarest one.
        key = max(constant, key=lambda i: len(segments[i])) if constant else -1
        pattern = _Pattern(segments, regexes, text.startswith("/"), below, key, number, negative)
        if key >= 0:
            self._keyed.setdefault(segments[key], []).append(pattern)
        else:
            self._loose.append(pattern)
        if not negative:
            for end in range(1, len(segments)):
                if all(regex is None for regex in regexes[:end]):
                    self._starts.add(segments[:end])

    def match(self, path: tuple[str, ...]) -> list[int]:
        """The numbers of the rules that this folded path meets, in order."""
        found: set[int] = set()
        excused: set[int] = set()
        for at, name in enumerate(path):
            for pattern in self._keyed.get(name, ()):
                if _fits(pattern, path, at - pattern.key):
                    (excused if pattern.negative else found).add(pattern.value)
        for pattern in self._loose if self._may_be_loose(path) else ():
            starts = range(len(path)) if pattern.below else (len(path) - len(pattern.segments),)
            if any(_fits(pattern, path, start) for start in starts):
                (excused if pattern.negative else found).add(pattern.value)
        return sorted(found - excused)

    def leads(self, path: tuple[str, ...]) -> bool:
        """Whether this path is a directory above something that a pattern names: `.claude` of `.claude/x.json`."""
        return any(path[start:] in self._starts for start in range(max(0, len(path) - 4), len(path)))


def _one_of(patterns: Iterable[_Pattern]) -> re.Pattern[str]:
    """Any of them: patterns of one name each."""
    return re.compile("|".join(translate(pattern.segments[-1]) for pattern in patterns) or r"(?!)")


def _fits(pattern: _Pattern, path: tuple[str, ...], start: int) -> bool:
    end = start + len(pattern.segments)
    if start < 0 or end > len(path) or (pattern.top and start):
        return False
    if end != len(path) and not pattern.below:
        return False
    return all(
        name == segment if regex is None else regex.fullmatch(name) is not None
        for segment, regex, name in zip(pattern.segments, pattern.regexes, path[start:end], strict=True)
    )
