"""Signed notes, verifier keys and strict JSON, as the verifier reads them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from interlock.model.errors import LedgerTampered, LedgerUnverifiable

_DASH = "\u2014 "
_KEY = re.compile(r"([^\s+]{1,128})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_SCHEMA = re.compile(r"interlock/([a-z0-9_.-]{1,64})/v1")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")
_SAFE = 2**53 - 1
MAX_NOTE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Key:
    """An Ed25519 verifier key."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        """`name+id+base64(0x01 || key)`; raises `LedgerUnverifiable`."""
        match = _KEY.fullmatch(text.strip())
        if match is None:
            raise LedgerUnverifiable(f"{text[:60]!r} is not a verifier key of the form name+id+base64")
        data = base64.b64decode(match[3])
        key = cls(match[1], data[1:])
        if data[:1] != b"\x01" or len(data) != 33 or key.id.hex() != match[2]:
            raise LedgerUnverifiable(f"{text[:60]!r} is not an Ed25519 key, or its id does not fit")
        return key

    @property
    def id(self) -> bytes:
        """The key id of signed-note."""
        return sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([1]) + self.public).decode()}"

    def check(self, signature: bytes, message: bytes, what: str) -> None:
        """Raises `LedgerTampered`, naming `what`, unless the signature is this key's."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise LedgerTampered(f"{what}: the signature of {self.name}+{self.id.hex()} does not hold") from error


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint with its signatures, not yet checked."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[tuple[str, bytes], ...]  # (key name, key id and signature)

    @classmethod
    def parse(cls, raw: bytes, what: str) -> Note:
        """Raises `LedgerTampered`, naming `what`, for anything that is not a checkpoint."""
        try:
            note = raw.decode()
            if len(raw) > MAX_NOTE or not note.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", note):
                raise LedgerTampered(f"{what} is cut short, or is no signed note")
            at = note.rindex("\n\n")
            text, tail = note[: at + 1], note[at + 2 :].split("\n")[:-1]
            origin, size, root = text.split("\n")[:3]
            signatures = tuple(_signature(line) for line in tail)
            digest = base64.b64decode(root, validate=True)
        except (ValueError, binascii.Error) as error:
            raise LedgerTampered(f"{what} is cut short, or is no signed note of origin, size and root") from error
        exact = base64.b64encode(digest).decode() == root and len(digest) == 32
        if not (origin and exact and signatures and _NUMBER.fullmatch(size)) or "" in text.split("\n")[:-1]:
            raise LedgerTampered(f"{what} is no signed note of origin, size and root")
        return cls(origin, int(size), digest, text.encode(), signatures)

    def check(self, key: Key, what: str) -> None:
        """Raises unless `key` has signed: `LedgerUnverifiable` when it has not, `LedgerTampered` when it does not
        hold.
        """
        for name, data in self.signatures:
            if name == key.name and data[:4] == key.id:
                key.check(data[4:], self.text, what)
                return
        raise LedgerUnverifiable(
            f"{what} is not signed by {key.name}+{key.id.hex()}, the key that was valid at {self.size} entries"
        )


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not name:
        raise ValueError("a signature line starts with a dash and a name")
    return name, base64.b64decode(encoded, validate=True)


def read_entry(raw: bytes, index: int) -> tuple[str, str, dict[str, Any]]:
    """Kind, time and body of an entry; raises `LedgerTampered` for what is not canonical."""
    try:
        value = json.loads(raw, object_pairs_hook=_no_twins, parse_float=_not_exact, parse_constant=_not_exact)
        again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise LedgerTampered(f"entry {index} is not JSON of the ledger's form: {error}") from error
    if again != raw or not isinstance(value, dict) or set(value) != {"body", "schema", "time"}:
        raise LedgerTampered(f"entry {index} is not in canonical form")
    body, time = value["body"], value["time"]
    schema = _SCHEMA.fullmatch(value["schema"]) if isinstance(value["schema"], str) else None
    if schema is None or not isinstance(body, dict) or not isinstance(time, str) or not _TIME.fullmatch(time):
        raise LedgerTampered(f"entry {index} has no schema, body and time that this verifier knows")
    if _beyond(body):
        raise LedgerTampered(f"entry {index} holds an integer that is not exact in every reader")
    return schema[1], time, body


def _beyond(value: object) -> bool:
    if isinstance(value, dict):
        return any(_beyond(item) for item in value.values())
    if isinstance(value, list):
        return any(_beyond(item) for item in value)
    return isinstance(value, int) and not -_SAFE <= value <= _SAFE


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _not_exact(text: str) -> Any:
    raise ValueError(f"{text[:32]} is not an integer")
