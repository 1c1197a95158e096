"""Lines that should not be new, as data: regular expressions, the files they hold in, and a weight. Pure.

A rule's file is TOML; see `data/checks.toml` for the keys. What was there before the change, in any of its files, is
not new: code that moved keeps its old sins.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

import msgspec

from interlock.changes import yamlfiles
from interlock.changes.change import Change, Kind, Version
from interlock.changes.code import Parts, parts
from interlock.changes.config import matches
from interlock.changes.finding import Finding, Weight, squeezed
from interlock.changes.forward import forward
from interlock.model.errors import InternalError

# Characters on both sides of a match that count as its line, where that is longer: of minified code all is one line.
_NEAR = 2_000


class Shape(NamedTuple):
    """One rule. `part`: which part of a file it reads, see `code.Parts`, the whole `text`, or what of a migration goes
    `forward`."""

    id: str
    files: tuple[str, ...]
    outside: tuple[str, ...]
    part: str
    regex: re.Pattern[str]
    unless: re.Pattern[str] | None
    weight: Weight
    tests: Weight | None  # its weight in tests; None: it does not hold there
    title: str
    why: str
    fix: str


class _Excuses:
    """Where what excuses a line stands: looked for once a line, however many matches it has."""

    def __init__(self, unless: re.Pattern[str], text: str) -> None:
        self._unless, self._text = unless, text
        self._found: dict[tuple[int, int], list[int]] = {}

    def __call__(self, first: int, last: int, match: re.Match[str]) -> bool:
        """Whether a match in the line or lines from `first` to `last` is excused."""
        line = (first, last)
        if line not in self._found:
            self._found[line] = [m.start() for m in self._unless.finditer(self._text, first, last)]
        found = self._found[line]
        if last - first <= 2 * _NEAR:
            return bool(found)
        at = bisect_left(found, match.start() - _NEAR)
        return at < len(found) and found[at] <= match.end() + _NEAR


class _Tests(NamedTuple):
    """Patterns of the paths of tests; folders of what is deployed, and what a stage among them may be called."""

    paths: tuple[str, ...]
    deployed: frozenset[str]
    stages: frozenset[str]
    data: tuple[str, ...]


@cache
def _tests() -> _Tests:
    data = tomllib.loads(resources.files("interlock.changes.data").joinpath("scope.toml").read_text("utf-8"))["tests"]
    paths, deployed, stages, endings = (tuple(data[name].split()) for name in ("paths", "deployed", "stages", "data"))
    return _Tests(paths, frozenset(deployed), frozenset(stages), endings)


def test_paths() -> tuple[str, ...]:
    """Patterns of the paths of tests."""
    return _tests().paths


@lru_cache(maxsize=4_096)
def is_test(path: str) -> bool:
    """Whether a file is one of tests, by its name."""
    return bool(matches(path, test_paths())) and not _is_stage(path)


def _is_stage(path: str) -> bool:
    """Whether it is of a stage called `test` of what is deployed (`k8s/overlays/test/app.yaml`), and of no tests."""
    known = _tests()
    if not path.endswith(known.data):
        return False
    folders = path.split("/")[:-1]
    first = next((n for n, name in enumerate(folders) if name in known.deployed), None)
    if first is None:
        return False
    # What a chart has in `templates/tests` is started in the cluster that it is installed into.
    left = [
        name
        for n, name in enumerate(folders)
        if n < first or not (name in known.stages or (name == "tests" and folders[n - 1] == "templates"))
    ]
    return not matches("/".join([*left, path.rpartition("/")[2]]), known.paths)


@cache
def load(name: str) -> tuple[Shape, ...]:
    """The rules of one of the packaged files, such as `checks`. Raises InternalError for a rule that cannot be used."""
    text = resources.files("interlock.changes.data").joinpath(f"{name}.toml").read_text("utf-8")
    return tuple(_shape(name, entry) for entry in tomllib.loads(text).get("rule", ()))


def _shape(stage: str, entry: dict[str, str]) -> Shape:
    try:
        weight = Weight(entry["weight"])
        tests = entry.get("tests", weight.value)
        return Shape(
            f"{stage}/{entry['id']}", tuple(entry["files"].split()), tuple(entry.get("outside", "").split()),
            entry.get("part", "code"), re.compile(entry["regex"], re.MULTILINE),
            re.compile(entry["unless"], re.MULTILINE) if "unless" in entry else None,
            weight, None if tests == "off" else Weight(tests), entry["title"], entry.get("why", ""), entry["fix"],
        )  # fmt: skip
    except (KeyError, ValueError, re.error) as error:
        raise InternalError(f"rule {entry.get('id')} of {stage}.toml cannot be used: {error}") from error


def look(side: Version, rules: Iterable[Shape]) -> Iterator[Finding]:
    """What the rules find in one version of a file."""
    if side.kind is not Kind.TEXT:
        return
    mine = [rule for rule in rules if matches(side.path, rule.files) and not matches(side.path, rule.outside)]
    if not mine:
        return
    text = side.text.replace("\r\n", "\n")
    found = list(_found(side, text, mine))
    yield from found
    if side.path.endswith((".yaml", ".yml")):
        meant, lines = yamlfiles.plain(text)
        known = {(finding.rule, finding.line) for finding in found}
        for more in _found(side, meant, mine) if meant else ():
            line = lines[more.line - 1]
            if (more.rule, line) not in known:
                yield msgspec.structs.replace(more, line=line, end=max(line, lines[more.end - 1]))


def _found(side: Version, text: str, mine: Iterable[Shape]) -> Iterator[Finding]:
    told = parts(text, side.path)
    starts = [0, *(m.end() for m in re.finditer("\n", text))]
    test = is_test(side.path)
    for rule in mine:
        weight = rule.tests if test else rule.weight
        if weight is None:
            continue
        excused = _Excuses(rule.unless, text) if rule.unless else None
        for match in rule.regex.finditer(_part(rule.part, told, text, side.path)):
            line = bisect_right(starts, match.start())
            end = bisect_right(starts, max(match.start(), match.end() - 1))
            last = starts[end] if end < len(starts) else len(text)
            first = starts[line - 1]
            if excused is not None and excused(first, last, match):
                continue
            yield Finding(
                rule=rule.id, weight=weight, path=side.path, line=line, end=end,
                anchor=text[match.start() : match.end()],
                text=text[first : min(last, first + 300)].partition("\n")[0],
                title=rule.title, why=rule.why, fix=rule.fix,
            )  # fmt: skip


def _part(name: str, told: Parts, text: str, path: str) -> str:
    if name == "forward":
        return forward(told.code, text, path)
    return text if name == "text" else str(getattr(told, name))


def gone(change: Change, rules: Iterable[Shape], asked: Collection[str]) -> list[Finding]:
    """What the rules called `asked` found in the base of the changed files, and find there less often now."""
    mine = [rule for rule in rules if rule.id in asked]
    left: Counter[tuple[str, str]] = Counter()
    for file in change.files if mine else ():
        if file.after is not None:
            left.update((f.rule, squeezed(f.anchor)) for f in look(file.after, mine))
    out = []
    for file in change.files if mine else ():
        for finding in look(file.before, mine) if file.before is not None else ():
            key = (finding.rule, squeezed(finding.anchor))
            if left[key] > 0:
                left[key] -= 1
            else:
                out.append(finding)
    return out


def new(change: Change, rules: Iterable[Shape]) -> list[Finding]:
    """What the rules find that is new: on a new line, and more often than before in all files of the change."""
    after: list[tuple[bool, Finding]] = []
    rules = tuple(rules)
    for file in change.files:
        if file.after is not None:
            numbers = file.added_numbers
            after += [(any(n in numbers for n in range(f.line, f.end + 1)), f) for f in look(file.after, rules)]
    # Of the base only what could make a finding on a new line an old one is looked for: mostly nothing.
    asked = {finding.rule for added, finding in after if added}
    rules = tuple(rule for rule in rules if rule.id in asked)
    known: Counter[tuple[str, str]] = Counter()
    for file in change.files if rules else ():
        if file.before is not None:
            known.update((f.rule, squeezed(f.anchor)) for f in look(file.before, rules))
    out = []
    for added, finding in sorted(after, key=lambda pair: pair[0]):  # those on old lines are the old ones
        key = (finding.rule, squeezed(finding.anchor))
        if known[key] > 0:
            known[key] -= 1
        elif added:
            out.append(finding)
    return out
