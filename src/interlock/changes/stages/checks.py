"""Stage *checks*: tests weakened, deleted or skipped; linters, scanners and thresholds switched off or lowered.

What held the code up to now is the best judge of it, and the cheapest way to please a gate is to take it away.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec

from interlock.changes import shapes
from interlock.changes.change import Change, FileChange, Kind, Version
from interlock.changes.config import matches
from interlock.changes.finding import Finding, Weight
from interlock.changes.scanners import weight_of
from interlock.changes.stage import Found, Plain
from interlock.changes.testcode import Suite, Untold, suite

_GONE_NAMED = 6


def run(change: Change) -> Found:
    """Judge what the change does to what judges it."""
    findings = [_lighter(finding) for finding in shapes.new(change, shapes.load("checks"))]
    problems: list[str] = []
    for file in change.files:
        findings += _thresholds(file)
    findings += _ci(change)
    findings += _tests(change, problems)
    return Found(findings=tuple(findings), problems=tuple(problems))


_CODE = re.compile(r"\b[SB]\d{3}\b")


def _lighter(finding: Finding) -> Finding:
    """Silencing rules by name that would only be notes here is no more than a note."""
    codes = _CODE.findall(finding.text)
    if finding.rule == "checks/security-suppressed" and codes and all(weight_of(c) is Weight.NOTE for c in codes):
        return msgspec.structs.replace(finding, weight=Weight.NOTE)
    return finding


class _Threshold(NamedTuple):
    id: str
    files: tuple[str, ...]
    regex: re.Pattern[str]
    worse: str  # "lower" or "higher": which way a number is worse
    title: str


@cache
def _known() -> tuple[_Threshold, ...]:
    text = resources.files("interlock.changes.data").joinpath("thresholds.toml").read_text("utf-8")
    return tuple(
        _Threshold(t["id"], tuple(t["files"].split()), re.compile(t["regex"], re.MULTILINE), t["worse"], t["title"])
        for t in tomllib.loads(text)["threshold"]
    )


def _thresholds(file: FileChange) -> Iterator[Finding]:
    if file.before is None:
        return
    for known in _known():
        if not matches(file.old_path, known.files):
            continue
        before, after = _numbers(known, file.before), _numbers(known, file.after)
        sign = 1 if known.worse == "lower" else -1
        for name, old in before.items():
            new = after.get(name)
            if new is None or sign * new < sign * old:
                told = f"{old:g} is gone" if new is None else f"{old:g} became {new:g}"
                yield Finding(
                    rule=f"checks/{known.id}", weight=Weight.BLOCK, path=file.path, anchor=f"{name} {told}",
                    title=f"{known.title} {told}.", fix="Leave it, and bring the code up to it.",
                )  # fmt: skip


def _numbers(known: _Threshold, side: Version | None) -> dict[tuple[str, int], float]:
    """What stands before each number, and the how-manieth of these it is -> the number."""
    out: dict[tuple[str, int], float] = {}
    seen: Counter[str] = Counter()
    for match in known.regex.finditer(side.text) if side else ():
        name = re.sub(r"\W+", " ", match[0][: match.start(1) - match.start()]).strip()
        out[name, seen[name]] = float(match[1])
        seen[name] += 1
    return out


@cache
def _pipelines() -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Files that say what runs, and a step of them that runs a check: what it is called is its identity."""
    text = resources.files("interlock.changes.data").joinpath("thresholds.toml").read_text("utf-8")
    found = tomllib.loads(text)["pipeline"]
    words = "|".join(re.escape(word.strip()) for word in found["steps"].split("\n") if word.strip())
    return tuple(found["files"].split()), re.compile(rf"(?<![\w./@-])({words})(?![\w-])")


