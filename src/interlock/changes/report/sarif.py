"""The report as SARIF 2.1.0 (OASIS), for code hosts and other tools. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from interlock import __version__
from interlock.changes.decide import Report
from interlock.changes.finding import Finding, Weight
from interlock.model.visible import visible

_LEVEL = {Weight.BLOCK: "error", Weight.REVIEW: "warning", Weight.NOTE: "note"}


def sarif(report: Report) -> dict[str, Any]:
    """One SARIF log with one run. What could not be looked at is a notification, and the run not successful."""
    findings = [f for stage in report.stages for f in stage.findings]
    rules = list(dict.fromkeys(f.rule for f in findings))
    blind = [(stage.stage, problem) for stage in report.stages for problem in stage.problems]
    blind += [("intake", problem) for problem in report.problems]
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "interlock gate",
                        "version": __version__,
                        "rules": [{"id": rule} for rule in rules],
                    }
                },
                "automationDetails": {"id": f"interlock-gate/{report.head}"},
                "invocations": [
                    {
                        "executionSuccessful": not blind,
                        "exitCodeDescription": report.verdict.value,
                        "toolExecutionNotifications": [
                            {
                                "level": "error",
                                "descriptor": {"id": f"{stage}/blind"},
                                "message": {"text": visible(problem)},
                            }
                            for stage, problem in blind
                        ],
                    }
                ],
                "properties": {"verdict": report.verdict.value, "base": report.base, "head": report.head},
                "columnKind": "unicodeCodePoints",
                "results": [_result(f, rules) for f in findings],
            }
        ],
    }


def _result(found: Finding, rules: list[str]) -> dict[str, Any]:
    text = " ".join(visible(part) for part in (found.title, found.why, found.fix) if part)
    region = {"region": {"startLine": found.line, "endLine": max(found.end, found.line)}} if found.line else {}
    uri = quote(found.path.encode("utf-8", "surrogateescape"), safe="/")
    out: dict[str, Any] = {
        "ruleId": found.rule,
        "ruleIndex": rules.index(found.rule),
        "level": _LEVEL[found.weight],
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}, **region}}],
        "partialFingerprints": {"interlock/v1": found.fingerprint},
        "baselineState": "new",
    }
    if found.waived:
        out["suppressions"] = [{"kind": "external", "status": "accepted", "justification": visible(found.waived)}]
    return out
