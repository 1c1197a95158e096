"""The offline verifier: it shares no code with the writer of the log, and needs the standard library and
`cryptography`.

    from interlock.ledger.verify import verify
    report = verify(Path("export"))          # raises LedgerTampered, LedgerIncomplete, LedgerUnverifiable, LedgerForked

It never returns a verdict that a caller could forget to look at: it returns a report of a sound log, or it raises.
"""

from __future__ import annotations

from interlock.ledger.verify.attestations import check_attestation, check_review
from interlock.ledger.verify.check import Report, verify, verify_proof
from interlock.ledger.verify.halts import check_certificate, confirmed
from interlock.ledger.verify.verdicts import check_verdict, read_verdict

__all__ = [
    "Report",
    "check_attestation",
    "check_certificate",
    "check_review",
    "check_verdict",
    "confirmed",
    "read_verdict",
    "verify",
    "verify_proof",
]
