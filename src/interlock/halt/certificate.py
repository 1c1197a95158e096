"""The halt certificate: who ordered what, and the kernel's word that it was done, signed by the daemon's key.

A DSSE envelope (v1.0.2, github.com/secure-systems-lab/dsse) around an in-toto Statement v1 whose subject is the entry
of the order. What in-toto asks of a predicate: the daemon that carried the order out makes it; it says what was
confirmed and what was not; whoever must know that something stopped reads it; it is checked with the key that signs
the log's checkpoints.
"""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any, Protocol

MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "urn:interlock:predicate:halt:v1"


class Signer(Protocol):
    """The daemon's key; its name is the log's."""

    name: str
    public: bytes

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""


def certificate(signer: Signer, order: int, entry: bytes, predicate: dict[str, Any]) -> bytes:
    """The envelope, as bytes: `entry` are the bytes of the order's entry, `predicate` what was done about it."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": f"order/{order}", "digest": {"sha256": sha256(entry).hexdigest()}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {
                "keyid": sha256(signer.public).hexdigest(),
                "sig": base64.b64encode(signer.sign(to_sign(PAYLOAD_TYPE, payload))).decode(),
            }
        ],
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
