"""Which rules a path's *name* meets: the matcher behind `places`, and its loader.

The lists are data (`data/places.toml`). Every pattern is indexed by its first constant segment, so that a path costs a
dictionary look-up a segment and not a hundred comparisons.
"""

from __future__ import annotations

import itertools
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase, translate
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

from interlock.model import labels
from interlock.model.effect import Kind
from interlock.model.errors import CatalogueError
from interlock.model.labels import RESOURCE_LABELS

_WILD = re.compile(r"[*?\[]")
_EXTENSION = re.compile(r"[*?]+\.[a-z0-9]+")
# Characters that are not drawn and that HFS+ and its kin ignore in names.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f\ufeff]"
)


@lru_cache(maxsize=16_384)
def fold(segment: str) -> str:
    """The name as a forgiving filesystem or tool takes it: NFKC, case-folded, no invisible or outer white space."""
    if segment.isascii():
        return segment.strip().lower()
    return _IGNORABLE.sub("", unicodedata.normalize("NFKC", _IGNORABLE.sub("", segment))).casefold().strip()


class Pattern(NamedTuple):
    """One compiled pattern. `anchor`: "/" for the filesystem's root, "~" for a home, "" for anywhere."""

    anchor: str
    segments: tuple[str, ...]
    regexes: tuple[re.Pattern[str] | None, ...]  # None where the segment is constant
    below: bool  # the pattern ended in /**
    key: int  # index of the segment it is found by; -1: a single wildcard segment
    negative: bool  # belongs to `except`
    rule: int


class Rule(NamedTuple):
    """What a matching path is. `kind` is None for a plain file."""

    id: str
    kind: Kind | None
    labels: tuple[str, ...]
    why: str


class Path(NamedTuple):
    """A path ready to be matched: folded segments, and the index where its home-relative part begins (-1: none)."""

    segments: tuple[str, ...]
    home: int
    absolute: bool
    glob: bool


class Tree(NamedTuple):
    """The directories of a system that places are told by; absolute paths."""

    scratch: tuple[str, ...]
    homes: tuple[str, ...]
    mounts: frozenset[str]
    tops: frozenset[str]
    roots: frozenset[str]
    sinks: frozenset[str]


class PathRules:
    """A loaded list of rules, and the tree of directories that stands beside it."""

    def __init__(self, rules: tuple[Rule, ...], patterns: Iterable[Pattern], tree: Tree) -> None:
        self.rules = rules
        self.tree = tree
        self._by_key: dict[str, list[Pattern]] = {}
        self._by_suffix: dict[str, list[Pattern]] = {}
        self._loose: list[Pattern] = []
        for pattern in patterns:
            if pattern.key >= 0:
                self._by_key.setdefault(pattern.segments[pattern.key], []).append(pattern)
                continue
            suffix = re.fullmatch(r"\*(\.[^.*?\[]+)", pattern.segments[0])
            if suffix and not pattern.anchor:
                self._by_suffix.setdefault(suffix[1], []).append(pattern)
            else:
                self._loose.append(pattern)
        self.holders = _holders(self)
        loose = "|".join(translate(p.segments[0]) for p in self._loose)
        self._any_loose = re.compile(loose) if loose else None

    def match(self, path: Path) -> tuple[Rule, ...]:
        """Every rule that the path meets, in the order of the file."""
        positive: set[int] = set()
        negative: set[int] = set()
        for pattern, at in self._candidates(path):
            if _matches(pattern, path, at):
                # A glob names several files: an exception that holds for one of them excuses none of the others.
                if not pattern.negative:
                    positive.add(pattern.rule)
                elif not path.glob:
                    negative.add(pattern.rule)
        return tuple(self.rules[i] for i in sorted(positive - negative))

    def patterns(self) -> Iterator[Pattern]:
        """Every pattern, in no particular order."""
        for group in (*self._by_key.values(), *self._by_suffix.values(), self._loose):
            yield from group

    def _candidates(self, path: Path) -> list[tuple[Pattern, int]]:
        found: list[tuple[Pattern, int]] = []
        for index, segment in enumerate(path.segments):
            if path.glob and _WILD.search(segment):
                if not _says_something(segment):
                    continue
                for key, patterns in self._by_key.items():
                    if _glob_may_be(segment, key):
                        found += ((p, index - p.key) for p in patterns)
            elif segment in self._by_key:
                found += ((p, index - p.key) for p in self._by_key[segment])
        if path.segments:
            found += self._by_last(path)
        return found

    def _by_last(self, path: Path) -> list[tuple[Pattern, int]]:
        last, index = path.segments[-1], len(path.segments) - 1
        if path.glob and _WILD.search(last):
            return [(p, index) for p in (*self._loose, *(q for group in self._by_suffix.values() for q in group))]
        found: list[tuple[Pattern, int]] = []
        dot = last.find(".")
        while dot >= 0:
            found += ((p, index) for p in self._by_suffix.get(last[dot:], ()))
            dot = last.find(".", dot + 1)
        if self._any_loose is not None and self._any_loose.match(last):
            found += ((p, index) for p in self._loose)
        return found