def _ci(change: Change) -> Iterator[Finding]:
    """Steps that ran a check and are nowhere in the pipelines any more."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    where: dict[str, str] = {}
    for file in change.files:
        if not matches(file.path, _pipelines()[0]) and not matches(file.old_path, _pipelines()[0]):
            continue
        for step in _steps(file.before):
            before[step] += 1
            where.setdefault(step, file.path)
        after.update(_steps(file.after))
    for step in before:
        if not after[step]:
            yield Finding(
                rule="checks/step-removed", weight=Weight.BLOCK, path=where[step], anchor=step,
                title=f"`{step}` does not run any more.", why="A check that is gone finds nothing.",
                fix="Put the step back; where another one replaces it, a person confirms that.",
            )  # fmt: skip
        elif after[step] < before[step]:
            yield Finding(
                rule="checks/step-fewer", weight=Weight.NOTE, path=where[step], anchor=step,
                title=f"`{step}` runs in {after[step]} places; it were {before[step]}.", fix="See where it went.",
            )  # fmt: skip


def _steps(side: Version | None) -> list[str]:
    if side is None or side.kind is not Kind.TEXT:
        return []
    return [m[1] for line in side.lines if not line.lstrip().startswith("#") for m in _pipelines()[1].finditer(line)]


def _tests(change: Change, problems: list[str]) -> Iterator[Finding]:
    """What became of each test that was there before."""
    suites: list[tuple[FileChange, Suite, Suite]] = []
    for file in change.files:
        if not (shapes.is_test(file.old_path) or shapes.is_test(file.path)):
            continue
        try:
            suites.append((file, suite(file.before), suite(file.after)))
        except Untold as error:
            problems.append(str(error))
    now: Counter[str] = Counter(test.name for _, _, after in suites for test in after.tests)
    bodies = {test.body for _, _, after in suites for test in after.tests}
    gone_names = _gone_names(change)
    for file, before, after in suites:
        kept = {test.name: test for test in after.tests}
        lost = [t for t in before.tests if t.name not in kept and not now[t.name] and t.body not in bodies]
        grown = len(after.tests) - len(before.tests)
        yield from _deleted(file, [t.name for t in lost if not (t.words & gone_names)], grown)
        yield from _skipped(file, before, after)
        for test in before.tests:
            if test.name in kept:
                yield from _weaker(file, test.name, before, after)


def _deleted(file: FileChange, names: list[str], grown: int) -> Iterator[Finding]:
    if not names:
        return
    told = ", ".join(names[:_GONE_NAMED]) + (
        f" and {len(names) - _GONE_NAMED} more" if len(names) > _GONE_NAMED else ""
    )
    # As many tests as before, or more: they were written anew, and a person sees whether they hold as much.
    weight = Weight.REVIEW if grown >= 0 else Weight.BLOCK
    yield Finding(
        rule="checks/test-deleted", weight=weight, path=file.path, anchor=" ".join(names),
        title=f"Tests are gone: {told}.", why="What they tested is still there.",
        fix="Put them back; where the behaviour is meant to go, take its code out in the same change.",
    )  # fmt: skip


def _skipped(file: FileChange, before: Suite, after: Suite) -> Iterator[Finding]:
    """Tests that ran and do not any more; new ones that never ran are for a person to see."""
    ran = {test.name for test in before.tests if not test.skipped}
    slept = {test.name for test in before.tests if test.skipped}
    for test in after.tests:
        if test.skipped and test.name not in slept:
            yield Finding(
                rule="checks/test-skipped", weight=Weight.BLOCK if test.name in ran else Weight.REVIEW, path=file.path,
                line=test.line, anchor=test.name, title=f"The test {test.name} is skipped, or expected to fail.",
                why="A test that does not run holds nothing.",
                fix="Mend what makes it fail; where it must wait, a person says until when.",
            )  # fmt: skip


def _weaker(file: FileChange, name: str, before: Suite, after: Suite) -> Iterator[Finding]:
    old = next(t for t in before.tests if t.name == name)
    new = next(t for t in after.tests if t.name == name)
    if old.body == new.body:
        return
    lost = sum(old.asserts.values()) - sum(new.asserts.values())
    if old.asserts and not new.asserts:
        said = ("emptied", Weight.BLOCK, f"The test {name} asserts nothing any more.", "Put the assertions back.")
    elif new.swallowed > old.swallowed:
        said = ("swallows", Weight.BLOCK, f"The test {name} catches its own failures.", "Let it fail.")
    elif new.weak > old.weak and new.strong < old.strong:
        looser = f"The test {name} asserts less: an exact value gave way to a looser condition."
        said = ("loosened", Weight.REVIEW, looser, "Assert the exact value.")
    elif lost > 0 and new.strong < old.strong:
        said = ("thinned", Weight.REVIEW, f"The test {name} has {lost} assertions fewer.", "Say what replaces them.")
    else:
        return
    rule, weight, title, fix = said
    yield Finding(
        rule=f"checks/test-{rule}", weight=weight, path=file.path, line=new.line, anchor=name, title=title, fix=fix
    )


_DEFINED = re.compile(
    r"^[ \t]*+(?:export\s++)?(?:default\s++)?(?:async\s++)?(?:def|class|function|func|fn|const|type|interface)\s++"
    r"(?:\([^)\n]{0,80}\)\s*+)?(\w++)",
    re.MULTILINE,
)


def _gone_names(change: Change) -> set[str]:
    """Functions and classes that the change takes out of the code: tests of them go with them."""
    before: set[str] = set()
    after: set[str] = set()
    for file in change.files:
        if shapes.is_test(file.path):
            continue
        for side, names in ((file.before, before), (file.after, after)):
            if side is not None:
                names.update(m[1] for m in _DEFINED.finditer(side.text))
                if side is file.before and file.after is None:
                    names.add(side.path.rpartition("/")[2].partition(".")[0])
    return before - after


STAGE = Plain("checks", run, version="3", budget=10.0)
