"""The halt certificate: who ordered what, and the kernel's word that it was done, signed by the daemon's key.

A DSSE envelope around an in-toto Statement v1 whose subject is the entry of the order. What in-toto asks of a
predicate: the daemon that carried the order out makes it; it says what was confirmed and what was not; whoever must
know that something stopped reads it; it is checked with the key that signs the log's checkpoints.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from interlock.ledger.dsse import sealed
from interlock.ledger.note import Signer

PREDICATE_TYPE = "urn:interlock:predicate:halt:v1"


def certificate(signer: Signer, order: int, entry: bytes, predicate: dict[str, Any]) -> bytes:
    """The envelope, as bytes: `entry` are the bytes of the order's entry, `predicate` what was done about it."""
    subject = {"name": f"order/{order}", "digest": {"sha256": sha256(entry).hexdigest()}}
    return sealed(signer, [subject], PREDICATE_TYPE, predicate)
