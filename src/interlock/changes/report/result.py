"""The gate's verdict as a Simple Verification Result (in-toto, v0.1): the stages that passed, as properties. Pure.

It has no way to say that something failed: a stage that found something, was not asked, or could not look is left out.
Beside it stands the summary (`summary.py`), which says PASSED or FAILED of the whole.
"""

from __future__ import annotations

from interlock.changes.decide import Report
from interlock.changes.finding import Verdict
from interlock.changes.report.summary import LEVEL, VERIFIER, policy, subject
from interlock.ledger.dsse import sealed
from interlock.ledger.note import Signer

PREDICATE = "https://in-toto.io/attestation/svr/v0.1"


def result(report: Report, signer: Signer, *, commit: bytes, time: str, version: str) -> bytes:
    """The envelope. `commit` is the object of the commit that was judged, `time` when (RFC 3339)."""
    predicate = {
        "verifier": {"id": VERIFIER, "version": {"interlock": version}, "policy": policy(report)},
        "timeCreated": time,
        "properties": properties(report),
    }
    return sealed(signer, [subject(report, commit)], PREDICATE, predicate)


def properties(report: Report) -> list[str]:
    """`INTERLOCK_SECRETS_PASS` for each stage that was asked and passed; `INTERLOCK_GATE_PASS` for all of the gate.

    Where part of the change could not be taken in, no stage has seen all of it: none.
    """
    if report.problems:
        return []
    passed = [one for one in report.stages if one.verdict is Verdict.PASS and not one.skipped and not one.unasked]
    whole = report.verdict is Verdict.PASS and not report.partial
    return sorted(f"INTERLOCK_{one.stage.upper()}_PASS" for one in passed) + [LEVEL] * whole
