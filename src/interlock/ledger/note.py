"""Signed notes and checkpoints, byte for byte as C2SP writes them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).

A checkpoint is: the origin, the size of the tree, the root hash (standard base64), an empty line, and for each
signature a line of an em dash, the key's name, and base64 of the 4-byte key id and the Ed25519 signature.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256
from typing import NamedTuple, Protocol

from interlock.model.errors import InternalError, LedgerTampered, LedgerUnverifiable

ED25519 = b"\x01"  # signature type of signed-note
MAX_NOTE_BYTES = 64 * 1024  # sixteen post-quantum signatures, as signed-note asks verifiers to accept
MAX_ORIGIN = 128
_NAME = re.compile(r"[^\s+\x00-\x20\x7f]{1,128}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Signer(Protocol):
    """Something that signs with Ed25519: a key in memory, or a device that never gives its key away."""

    @property
    def name(self) -> str:
        """The key name that stands in signature lines."""

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key (RFC 8032)."""

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""


class PublicKey(NamedTuple):
    """A named Ed25519 public key; `str()` is its vkey, as `sumdb/note` and C2SP write it."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def of(cls, signer: Signer) -> PublicKey:
        """The public half of a signer."""
        return cls(signer.name, signer.public)

    @classmethod
    def parse(cls, vkey: str) -> PublicKey:
        """The key in a vkey line; raises `LedgerUnverifiable` when it is none that we know."""
        name, _, rest = vkey.strip().partition("+")
        given, _, encoded = rest.partition("+")
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise LedgerUnverifiable(f"this is not a verifier key (name+id+base64): {vkey[:80]!r}") from error
        key = cls(name, data[1:])
        if not valid_name(name) or data[:1] != ED25519 or len(data) != 33 or key.key_id.hex() != given:
            raise LedgerUnverifiable(f"this is not an Ed25519 verifier key (name+id+base64): {vkey[:80]!r}")
        return key

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises `LedgerTampered` unless `signature` is this key's over `message`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise LedgerTampered(f"a signature is not that of the key {self.name}+{self.key_id.hex()}") from error


class Checkpoint(NamedTuple):
    """What a log signs: that its first `size` entries have this root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def valid_name(name: str) -> bool:
    """Whether signed-note takes `name` as a key name (and tlog-checkpoint as an origin)."""
    return bool(_NAME.fullmatch(name))


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note of a checkpoint."""
    text = checkpoint.text()
    key = PublicKey.of(signer)
    signature = signer.sign(text.encode())
    if len(signature) != 64:
        raise InternalError(f"the signer {signer.name} gave {len(signature)} bytes instead of an Ed25519 signature")
    return f"{text}\n\u2014 {key.name} {base64.b64encode(key.key_id + signature).decode()}\n"


def parse_checkpoint(note: str) -> Checkpoint:
    """The checkpoint in a signed note, **not yet verified**; raises `LedgerTampered` when it is none."""
    text, _, _ = _split(note)
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise LedgerTampered("the checkpoint is not made of origin, size and root")
    origin, size, root = lines[:3]
    try:
        digest = base64.b64decode(root, validate=True)
    except binascii.Error as error:
        raise LedgerTampered("the checkpoint's root hash is not base64") from error
    if not _SIZE.fullmatch(size) or len(digest) != 32 or base64.b64encode(digest).decode() != root:
        raise LedgerTampered("the checkpoint's size or root hash is malformed")
    return Checkpoint(origin, int(size), digest)


def open_checkpoint(note: str, key: PublicKey) -> Checkpoint:
    """The checkpoint in a signed note, verified with `key`; raises `LedgerTampered` or `LedgerUnverifiable`."""
    text, _, signatures = _split(note)
    for line in signatures:
        name, _, encoded = line.partition(" ")
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise LedgerTampered(f"the signature of {name!r} on the checkpoint is not base64") from error
        if name == key.name and data[:4] == key.key_id:
            key.verify(data[4:], text.encode())
            return parse_checkpoint(note)
    raise LedgerUnverifiable(f"the checkpoint is not signed by {key.name}+{key.key_id.hex()}")


def _split(note: str) -> tuple[str, str, list[str]]:
    """The signed text, the separator, and the signature lines without their dash."""
    if len(note) > MAX_NOTE_BYTES or not note.endswith("\n") or any(c < " " and c != "\n" for c in note):
        raise LedgerTampered("the checkpoint is not a signed note: it is cut short, or holds control characters")
    head, gap, tail = note.rpartition("\n\n")
    lines = tail.splitlines()
    if not gap or not lines or not all(line.startswith("\u2014 ") for line in lines):
        raise LedgerTampered("the checkpoint is not a signed note: it has no signature lines")
    return head + "\n", gap, [line[2:] for line in lines]
