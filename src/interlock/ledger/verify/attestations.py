"""An attestation of a commit, judged from its bundle and the commit object alone: offline, and nothing believed.

A bundle is `{"schema", "envelope", "entry", "proof"}`: the signed statement, the ledger entry that names its digest,
and the proof that the entry is in a log whose checkpoint the same key has signed.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from interlock.ledger.verify.check import verify_proof
from interlock.ledger.verify.envelopes import opened
from interlock.ledger.verify.notes import Key, read_entry
from interlock.model.errors import LedgerTampered

_PREDICATE = "https://slsa.dev/provenance/v1"
_REVIEW = "urn:interlock:review:v1"
_BUILD = "urn:interlock:build:agent-commit:v1"


def check_attestation(bundle: bytes, commit: bytes, key: str) -> dict[str, Any]:
    """The statement about a commit, whose object is `commit`; `key` is the log's vkey.

    Raises LedgerTampered where a signature, a digest or the proof does not hold, or where it is of another commit, and
    LedgerUnverifiable for another key's.
    """
    found, body = _recorded(bundle, "attestation", key)
    _about(found, body, commit)
    definition = _predicate(found, _PREDICATE).get("buildDefinition")
    inside = definition.get("internalParameters") if isinstance(definition, dict) else None
    known = isinstance(definition, dict) and definition.get("buildType") == _BUILD
    if not known or not isinstance(inside, dict) or not _acts(inside.get("actions")):
        raise LedgerTampered("the attestation is no provenance of a commit under Interlock")
    return found


def check_review(bundle: bytes, commit: bytes, key: str) -> dict[str, Any]:
    """The same for what somebody said of a commit that they looked at, or tested (`interlock review`)."""
    found, body = _recorded(bundle, "review", key)
    _about(found, body, commit)
    said = _predicate(found, _REVIEW)
    by = said.get("by")
    if not isinstance(by, dict) or not all(isinstance(value, str) for value in by.values()):
        raise LedgerTampered("the review names nobody")
    if said.get("role") not in ("critic", "tester") or said.get("says") not in ("ok", "no"):
        raise LedgerTampered("the review says nothing that this verifier knows")
    return found


def _recorded(bundle: bytes, wanted: str, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The statement of a bundle that an entry of this kind names, and the entry's body."""
    try:
        said = json.loads(bundle)
        schema, entry, proof = said["schema"], said["entry"].encode(), said["proof"].encode()
        envelope = json.dumps(said["envelope"], sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LedgerTampered(f"the attestation is no bundle of envelope, entry and proof: {error}") from error
    if schema != f"interlock.{wanted}/1":
        raise LedgerTampered("the attestation is no bundle of a form that this verifier knows")
    where = verify_proof(proof, entry, key)
    kind, _, body = read_entry(entry, where["index"])
    named = body.get("statement")
    digest = "sha256:" + hashlib.sha256(envelope).hexdigest()
    if kind != wanted or not isinstance(named, dict) or named.get("digest") != digest:
        raise LedgerTampered("the entry is not about this attestation: it was replaced after it was recorded")
    found = opened(envelope, Key.parse(key), "the attestation")
    return {**found, "entry": where["index"], "log": where["origin"]}, body


def _about(said: dict[str, Any], body: dict[str, Any], commit: bytes) -> None:
    digests = {name: value for subject in said["subject"] for name, value in subject["digest"].items()}
    name = hashlib.sha1(b"commit %d\0%s" % (len(commit), commit), usedforsecurity=False).hexdigest()
    tree = commit.partition(b"\n")[0].removeprefix(b"tree ").decode("ascii", "replace")
    if digests.get("gitCommit") != name or digests.get("sha256") != hashlib.sha256(commit).hexdigest():
        raise LedgerTampered(f"the attestation is of another commit than {name}")
    if digests.get("gitTree") != tree or body.get("commit") != name or body.get("tree") != tree:
        raise LedgerTampered(f"the attestation is of another tree than {tree}, the one of {name}")


def _predicate(said: dict[str, Any], kind: str) -> dict[str, Any]:
    found = said["predicate"]
    if said["predicateType"] != kind or not isinstance(found, dict):
        raise LedgerTampered(f"the attestation is none of the kind {kind}")
    return found


def _acts(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(one, dict) and isinstance(one.get("entry"), int) for one in found)
