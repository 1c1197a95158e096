"""The gate's decision over all stages, and the report that goes with it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from interlock.changes.change import Change
from interlock.changes.config import Waiver
from interlock.changes.finding import Finding, Result, Verdict, Weight, worst
from interlock.changes.risk.score import Risk


class FileLine(msgspec.Struct, frozen=True):
    """One file of the change, for the report."""

    path: str
    status: str
    added: int
    removed: int
    kind: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that is said of one change. Every rendering is made from this and nothing else."""

    verdict: Verdict
    base: str
    head: str
    fork: str
    trees: dict[str, str]
    config: str  # SHA-256 of the base's configuration; "" where it has none
    files: tuple[FileLine, ...]
    stages: tuple[Result, ...]
    commits: tuple[str, ...] = ()  # of the change, the newest first
    problems: tuple[str, ...] = ()
    seconds: float = 0.0
    risk: Risk | None = None  # of the whole change; it makes no verdict
    partial: bool = False  # only some stages were asked for: no verdict on the change as a whole

    @property
    def findings(self) -> list[Finding]:
        """Those that count, the heaviest first."""
        order = (Weight.BLOCK, Weight.REVIEW, Weight.NOTE)
        found = [f for stage in self.stages for f in stage.findings if not f.waived]
        return sorted(found, key=lambda f: (order.index(f.weight), f.path, f.line))


def decide(
    change: Change,
    results: Sequence[Result],
    *,
    seconds: float = 0.0,
    partial: bool = False,
    risk: Risk | None = None,
) -> Report:
    """Join the verdicts, after the base's waivers. Where no stage ran, nothing is known: INCONCLUSIVE."""
    stages, problems = _waived(change, results), list(change.problems)
    if not [stage for stage in stages if not stage.skipped]:
        problems.append("no stage looked at this change")
    verdict = worst([stage.verdict for stage in stages] + [Verdict.INCONCLUSIVE] * bool(problems))
    return Report(
        verdict=verdict, base=change.base, head=change.head, fork=change.fork, trees=dict(change.trees),
        config=change.config.digest, files=tuple(_files(change)), stages=tuple(stages), problems=tuple(problems),
        seconds=seconds, partial=partial, risk=risk, commits=tuple(one.name for one in change.commits),
    )  # fmt: skip


def _waived(change: Change, results: Sequence[Result]) -> list[Result]:
    """Results with the findings marked that a waiver in force covers, each waiver so often as it says."""
    left: Counter[str] = Counter()
    said: dict[str, Waiver] = {}
    for waiver in change.config.waiver:
        if change.today and waiver.until >= change.today:  # without a date no waiver is known to be in force
            left[waiver.fingerprint] += waiver.count
            said[waiver.fingerprint] = waiver
    out = []
    for result in results:
        findings = []
        for finding in result.findings:
            mark = finding.fingerprint
            if left[mark] > 0:
                left[mark] -= 1
                by = said[mark]
                findings.append(msgspec.structs.replace(finding, waived=f"{by.by}, until {by.until}: {by.why}"))
            else:
                findings.append(finding)
        out.append(msgspec.structs.replace(result, findings=tuple(findings)))
    return out


def _files(change: Change) -> list[FileLine]:
    out = []
    for file in change.files:
        side = file.after or file.before
        added, removed = (
            sum(len(part) for part in parts) for parts in ((h.new for h in file.hunks), (h.old for h in file.hunks))
        )
        out.append(FileLine(file.path, file.status, added, removed, side.kind.value if side else ""))
    return out
