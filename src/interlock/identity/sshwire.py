"""The SSH wire format (RFC 4251, section 5), and SSH public keys of the types that may sign a decision.

Each type has exactly one encoding here: trailing bytes, over-long integers and unknown types are refused, so that no
two texts name the same key.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from interlock.model.errors import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = "ssh-ed25519"
ECDSA = "ecdsa-sha2-nistp256"
SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
TYPES = (ED25519, ECDSA, SK_ED25519, SK_ECDSA)
MAX_KEY_LINE = 1_024  # characters; the longest of the four types takes some 250 without its comment


class Reader:
    """Takes a buffer apart. Every method raises Refused when the bytes end too early."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._at = 0
        self._what = what

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise Refused(f"{self._what} is cut short. Sign again, and pass on the whole of it.")
        self._at += size
        return part

    def number(self) -> int:
        """A uint32."""
        return int.from_bytes(self.take(4))

    def string(self) -> bytes:
        """A length and its bytes."""
        return self.take(self.number())

    def mpint(self) -> int:
        """A positive integer in its shortest form."""
        raw = self.string()
        value = int.from_bytes(raw)
        if value <= 0 or raw != _mpint(value):
            raise Refused(f"{self._what} holds a number that is not in its one form.")
        return value

    def text(self) -> str:
        """A string of ASCII."""
        raw = self.string()
        if not raw.isascii():
            raise Refused(f"{self._what} holds a name that is not ASCII.")
        return raw.decode()

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._data):
            raise Refused(f"{self._what} has {len(self._data) - self._at} bytes too many.")


def string(data: bytes) -> bytes:
    """A length and its bytes."""
    return len(data).to_bytes(4) + data


def _mpint(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1)


class SshKey(msgspec.Struct, frozen=True):
    """A public key: `type` is one of `TYPES`, `point` its raw public bytes, `application` what a security key binds."""

    type: str
    point: bytes
    application: str = ""

    @property
    def blob(self) -> bytes:
        """The key's one encoding."""
        head = string(self.type.encode())
        if self.type in {ECDSA, SK_ECDSA}:
            head += string(b"nistp256")
        tail = string(self.application.encode()) if self.type in {SK_ED25519, SK_ECDSA} else b""
        return head + string(self.point) + tail

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: `SHA256:` and unpadded base64."""
        return "SHA256:" + base64.b64encode(sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def line(self) -> str:
        """As in a `.pub` file, without a comment."""
        return f"{self.type} {base64.b64encode(self.blob).decode()}"

    @property
    def in_hardware(self) -> bool:
        """Whether each signature shows that somebody touched a security key."""
        return self.type in {SK_ED25519, SK_ECDSA}

    @classmethod
    def of_blob(cls, blob: bytes) -> SshKey:
        """Raises Refused for a type that may not decide, and for bytes that are no such key."""
        reader = Reader(blob, "the SSH key")
        kind = reader.text()
        if kind not in TYPES:
            raise Refused(
                f"SSH keys of the type {kind[:40]!r} are not taken. Use one of {', '.join(TYPES)} "
                "(ssh-keygen -t ed25519)."
            )
        if kind in {ECDSA, SK_ECDSA} and reader.text() != "nistp256":
            raise Refused("the SSH key names another curve than its type.")
        point = reader.string()
        application = reader.text() if kind in {SK_ED25519, SK_ECDSA} else ""
        reader.end()
        key = cls(kind, point, application)
        key.check()
        return key

    @classmethod
    def parse(cls, line: str) -> SshKey:
        """The key in a line of a `.pub` file. Raises Refused."""
        words = line.split()
        if len(line) > MAX_KEY_LINE or len(words) < 2:
            raise Refused("this is no SSH public key: one line of type, base64 and comment (a .pub file).")
        try:
            blob = base64.b64decode(words[1], validate=True)
        except binascii.Error as error:
            raise Refused("this is no SSH public key: its second word is not base64.") from error
        key = cls.of_blob(blob)
        if words[0] != key.type or base64.b64encode(blob).decode() != words[1]:
            raise Refused("this SSH public key contradicts itself: its first word is not the type within.")
        return key

    def check(self) -> None:
        """Raises Refused unless the point is one of the curve."""
        try:
            self.load()
        except ValueError as error:
            raise Refused("the SSH key's point is not on its curve.") from error

    def load(self) -> Ed25519PublicKey | EllipticCurvePublicKey:
        """The key for `cryptography`. Raises ValueError for a point that is none."""
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if self.type in {ED25519, SK_ED25519}:
            return Ed25519PublicKey.from_public_bytes(self.point)
        if len(self.point) != 65:
            raise ValueError("a compressed point would be a second encoding of the same key")
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), self.point)
