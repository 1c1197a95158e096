"""Things that sign, as people have them: SSH keys, security keys and passkeys, all in software."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.identity.authenticator import Authenticator, of_ssh
from interlock.identity.sshsig import ecdsa_blob, sign
from interlock.identity.sshsigners import FileSigner
from interlock.identity.sshwire import SK_ECDSA, SK_ED25519, SshKey, string

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def ssh_key() -> FileSigner:
    return FileSigner(Ed25519PrivateKey.generate())


def of(signer: Any) -> Authenticator:
    return of_ssh(signer.key.line)


def signed(signer: Any, statement: bytes, namespace: str) -> str:
    return sign(signer, statement, namespace)


class SecurityKey:
    """A FIDO security key as OpenSSH uses it (PROTOCOL.u2f)."""

    def __init__(self, *, ecdsa: bool = False, flags: int = PRESENT, application: str = "ssh:") -> None:
        self._private: Any = ec.generate_private_key(ec.SECP256R1()) if ecdsa else Ed25519PrivateKey.generate()
        form = (Encoding.X962, PublicFormat.UncompressedPoint) if ecdsa else (Encoding.Raw, PublicFormat.Raw)
        point = self._private.public_key().public_bytes(*form)
        self.key = SshKey(SK_ECDSA if ecdsa else SK_ED25519, point, application)
        self.flags = flags
        self.counter = 7

    def sign(self, data: bytes) -> bytes:
        self.counter += 1
        tail = bytes([self.flags]) + self.counter.to_bytes(4)
        signed = sha256(self.key.application.encode()).digest() + tail + sha256(data).digest()
        if self.key.type == SK_ECDSA:
            r, s = decode_dss_signature(self._private.sign(signed, ec.ECDSA(SHA256())))
            return ecdsa_blob(SK_ECDSA, r, s) + tail
        return string(SK_ED25519.encode()) + string(self._private.sign(signed)) + tail


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Passkey:
    """An authenticator and the browser in front of it (WebAuthn level 2): real CBOR, real signatures."""

    origin: str = "http://localhost:7777"
    flags: int = PRESENT | VERIFIED
    count: int = 0
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: Ed25519PrivateKey.generate().private_bytes_raw())

    def cose(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})

    def _client(self, kind: str, challenge: bytes) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": b64(challenge), "origin": self.origin, "crossOrigin": False}
        ).encode()

    def _data(self, site: str, more: bytes = b"") -> bytes:
        flags = self.flags | (ATTESTED if more else 0)
        return sha256(site.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count) + more

    def create(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.create` gives back."""
        cose = self.cose()
        data = self._data(options["rp"]["id"], bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose)
        response = {
            "clientDataJSON": b64(self._client("webauthn.create", unb64(options["challenge"]))),
            "attestationObject": b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response})

    def get(self, options: dict[str, Any], *, site: str = "") -> str:
        """What `navigator.credentials.get` gives back."""
        self.count += 1
        data = self._data(site or options["rpId"])
        client = self._client("webauthn.get", unb64(options["challenge"]))
        signature = self.private.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(signature),
        }
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response})
