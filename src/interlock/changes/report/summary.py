"""The gate's verdict as a SLSA Verification Summary (v1): a signed statement about the commit that was judged. Pure.

It says PASSED only for PASS over all stages. A verifier that trusts the gate's key need not run the stages again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from interlock.changes.config import PATH
from interlock.changes.decide import Report
from interlock.changes.finding import Result, Verdict
from interlock.changes.report.facts import kept
from interlock.ledger.dsse import sealed
from interlock.ledger.note import Signer

PREDICATE = "https://slsa.dev/verification_summary/v1"
VERIFIER = "urn:interlock:gate"
REPORT = "urn:interlock:gate:report"
LEVEL = "INTERLOCK_GATE_PASS"
_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of no configuration


def subject(report: Report, commit: bytes) -> dict[str, Any]:
    """The commit and its tree. `commit` is its object, whose SHA-256 holds where SHA-1 does not."""
    digests = {"gitCommit": report.head, "gitTree": report.trees["head"], "sha256": sha256(commit).hexdigest()}
    return {"name": f"commit/{report.head}", "digest": digests}


def policy(report: Report) -> dict[str, Any]:
    """The rules: the configuration of the base, and the commit that has it."""
    return {
        "uri": f"urn:interlock:gate:{report.base}:{PATH}",
        "digest": {"sha256": report.config or _NOTHING, "gitCommit": report.base},
    }


def summary(report: Report, signer: Signer, *, commit: bytes, resource: str, time: str, version: str) -> bytes:
    """The envelope. `commit` is the object of what was judged and `resource` its URI, `time` when (RFC 3339). It names
    the report by the digest of what is kept of it (`facts.kept`).
    """
    passed = report.verdict is Verdict.PASS and not report.partial
    stages = {stage.stage: _said(stage) for stage in report.stages}
    predicate = {
        "verifier": {"id": VERIFIER, "version": {"interlock": version}},
        "timeVerified": time,
        "resourceUri": resource,
        "policy": policy(report),
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": [LEVEL] if passed else [],
        "slsaVersion": "1.0",
        "urn:interlock:gate:stages": stages,
        REPORT: {"sha256": sha256(kept(report)).hexdigest()},
    }
    return sealed(signer, [subject(report, commit)], PREDICATE, predicate)


def _said(stage: Result) -> str:
    if stage.skipped:
        return "SKIPPED"
    return "NOT_ASKED" if stage.unasked else stage.verdict.value