def _holders(rules: PathRules) -> frozenset[str]:
    """Directories below which credentials lie by their usual names: absolute ones, and `~/...` for any home."""
    found = {"/"}
    for pattern in rules.patterns():
        first = pattern.segments[0]
        in_home = pattern.anchor == "~" or (not pattern.anchor and first.startswith(".")) or first == "library"
        if pattern.negative or labels.SECRET not in rules.rules[pattern.rule].labels or not (in_home or pattern.anchor):
            continue
        start = "" if pattern.anchor == "/" else "~"
        constant = list(itertools.takewhile(lambda s: not _WILD.search(s), pattern.segments))
        # The last segment is the secret itself; a directory of secrets is found by its own name.
        for end in range(len(constant[: len(pattern.segments) - 1]) + 1):
            found.add("/".join([start, *constant[:end]]) or "/")
    return frozenset(found)


def _matches(pattern: Pattern, path: Path, start: int) -> bool:
    if start < 0:
        return False
    if pattern.anchor == "/" and (start != 0 or not path.absolute):
        return False
    if pattern.anchor == "~" and start != path.home:
        return False
    end = start + len(pattern.segments)
    if end > len(path.segments) or (end < len(path.segments) and not pattern.below):
        return False
    for regex, wanted, given in zip(pattern.regexes, pattern.segments, path.segments[start:end], strict=True):
        if given == wanted:
            continue
        if path.glob and _WILD.search(given):
            if not _glob_may_be(given, wanted):
                return False
        elif regex is None or not regex.match(given):
            return False
    return True


def _glob_may_be(glob: str, wanted: str) -> bool:
    """Whether a live glob segment may stand for a name that `wanted` describes.

    A glob of wildcards alone is no evidence (`*` in a project is not "the .env"), and `*` does not reach dot files.
    """
    sample = wanted.replace("*", "x").replace("?", "x")
    if sample.startswith(".") and not glob.startswith((".", "[")):
        return False
    if _EXTENSION.fullmatch(glob) and not _EXTENSION.fullmatch(wanted):
        return False  # `*.json` is any data file, not "the credentials.json"
    return _says_something(glob) and fnmatchcase(sample, glob)


def _says_something(glob: str) -> bool:
    """Whether there is more to a glob than its wildcards."""
    return glob.startswith(".") or any(c.isalnum() for c in re.sub(r"\[[^\]]*\]|[*?]", "", glob))


def load(text: str) -> PathRules:
    """The rules in `text` (TOML, the format of `data/places.toml`).

    Raises:
        CatalogueError: not TOML, an unknown key, label or kind, an empty pattern, or a rule without a reason.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"the list of places is not TOML: {error}") from error
    rules: list[Rule] = []
    patterns: list[Pattern] = []
    for number, entry in enumerate(table.get("rule", ())):
        rule = _rule(entry)
        rules.append(rule)
        for negative, key in ((False, "match"), (True, "except")):
            patterns += (_pattern(source, number, negative) for source in entry.get(key, ()))
    return PathRules(tuple(rules), patterns, _tree(table.get("tree", {})))


def _tree(entry: dict[str, list[str]]) -> Tree:
    try:
        return Tree(
            tuple(entry["scratch"]),
            tuple(entry["homes"]),
            *(frozenset(entry[key]) for key in ("mounts", "tops", "roots", "sinks")),
        )
    except (KeyError, TypeError) as error:
        raise CatalogueError(f"places: the tree of directories lacks {error}") from error


def _rule(entry: dict[str, object]) -> Rule:
    name = str(entry.get("id", "?"))
    unknown = set(entry) - {"id", "kind", "labels", "why", "match", "except"}
    given = entry.get("labels", ())
    if unknown or not entry.get("why") or not entry.get("match") or not isinstance(given, list):
        raise CatalogueError(
            f"places, rule {name}: needs id, labels, why, match, and no other keys ({sorted(unknown)})"
        )
    if strange := set(given) - RESOURCE_LABELS:
        raise CatalogueError(f"places, rule {name}: no such label: {sorted(strange)}")
    try:
        kind = Kind(str(entry["kind"])) if "kind" in entry else None
    except ValueError as error:
        raise CatalogueError(f"places, rule {name}: no such kind: {entry['kind']}") from error
    return Rule(name, kind, tuple(given), str(entry["why"]))


def _pattern(source: str, rule: int, negative: bool) -> Pattern:
    rest, anchor = source, ""
    if source.startswith("~/"):
        anchor, rest = "~", source[2:]
    elif source.startswith("/"):
        anchor, rest = "/", source[1:]
    below = rest.endswith("/**")
    segments = tuple(fold(s) for s in rest.removesuffix("/**").split("/"))
    if not all(segments) or "**" in segments:
        raise CatalogueError(f"places: pattern {source!r} has an empty segment or a ** in the middle")
    key = next((i for i, s in enumerate(segments) if not _WILD.search(s)), -1)
    if key < 0 and len(segments) > 1:
        raise CatalogueError(f"places: pattern {source!r} has no constant segment to find it by")
    regexes = tuple(re.compile(translate(s)) if _WILD.search(s) else None for s in segments)
    return Pattern(anchor, segments, regexes, below, key, negative, rule)


@cache
def packaged() -> PathRules:
    """The list that ships with Interlock, read once."""
    return load(resources.files("interlock.effects").joinpath("data/places.toml").read_text("utf-8"))
