"""A verdict of the change gate, judged from its envelope and the commit object alone: offline, and nothing believed.

Two documents say it: a SLSA verification summary (PASSED or FAILED of the whole), and a Simple Verification Result,
which lists what passed and has no way to say more.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from interlock.ledger.verify.envelopes import opened
from interlock.ledger.verify.notes import Key
from interlock.model.errors import LedgerPolicyFailed, LedgerTampered

_SUMMARY = "https://slsa.dev/verification_summary/v1"
_RESULT = "https://in-toto.io/attestation/svr/v0.1"
_VERIFIER = "urn:interlock:gate"


class GateVerdict(NamedTuple):
    """What a sound document says: of which commit, when, by whose rules, and the properties that hold."""

    commit: str
    time: str
    policy: str
    properties: tuple[str, ...]
    statement: dict[str, Any]


def check_verdict(
    envelope: bytes, key: str, *, commit: bytes | None = None, wanted: tuple[str, ...] = ()
) -> GateVerdict:
    """The verdict; `key` is the gate's vkey, `commit` the object of the commit that it has to be about.

    Raises LedgerTampered where the signature does not hold or it is no verdict of a gate or another commit's, and
    LedgerPolicyFailed where it says FAILED, or not all of the `wanted` properties.
    """
    found = read_verdict(envelope, key, commit=commit)
    missing = [name for name in wanted if name not in found.properties]
    if missing:
        raise LedgerPolicyFailed(f"the gate's verdict is sound and does not say {', '.join(missing)}")
    if found.statement["predicate"].get("verificationResult", "PASSED") != "PASSED":
        raise LedgerPolicyFailed(f"the gate's verdict on {found.commit[:12]} is sound, and it is no pass")
    return found


def read_verdict(envelope: bytes, key: str, *, commit: bytes | None = None) -> GateVerdict:
    """The same, whatever the verdict is."""
    said = opened(envelope, Key.parse(key), "the gate's verdict")
    found = _read(said)
    if commit is not None:
        _about(said["subject"], commit)
    return found


def _read(said: dict[str, Any]) -> GateVerdict:
    inside, kind = said["predicate"], said["predicateType"]
    try:
        if kind == _SUMMARY:
            policy, listed, time = inside["policy"], inside["verifiedLevels"], inside["timeVerified"]
            known = inside["verificationResult"] in ("PASSED", "FAILED")
        else:
            policy, listed, time = inside["verifier"]["policy"], inside["properties"], inside["timeCreated"]
            known = kind == _RESULT
        verifier, commit = inside["verifier"]["id"], said["subject"][0]["digest"]["gitCommit"]
        properties, rules = tuple(listed), policy["digest"]["gitCommit"]
    except (KeyError, TypeError, IndexError) as error:
        raise LedgerTampered(f"the document is no verdict of a gate: {error}") from error
    words = (commit, time, rules, *properties)
    if not known or verifier != _VERIFIER or not all(isinstance(word, str) for word in words):
        raise LedgerTampered("the document is no verdict of a gate")
    return GateVerdict(commit, time, rules, properties, said)


def _about(subject: list[dict[str, Any]], commit: bytes) -> None:
    name = hashlib.sha1(b"commit %d\0%s" % (len(commit), commit), usedforsecurity=False).hexdigest()
    tree = commit.partition(b"\n")[0].removeprefix(b"tree ").decode("ascii", "replace")
    wanted = {"gitCommit": name, "gitTree": tree, "sha256": hashlib.sha256(commit).hexdigest()}
    if len(subject) != 1 or any(subject[0]["digest"].get(kind) != digest for kind, digest in wanted.items()):
        raise LedgerTampered(f"the gate's verdict is of another commit than {name}")
