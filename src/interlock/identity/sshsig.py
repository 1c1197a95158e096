"""SSH signatures over a message, as `ssh-keygen -Y sign` makes and `ssh-keygen -Y verify` checks them.

The format is OpenSSH's PROTOCOL.sshsig; security keys (`sk-`) are its PROTOCOL.u2f. A signature is bound to a
namespace, so that one made for another purpose (a git commit, a file) can never stand for a decision.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256, sha512
from typing import Protocol

import msgspec

from interlock.identity.sshwire import ED25519, Reader, SshKey, string
from interlock.model.errors import Refused

DECISION = "interlock-decision@v1"
PEOPLE = "interlock-people@v1"
HALT = "interlock-halt@v1"
REVIEW = "interlock-review@v1"
MAX_ARMOURED = 8 * 1024  # characters; one of a security key takes some 600
_MAGIC = b"SSHSIG"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_HASHES = {"sha256": sha256, "sha512": sha512}
_PRESENT, _VERIFIED = 0x01, 0x04  # flags of a security key (WebAuthn, section 6.1)


class Signed(msgspec.Struct, frozen=True):
    """A signature that holds: whose key it is, and what its security key says of the person (`verified`: PIN or
    fingerprint).
    """

    key: SshKey
    verified: bool = False
    counter: int | None = None


class SshSigner(Protocol):
    """Something that signs as an SSH key does."""

    @property
    def key(self) -> SshKey:
        """The public half."""

    def sign(self, data: bytes) -> bytes:
        """The signature blob (RFC 4253, section 6.6) over `data`."""


def verify(armoured: str, message: bytes, namespace: str) -> Signed:
    """Who signed `message` for `namespace`. Raises Refused: nobody, for another purpose, or with a key of no use."""
    key, made_for, algorithm, blob = _parse(armoured)
    if made_for != namespace:
        raise Refused(
            f"the signature was made for {made_for[:60]!r}, not for {namespace!r}: sign again with -n {namespace}."
        )
    digest = _HASHES[algorithm](message).digest()
    signed = _covered(namespace, algorithm, digest)
    reader = Reader(blob, "the signature")
    if reader.text() != key.type:
        raise Refused("the signature's algorithm is not that of its key.")
    raw = reader.string()
    if not key.in_hardware:
        reader.end()
        _check(key, raw, signed)
        return Signed(key)
    flags, counter = reader.take(1)[0], reader.number()
    reader.end()
    if not flags & _PRESENT:
        raise Refused("the security key says that nobody touched it: a decision needs a touch.")
    application = sha256(key.application.encode()).digest()
    tail = bytes([flags]) + counter.to_bytes(4) + sha256(signed).digest()
    _check(key, raw, application + tail)
    return Signed(key, verified=bool(flags & _VERIFIED), counter=counter)


def sign(signer: SshSigner, message: bytes, namespace: str) -> str:
    """The armoured signature, which `ssh-keygen -Y verify` takes as well."""
    signed = _covered(namespace, "sha512", sha512(message).digest())
    blob = signer.sign(signed)
    body = _MAGIC + (1).to_bytes(4) + string(signer.key.blob) + string(namespace.encode()) + string(b"")
    body += string(b"sha512") + string(blob)
    text = base64.b64encode(body).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def _covered(namespace: str, algorithm: str, digest: bytes) -> bytes:
    return _MAGIC + string(namespace.encode()) + string(b"") + string(algorithm.encode()) + string(digest)


def _parse(armoured: str) -> tuple[SshKey, str, str, bytes]:
    if len(armoured) > MAX_ARMOURED:
        raise Refused(f"the signature has {len(armoured)} characters; none takes more than {MAX_ARMOURED}.")
    lines = armoured.strip().splitlines()
    if len(lines) < 3 or lines[0].strip() != _BEGIN or lines[-1].strip() != _END:
        raise Refused(
            f"this is no SSH signature: it begins with {_BEGIN} and ends with {_END} (ssh-keygen -Y sign makes one)."
        )
    try:
        body = base64.b64decode("".join(line.strip() for line in lines[1:-1]), validate=True)
    except binascii.Error as error:
        raise Refused("the SSH signature is not base64: it was cut or changed on its way.") from error
    reader = Reader(body, "the SSH signature")
    if reader.take(6) != _MAGIC or reader.number() != 1:
        raise Refused("this is no SSH signature of version 1.")
    key = SshKey.of_blob(reader.string())
    namespace = reader.text()
    reserved = reader.string()
    algorithm = reader.text()
    blob = reader.string()
    reader.end()
    if reserved or algorithm not in _HASHES:
        raise Refused("the SSH signature uses a hash or a field that is not known here.")
    return key, namespace, algorithm, blob


def _check(key: SshKey, raw: bytes, signed: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    public = key.load()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            reader = Reader(raw, "the signature")
            pair = encode_dss_signature(reader.mpint(), reader.mpint())
            reader.end()
            public.verify(pair, signed, ec.ECDSA(SHA256()))
        else:
            public.verify(raw, signed)
    except (InvalidSignature, ValueError) as error:
        raise Refused(
            f"the signature of {key.fingerprint} does not fit what it should be for: it was made for another text, "
            "or changed. Sign exactly the text that is shown."
        ) from error


def ecdsa_blob(kind: str, r: int, s: int) -> bytes:
    """The signature blob of an ECDSA signature (RFC 5656, section 3.1.2)."""
    pair = b"".join(string(value.to_bytes(value.bit_length() // 8 + 1)) for value in (r, s))
    return string(kind.encode()) + string(pair)


def plain_blob(raw: bytes) -> bytes:
    """The signature blob of an Ed25519 signature (RFC 8709, section 6)."""
    return string(ED25519.encode()) + string(raw)
