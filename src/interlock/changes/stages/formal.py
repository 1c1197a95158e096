"""Stage *formal*: pure functions run side by side, migrations that cannot go back, interfaces that break, policies.

Guard weakening by proof is in stage *guards*. Nothing here is ever called proved: a function is TESTED n, or DIFFERS
with an example.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.changes import shapes, tools
from interlock.changes.change import Change, FileChange, Kind
from interlock.changes.finding import Finding, Weight
from interlock.changes.formal import differ, interface, migrations, policies, pythonapi
from interlock.changes.formal.pure import Pair, pairs
from interlock.changes.stage import Found, Plain
from interlock.model.errors import PolicyError

_BUDGET = 30.0
_TOGETHER = 20.0  # seconds of all functions
_MOST = 60  # functions that are run


def run(change: Change) -> Found:
    """Judge what can be judged exactly, or by running."""
    findings: list[Finding] = []
    problems: list[str] = []
    facts: dict[str, str] = {}
    notes = _functions(change, findings, problems, facts)
    for file in change.files:
        findings += _migration(file)
        findings += interface.judged(file, problems, notes)
    findings += pythonapi.judged(change, problems, notes)
    findings += _policies(change, problems)
    return Found(findings=tuple(findings), problems=tuple(problems), notes=tuple(notes), facts=facts)


def _both(file: FileChange) -> tuple[str, str] | None:
    if file.before is None or file.after is None or {file.before.kind, file.after.kind} != {Kind.TEXT}:
        return None
    return file.before.text, file.after.text


def _functions(change: Change, findings: list[Finding], problems: list[str], facts: dict[str, str]) -> list[str]:
    """Old and new side by side; what cannot be contained is not run, and said so."""
    asked: list[tuple[str, Pair]] = []
    for file in change.files:
        sides = _both(file)
        if sides and file.path.endswith(".py") and not shapes.is_test(file.path):
            asked += [(file.path, pair) for pair in pairs(*sides)]
    if not asked:
        return []
    if not tools.confined():
        return [differ.UNCONTAINED]
    chosen = asked[:_MOST]
    try:
        answers = differ.run([pair for _, pair in chosen], seconds=_TOGETHER)
    except (tools.ToolMissing, tools.ToolFailed) as error:
        problems.append(f"functions could not be run side by side: {error}")
        return []
    for (path, pair), answer in zip(chosen, answers, strict=True):
        facts[f"{path}:{pair.name}"] = answer.label + (f" ({answer.reason})" if answer.reason else "")
        if answer.label == "DIFFERS":
            findings.append(_differs(path, pair, answer))
    left = len(asked) - len(chosen)
    return [f"{left} more functions were not run side by side"] * bool(left)


def _differs(path: str, pair: Pair, answer: differ.Answer) -> Finding:
    title = f"{pair.name}({answer.given}) {answer.was} before, {answer.now} now."
    if answer.was and not answer.was.startswith("raises"):
        title = f"{pair.name}({answer.given}) gave {answer.was}, and now: {answer.now}."
    if answer.loosened:
        call = f"{pair.name}({answer.given})"
        title = f"{pair.name}() accepts what it refused: {call} {answer.was} before, gives {answer.now} now."
    return Finding(
        rule="formal/accepts-more" if answer.loosened else "formal/differs",
        weight=Weight.REVIEW if answer.loosened else Weight.NOTE, path=path, line=pair.line,
        anchor=f"{pair.name} {answer.given}", title=title,
        why="Both versions were run on the same arguments, in containment.", fix="See that this is what was asked for.",
    )  # fmt: skip


def _migration(file: FileChange) -> Iterator[Finding]:
    side = file.after
    if (
        side is None
        or side.kind is not Kind.TEXT
        or not migrations.is_migration(file.path)
        or shapes.is_test(file.path)
    ):
        return
    new = file.added_numbers
    for doubt in migrations.doubts(side.text):
        if doubt.line in new:
            yield Finding(
                rule=f"formal/migration-{doubt.rule}", weight=Weight.REVIEW if doubt.grave else Weight.NOTE,
                path=file.path, line=doubt.line, anchor=side.lines[doubt.line - 1],
                text=side.lines[doubt.line - 1].strip()[:300], title=doubt.title, fix=doubt.fix,
            )  # fmt: skip


def _policies(change: Change, problems: list[str]) -> Iterator[Finding]:
    paths = [file.path for file in change.files if file.path.endswith(".cedar")]
    if not paths:
        return
    try:
        named, count = policies.loosened(change, paths)
    except PolicyError as error:
        problems.append(f"the changed policies cannot be compared: {error}")
        return
    if count:
        yield Finding(
            rule="formal/policy-decides-otherwise", weight=Weight.REVIEW, path=paths[0], anchor=" ".join(sorted(paths)),
            title=f"The changed policies decide {count} written-down situations otherwise.", why="; ".join(named) + ".",
            fix="`interlock policy diff OLD NEW` says of every possible request what changes.",
        )  # fmt: skip


def _reads(_change: Change) -> str:
    return f"{tools.confined()} {pythonapi.available()}"


STAGE = Plain("formal", run, version="2", budget=_BUDGET, reads=_reads)
