"""DSSE envelopes (v1.0.2, github.com/secure-systems-lab/dsse) around in-toto Statements v1, signed with Ed25519.

The key's id is the SHA-256 of its 32 public bytes, hex. A statement is plain JSON: sorted, without spaces, ASCII.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from interlock.ledger.note import Signer

MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"


def sealed(signer: Signer, subject: Sequence[dict[str, Any]], kind: str, predicate: dict[str, Any]) -> bytes:
    """The envelope of a statement: `kind` is the URI of its predicate."""
    statement = {"_type": STATEMENT, "subject": list(subject), "predicateType": kind, "predicate": predicate}
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    signature = base64.b64encode(signer.sign(to_sign(PAYLOAD_TYPE, payload))).decode()
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": sha256(signer.public).hexdigest(), "sig": signature}],
    }
    return json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()


def to_sign(kind: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def statement(envelope: bytes) -> dict[str, Any]:
    """What an envelope holds, unchecked: for showing it. Raises ValueError, KeyError, TypeError."""
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(envelope)["payload"], validate=True))
    return found
