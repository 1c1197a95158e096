"""The gate's verdict as a SLSA Verification Summary (v1): a signed statement about the commit that was judged. Pure.

It says PASSED only for PASS over all stages. A verifier that trusts the gate's key need not run the stages again.
"""

from __future__ import annotations

from interlock.changes.config import PATH
from interlock.changes.decide import Report
from interlock.changes.finding import Verdict
from interlock.ledger.dsse import sealed
from interlock.ledger.note import Signer

PREDICATE = "https://slsa.dev/verification_summary/v1"
VERIFIER = "urn:interlock:gate"
LEVEL = "INTERLOCK_GATE_PASS"
_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of no configuration


def summary(report: Report, signer: Signer, *, resource: str, time: str, version: str) -> bytes:
    """The envelope. `resource` is the URI of what was judged, `time` when (RFC 3339)."""
    passed = report.verdict is Verdict.PASS and not report.partial
    stages = {stage.stage: "SKIPPED" if stage.skipped else stage.verdict.value for stage in report.stages}
    predicate = {
        "verifier": {"id": VERIFIER, "version": {"interlock": version}},
        "timeVerified": time,
        "resourceUri": resource,
        "policy": {
            "uri": f"urn:interlock:gate:{report.base}:{PATH}",
            "digest": {"sha256": report.config or _NOTHING, "gitCommit": report.base},
        },
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": [LEVEL] if passed else [],
        "slsaVersion": "1.0",
        "urn:interlock:gate:stages": stages,
    }
    subject = {"name": f"commit/{report.head}", "digest": {"gitCommit": report.head, "gitTree": report.trees["head"]}}
    return sealed(signer, [subject], PREDICATE, predicate)
