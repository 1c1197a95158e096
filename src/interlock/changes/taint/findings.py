"""New flows of a change as findings: the changed modules with those that import them and those that they import.

The base is read in the same way, and only what it does not have is new (a multiset over rule, line and source, so code
that moved keeps its old sins). Tests are not read.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from interlock.changes import shapes
from interlock.changes.change import Change, Kind, Version
from interlock.changes.finding import Finding, Weight, squeezed
from interlock.changes.stricter import Stricter
from interlock.changes.taint.program import absolute, names_of
from interlock.changes.taint.reader import Flow, read
from interlock.changes.taint.rules import rules

_BESIDE = 150  # modules beside the changed ones that are read with them
_SEARCHED = 8_000  # files that are searched for who imports a changed one
_ORDER = (Weight.BLOCK, Weight.REVIEW, Weight.NOTE)


def new(change: Change, problems: list[str], stricter: Stricter) -> list[Finding]:
    """The findings that the change adds, by how they weigh in stricter functions; `problems`: what was not followed."""
    after, before = _texts(change, after=True), _texts(change, after=False)
    if not after:
        return []
    beside = _beside(change, after)
    now = read({**beside, **after})
    problems += [f"taint: {said}" for said in now.problems if said.partition(":")[0].partition(" ")[0] in after]
    found = _findings(now.flows)
    if not found:
        return []
    # What does not parse of the base is no baseline: then everything counts as new.
    old = _findings(read({**beside, **before}).flows)
    return stricter.remains(_minus(found, old), _minus(old, found))


def _minus(left: list[Finding], right: list[Finding]) -> list[Finding]:
    """What `left` has and `right` has not, as multisets."""
    known = Counter(map(_key, right))
    out = []
    for finding in left:
        if known[_key(finding)] > 0:
            known[_key(finding)] -= 1
        else:
            out.append(finding)
    return out


def _readable(side: Version | None) -> bool:
    if side is None or side.kind is not Kind.TEXT or not side.path.endswith(".py"):
        return False
    return not shapes.is_test(side.path)


def _texts(change: Change, *, after: bool) -> dict[str, str]:
    sides = [file.after if after else file.before for file in change.files]
    return {side.path: side.text for side in sides if side is not None and _readable(side)}


def _beside(change: Change, changed: dict[str, str]) -> dict[str, str]:
    """Unchanged modules: first those that the changed ones import, then those that import them."""
    touched = {path for file in change.files for path in (file.path, file.old_path)}
    paths = [p for p in change.paths() if p.endswith(".py") and p not in touched and not shapes.is_test(p)]
    by_name: dict[str, str] = {}
    for path in paths:
        for name in names_of(path):
            by_name.setdefault(name, path)
    wanted = {by_name[name] for path, text in changed.items() for name in imported(path, text) if name in by_name}
    chosen = sorted(wanted)
    if len(paths) <= _SEARCHED and len(chosen) < _BESIDE:
        chosen += sorted(_importers(change, changed, [path for path in paths if path not in wanted]))
    chosen = chosen[:_BESIDE]
    return {path: raw.decode("utf-8", "replace") for path, raw in change.reads(chosen).items() if raw is not None}


def _importers(change: Change, changed: dict[str, str], paths: list[str]) -> Iterable[str]:
    own = {name for path in changed for name in names_of(path) if name}
    lasts = {name.rpartition(".")[2] for name in own}
    word = re.compile(
        rb"^\s*(?:from|import)\b[^\n]*\b(?:" + b"|".join(re.escape(n.encode()) for n in sorted(lasts)) + rb")\b", re.M
    )
    for path, raw in change.reads(paths).items():
        if raw is not None and word.search(raw) and own & imported(path, raw.decode("utf-8", "replace")):
            yield path


def imported(path: str, text: str) -> set[str]:
    """The dotted names of all modules that a file may mean by its imports; none where it does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(path, node.module, node.level)
            found.add(origin)
            found.update(f"{origin}.{alias.name}" for alias in node.names)
    return found


def _key(finding: Finding) -> tuple[str, str]:
    return finding.rule, squeezed(finding.anchor)


def _findings(flows: list[Flow]) -> list[Finding]:
    """One for each place and category: that of the gravest source."""
    places: dict[tuple[str, str, int], list[Finding]] = defaultdict(list)
    for flow in flows:
        weight = rules().categories[flow.category].weights.get(flow.kind)
        if weight is not None:
            places[flow.category, flow.path, flow.line].append(_finding(flow, weight))
    return [min(found, key=lambda one: _ORDER.index(one.weight)) for found in places.values()]


def _finding(flow: Flow, weight: Weight) -> Finding:
    category = rules().categories[flow.category]
    title = category.title
    if flow.source:
        title = f"A value of {flow.source} {category.title}." if flow.kind != "parameter" else (
            f"{flow.source[0].upper()}{flow.source[1:]} of {flow.function}() {category.title}."
        )  # fmt: skip
    shown = re.sub(r"(['\"])[^'\"]*\1", r"\1…\1", flow.text) if flow.category == "key" else flow.text
    return Finding(
        rule=f"static/flow-{flow.category}", weight=weight, path=flow.path, line=flow.line,
        anchor=f"{flow.text} <- {flow.kind}", title=title, text=shown[:300], fix=category.fix,
        why=" ".join(part for part in (_way(flow), category.why, f"CWE-{category.cwe}.") if part),
    )  # fmt: skip


def _way(flow: Flow) -> str:
    """The places between source and sink, as text."""
    if not flow.way:
        return ""
    steps = [f"{p.path}:{p.line}" + (f" `{p.text[:80]}`" if p.line != flow.line else "") for p in flow.way]
    return f"The way: {' → '.join(steps)}."
