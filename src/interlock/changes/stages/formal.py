"""Stage *formal*: functions and modules old against new, migrations that cannot go back, interfaces, policies.

Guard weakening by proof is in stage *guards*.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from interlock.changes import room, shapes, tools
from interlock.changes.change import Change, FileChange, Kind
from interlock.changes.driven import environment
from interlock.changes.driven import findings as walks
from interlock.changes.finding import Finding, Weight
from interlock.changes.formal import interface, migrations, policies, pythonapi, solving, versions
from interlock.changes.stage import Found, Plain
from interlock.model.errors import PolicyError

_BUDGET = 50.0
_SHARE = 0.4  # of the budget
_WALKING = 20.0  # seconds of both versions of the changed modules under the same calls


def run(change: Change) -> Found:
    """Judge what can be judged exactly, or by running."""
    findings: list[Finding] = []
    problems: list[str] = []
    facts: dict[str, str] = {}
    notes = versions.judged(change, findings, problems, facts)
    seconds = min(_WALKING, _SHARE * change.config.budgets.get("formal", _BUDGET))
    told = {_about(one) for one in findings if one.rule == "formal/accepts-more"}
    findings += (one for one in walks.judged(change, notes, facts, seconds=seconds) if _about(one) not in told)
    paths = frozenset(change.paths())
    for file in change.files:
        findings += _migration(file, paths)
    findings += interface.judged(change, problems, notes)
    findings += pythonapi.judged(change, problems, notes)
    findings += _policies(change, problems)
    return Found(findings=tuple(findings), problems=tuple(problems), notes=tuple(notes), facts=facts)


def _about(finding: Finding) -> tuple[str, str]:
    """The file and the function that a difference is in: one that pure runs showed is not shown by walks as well."""
    return finding.path, finding.anchor.partition(" ")[0]


def _migration(file: FileChange, paths: Container[str]) -> Iterator[Finding]:
    side = file.after
    if (
        side is None
        or side.kind is not Kind.TEXT
        or not migrations.is_migration(file.path)
        or shapes.is_test(file.path)
    ):
        return
    new = file.added_numbers
    for doubt in migrations.doubts(side.path, side.text, paths):
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


def _reads(change: Change) -> str:
    kept = environment.identity(change)
    return f"{tools.confined()} {room.usable()} {walks.programs()} {solving.available()} {pythonapi.available()} {kept}"


STAGE = Plain("formal", run, version="21", budget=_BUDGET, reads=_reads)
