"""DSSE envelopes around in-toto statements, opened with the key that must have signed them, and nothing believed
before.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from interlock.ledger.verify.notes import Key
from interlock.model.errors import LedgerTampered

_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"


def opened(envelope: bytes, key: Key, what: str) -> dict[str, Any]:
    """The statement in an envelope that this key has signed. Raises LedgerTampered, naming `what`, for anything else.

    It has a `predicateType`, a `predicate`, and at least one subject with digests; the caller looks at what they say.
    """
    try:
        outer = json.loads(envelope)
        payload = base64.b64decode(outer["payload"], validate=True)
        kind = outer["payloadType"]
        signatures = [base64.b64decode(one["sig"], validate=True) for one in outer["signatures"]]
        said: dict[str, Any] = json.loads(payload)
        known = kind == _PAYLOAD and said["_type"] == _STATEMENT and isinstance(said["predicateType"], str)
        digests = [subject["digest"] for subject in said["subject"]]
        predicate = said["predicate"]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
        raise LedgerTampered(f"{what} is no signed statement: {error}") from error
    if not known or not digests or not all(isinstance(one, dict) for one in [*digests, predicate]) or not signatures:
        raise LedgerTampered(f"{what} is no signed statement")
    name = _PAYLOAD.encode()
    key.check(signatures[0], b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload), what)
    return said
