"""A request on its way to another machine, where somebody signs their decision on it.

The daemon signs the bundle with the key of its ledger, so that whoever knows that key knows whose question this is. The
fingerprint, the challenge and the digest of the card are computed from the bundle, never read from it.

    {"bundle":{"cards":{…},"decide_by":"…","epoch":0,"key":"<vkey>","log":"…","made_at":"…","requests":[…],
     "schema":"interlock/bundle/v1"},"signature":"<base64>"}
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.approvals.request import Request
from interlock.ledger.entry import canonical
from interlock.ledger.note import PublicKey, Signer
from interlock.model.errors import AgentError, LedgerTampered, LedgerUnverifiable, Refused
from interlock.model.fingerprint import fingerprint

SCHEMA = "interlock/bundle/v1"
MAX_BYTES = 64 << 20  # forty cards of a megabyte, escaped
_PREFIX = SCHEMA.encode() + b"\n"


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests, with the whole of those cards that are longer than an entry (by digest)."""

    log: str
    key: str
    epoch: int
    made_at: str
    requests: tuple[Request, ...]
    cards: dict[str, str] = {}
    schema: str = SCHEMA


def pack(
    requests: Sequence[Request], cards: Mapping[str, bytes], *, signer: Signer, log: str, epoch: int, made_at: str
) -> bytes:
    """The signed bundle, as a file."""
    kept = {digest: data.decode() for digest, data in cards.items()}
    bundle = Bundle(log, str(PublicKey.of(signer)), epoch, made_at, tuple(requests), kept)
    plain = msgspec.to_builtins(bundle)
    signature = base64.b64encode(signer.sign(_PREFIX + canonical(plain))).decode()
    return canonical({"bundle": plain, "signature": signature}) + b"\n"


def unpack(raw: bytes, key: str) -> Bundle:
    """The bundle in a file, if the log with this vkey made it. Raises AgentError, Refused."""
    bundle, plain, signature = _read(raw)
    try:
        PublicKey.parse(key).verify(signature, _PREFIX + canonical(plain))
    except (LedgerTampered, LedgerUnverifiable) as error:
        raise Refused(
            f"this bundle was not made by the Interlock with the key {key[:120]}: {error}. Do not decide on it."
        ) from error
    for request in bundle.requests:
        _sound(bundle, request)
    return bundle


def claimed(raw: bytes) -> tuple[str, str]:
    """The log and the key that a bundle names, nothing of it checked. Raises AgentError."""
    bundle, _, _ = _read(raw)
    return bundle.log, bundle.key


def _read(raw: bytes) -> tuple[Bundle, dict[str, Any], bytes]:
    if len(raw) > MAX_BYTES:
        raise AgentError(f"a bundle has at most {MAX_BYTES} bytes; this has {len(raw)}.")
    try:
        found = json.loads(raw)
        plain = found["bundle"]
        return msgspec.convert(plain, Bundle), plain, base64.b64decode(found["signature"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, msgspec.ValidationError, binascii.Error) as error:
        raise AgentError(f"this is no whole bundle of requests: {error}. Export it again.") from error


def _sound(bundle: Bundle, request: Request) -> None:
    """Raises Refused unless what the bundle says of a request agrees with itself."""
    try:
        printed = fingerprint(bytes.fromhex(request.digest))
    except ValueError as error:
        raise Refused(f"request {request.id} has no digest.") from error
    if printed != request.fingerprint:
        raise Refused(f"request {request.id}: its fingerprint is not that of its digest.")
    if request.whole:
        digest = str(request.whole.get("digest", ""))
        card = bundle.cards.get(digest)
        if card is None or "sha256:" + hashlib.sha256(card.encode()).hexdigest() != digest:
            raise Refused(f"request {request.id}: the bundle does not hold the whole of its card.")
