"""Stage *static*: constructs that open a hole, by our own rules and our reader of flows, by scanners, and by reports.

What a scanner finds counts where the base did not have it (a multiset difference). A scanner that is not installed is a
note; one that is there and does not answer for a file is a problem.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from interlock.changes import sarifin, scanners, shapes, tools
from interlock.changes.change import Change, FileChange, Kind, Version
from interlock.changes.finding import Finding, fresh
from interlock.changes.stage import Found, Plain
from interlock.changes.stricter import Stricter
from interlock.changes.taint import findings as flows

_BUDGET = 60.0
_TOOL = 25.0  # seconds of one scanner on one side
# Rules about a check that is there, and could be better.
_CHECKS = frozenset({"static/compared-early", "static/error-swallowed", "static/error-swallowed-js"})


def run(change: Change) -> Found:
    """Judge the new lines."""
    stricter = Stricter(change)
    with ThreadPoolExecutor(1) as beside:  # scanners are programs of their own: they work while this one reads
        scanned = beside.submit(_scanned, change, stricter)
        findings = _shapes(change, stricter)
        problems = _parse(change)
        findings += flows.new(change, problems, stricter)
        more, unread, notes = scanned.result()
    findings += more
    problems += unread
    findings += _reports(change, problems)
    return Found(findings=tuple(findings), problems=tuple(problems), notes=tuple(notes))


def _shapes(change: Change, stricter: Stricter) -> list[Finding]:
    """Constructs on new lines, by how they weigh in functions that became stricter."""
    rules = shapes.load("static")
    new = shapes.new(change, rules)
    return stricter.remains(stricter.compared(new, _CHECKS), shapes.gone(change, rules, {one.rule for one in new}))


def _scanned(change: Change, stricter: Stricter) -> tuple[list[Finding], list[str], list[str]]:
    """What ruff and bandit find, what they could not read, and what is to be said of them."""
    findings: list[Finding] = []
    problems: list[str] = []
    notes: list[str] = []
    for name, scan in (("ruff", scanners.ruff), ("bandit", scanners.bandit)):
        try:
            findings += _new(change, stricter, scan, problems)
        except tools.ToolMissing:
            notes.append(f"{name} is not installed: its rules were not asked")
    if not tools.confined() and len(notes) < 2:
        notes.append("scanners ran without containment: bubblewrap is not there, or may not be used")
    return findings, problems, notes


def _python(file: FileChange) -> bool:
    return file.path.endswith((".py", ".pyi")) and not shapes.is_test(file.path)


def _parse(change: Change) -> list[str]:
    """Python that does not parse any more: no reader of it says anything worth believing."""
    import ast

    problems = []
    for file in change.files:
        if file.path.endswith(".py") and file.after is not None and file.after.kind is Kind.TEXT:
            try:
                ast.parse(file.after.text)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                problems.append(f"{file.path} does not parse: {error}")
    return problems


def _copies(sides: list[Version | None]) -> dict[str, tuple[str, bytes]]:
    texts = [side for side in sides if side is not None and side.kind is Kind.TEXT]
    return {f"f{number:05}.py": (side.path, side.data) for number, side in enumerate(texts)}


def _new(
    change: Change,
    stricter: Stricter,
    scan: Callable[[Mapping[str, tuple[str, bytes]], float], scanners.Answer],
    problems: list[str],
) -> list[Finding]:
    files = [file for file in change.files if _python(file)]
    after = scan(_copies([file.after for file in files]), _TOOL)
    problems += after.problems
    # What is not parsed of the base is no baseline: then everything counts as new. A finding is old only by one of its
    # own file, so of the base no others are read.
    hit = {finding.path for finding in after.findings}
    before = scan(_copies([file.before for file in files if file.path in hit]), _TOOL)
    new = fresh(before.findings, after.findings, renamed=change.renamed)
    gone = fresh(after.findings, before.findings, renamed={now: old for old, now in change.renamed.items()})
    return stricter.remains(new, gone)


def _reports(change: Change, problems: list[str]) -> list[Finding]:
    added = {file.path: file.added_numbers for file in change.files if file.after is not None}
    out: list[Finding] = []
    for name in change.config.sarif:
        try:
            with open(name, "rb") as file:
                out += sarifin.findings(file.read(65 << 20), added, change.head)
        except OSError as error:
            problems.append(f"the report {name} cannot be read: {error.strerror}")
        except (sarifin.Incomplete, KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(f"the report {name} is not complete: {error}")
    return out


def _reads(change: Change) -> str:
    marks = [tools.version("ruff"), tools.version("bandit"), str(tools.confined())]
    for name in change.config.sarif:
        try:
            facts = os.stat(name)
            marks.append(f"{name} {facts.st_size} {facts.st_mtime_ns}")
        except OSError:
            marks.append(f"{name} -")
    return "\n".join(marks)


STAGE = Plain("static", run, version="13", budget=_BUDGET, reads=_reads)
