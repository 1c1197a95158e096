"""The report as JSON values. Pure."""

from __future__ import annotations

import json
from typing import Any

from interlock.changes.decide import Report
from interlock.changes.finding import Finding, Result
from interlock.model.visible import visible

SCHEMA = "interlock.gate.report/1"
_FINDINGS, _FILES = 40, 300  # that are kept


def facts(report: Report) -> dict[str, Any]:
    """One JSON object; texts of the change are written so that they show what they are."""
    return {
        "schema": SCHEMA,
        "verdict": report.verdict.value,
        "partial": report.partial,
        "base": report.base,
        "head": report.head,
        "fork": report.fork,
        "trees": report.trees,
        "commits": list(report.commits),
        "config": report.config,
        "problems": [visible(problem) for problem in report.problems],
        "seconds": round(report.seconds, 3),
        "files": [
            {"path": visible(f.path), "status": f.status, "added": f.added, "removed": f.removed, "kind": f.kind}
            for f in report.files
        ],
        "risk": _risk(report),
        "stages": [_stage(stage) for stage in report.stages],
    }


def kept(report: Report) -> bytes:
    """The same as it is kept with a ledger: of each stage the 40 heaviest findings, the first 300 files and commits."""
    said = facts(report)
    for stage in said["stages"]:
        stage["more"] = max(0, len(stage["findings"]) - _FINDINGS)
        del stage["findings"][_FINDINGS:]
    for name in ("files", "commits"):
        del said[name][_FILES:]
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _risk(report: Report) -> dict[str, Any] | None:
    risk = report.risk
    if risk is None:
        return None
    return {
        "probability": round(risk.probability, 4),
        "basis": risk.basis,
        "reasons": [visible(reason) for reason in risk.reasons],
        "people": risk.people,
        "who": visible(risk.who),
        "freezes": [visible(reason) for reason in risk.freezes],
        "files": [visible(path) for path in risk.files],
    }


def _stage(stage: Result) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "verdict": None if stage.skipped else stage.verdict.value,
        "skipped": stage.skipped,
        "unasked": stage.unasked,
        "seconds": round(stage.seconds, 3),
        "budget": stage.budget,
        "cached": stage.cached,
        "problems": [visible(problem) for problem in stage.problems],
        "notes": [visible(note) for note in stage.notes],
        "facts": {visible(k): visible(v) for k, v in stage.facts.items()},
        "findings": [finding(f) for f in stage.findings],
    }


def finding(found: Finding) -> dict[str, Any]:
    """One finding with its fingerprint."""
    return {
        "rule": found.rule,
        "weight": found.weight.value,
        "path": visible(found.path),
        "line": found.line,
        "title": visible(found.title),
        "why": visible(found.why),
        "fix": visible(found.fix),
        "text": visible(found.text),
        "fingerprint": found.fingerprint,
        "waived": visible(found.waived),
    }
