"""Stage *privilege*: what the change lets more people or programs do: unguarded endpoints, wider rights, reach."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.changes import shapes, yamlfiles
from interlock.changes.change import Change, FileChange, Kind
from interlock.changes.config import matches
from interlock.changes.endpoints import Endpoint, endpoints, guards, public
from interlock.changes.finding import Finding, Weight
from interlock.changes.stage import Found, Plain

_NEIGHBOURS = 40  # files of the same folder that are looked at for how endpoints are guarded here
_NOTES = 5  # on YAML among tests
_SOURCES = (".py", ".js", ".ts", ".mjs", ".cjs")


def run(change: Change) -> Found:
    """Judge what is let in."""
    findings = shapes.new(change, shapes.load("privilege"))
    problems, notes = _parse(change)
    routes = 0
    for file in change.files:
        if file.path.endswith(_SOURCES) and not shapes.is_test(file.path):
            new = list(_new(file))
            routes += len(new)
            findings += _open(file, new, change) if new else ()
    return Found(findings=tuple(findings), problems=tuple(problems), notes=tuple(notes), facts={"routes": str(routes)})


def _parse(change: Change) -> tuple[list[str], list[str]]:
    """Problems and notes on YAML that the change brings and that does not parse: what its lines say is not what runs.

    Below tests it may be broken on purpose, and no rule reads it there: a note. What rules do read there, such as a
    pipeline, is like any other.
    """
    problems: list[str] = []
    notes: list[str] = []
    for file in change.files:
        new = file.after
        if new is None or new.kind is not Kind.TEXT or (file.before is not None and file.before.oid == new.oid):
            continue
        found = yamlfiles.problems(new.path, new.text)
        if shapes.is_test(new.path) and not _read_in_tests(new.path):
            notes += [f"{problem}; it lies among tests, where that may be meant" for problem in found]
        else:
            problems += found
    return problems, notes[:_NOTES]


def _read_in_tests(path: str) -> bool:
    rules = shapes.load("privilege")
    return any(rule.tests is not None and matches(path, rule.files) for rule in rules)


def _new(file: FileChange) -> Iterator[Endpoint]:
    """Routes that were not there, or were guarded."""
    after = list(endpoints(file.after))
    before = {e.route: e for e in endpoints(file.before)} if after else {}
    for endpoint in after:
        old = before.get(endpoint.route)
        if old is None or (old.guarded and not endpoint.guarded):
            yield endpoint


def _open(file: FileChange, new: list[Endpoint], change: Change) -> Iterator[Finding]:
    before = {e.route: e for e in endpoints(file.before)}
    for endpoint in new:
        if endpoint.guarded:
            continue
        if endpoint.route in before:
            yield _finding(file, endpoint, "unguarded", Weight.BLOCK, "no longer asks who is calling")
        elif not public(endpoint):
            around = _guarded_around(file, change)
            if around:
                grave = endpoint.changes or any(mark in endpoint.route for mark in "{<:")  # it changes, or names one
                weight, says = Weight.BLOCK if grave else Weight.REVIEW, f"asks nobody who is calling; {around} do"
            else:
                # Nothing here ever asks: perhaps it is done before this program, or everything is public.
                weight, says = Weight.REVIEW if endpoint.changes else Weight.NOTE, "asks nobody who is calling"
            yield _finding(file, endpoint, "endpoint", weight, says)


def _finding(file: FileChange, endpoint: Endpoint, rule: str, weight: Weight, says: str) -> Finding:
    return Finding(
        rule=f"privilege/{rule}", weight=weight, path=file.path, line=endpoint.line, end=endpoint.end,
        anchor=endpoint.route, title=f"{endpoint.route} ({endpoint.handler}) {says}.",
        why="Whoever can reach the server can call it.",
        fix="Put the guard on it that its neighbours have; where it is meant for everybody, a person confirms that.",
    )  # fmt: skip


def _guarded_around(file: FileChange, change: Change) -> str:
    """Who else is guarded here: other endpoints of the file, or of its folder; "" where nobody is."""
    mine = [e for e in endpoints(file.before or file.after) if e.guarded]
    if mine:
        return f"{len(mine)} others of this file"
    if file.before is None and file.after is not None and any(e.guarded for e in endpoints(file.after)):
        return "others of this file"
    folder = file.path.rpartition("/")[0]
    beside = [p for p in change.paths() if p.rpartition("/")[0] == folder and p.endswith(_SOURCES) and p != file.path]
    for path in beside[:_NEIGHBOURS]:
        raw = change.read(path) or b""
        text = raw.decode("utf-8", "replace")
        if ("route" in text or "router" in text or "app." in text or "View" in text) and guards(text):
            return f"those of {path}"
    return ""


STAGE = Plain("privilege", run, version="3", budget=10.0)
