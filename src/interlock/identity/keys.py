"""Keys of an installation: the root key, which only changes keys, and the daemon's key, which signs checkpoints.

Where a private key is looked for, in this order:
1. an explicit URI: `file:/path/to/key.pem`, or `credential:NAME`;
2. a systemd credential of the key's name (`$CREDENTIALS_DIRECTORY/<name>`), which systemd decrypts for the service
   alone;
3. `<directory>/<name>.key`, PKCS#8, mode 0600, encrypted when a passphrase is given, made when it is not there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.ledger.files import private_directory, write_atomic
from interlock.ledger.note import PublicKey, valid_name
from interlock.model.errors import StateError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_KEY_FILE = 16 * 1024


class Ed25519Key:
    """A private key in memory; a `Signer` of the ledger."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        if not valid_name(name):
            raise StateError(f"{name!r} cannot name a key: no spaces and no plus")
        self.name = name
        self.public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._private = private

    @classmethod
    def generate(cls, name: str) -> Ed25519Key:
        """A new key from the system's randomness."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Ed25519Key:
        """The key of 32 secret bytes (RFC 8032)."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return self._private.sign(message)

    @property
    def vkey(self) -> str:
        """The public half, as verifiers want it."""
        return str(PublicKey.of(self))

    def pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8, encrypted with `passphrase` when one is given."""
        from cryptography.hazmat.primitives import serialization as out

        lock = out.BestAvailableEncryption(passphrase) if passphrase else out.NoEncryption()
        return self._private.private_bytes(out.Encoding.PEM, out.PrivateFormat.PKCS8, lock)

    @property
    def public_pem(self) -> bytes:
        """The public half as SubjectPublicKeyInfo, for verifiers that know no vkey."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def __repr__(self) -> str:
        return f"<Ed25519Key {self.vkey}>"  # never the private half


def load_pem(name: str, data: bytes, where: str, passphrase: bytes | None = None) -> Ed25519Key:
    """The key in PKCS#8 text; raises `StateError` when it is none, or locked."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(data, passphrase)
    except TypeError as error:
        raise StateError(f"the key in {where} is encrypted; give its passphrase") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise StateError(f"{where} holds no private key that can be read with this passphrase") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise StateError(f"the key in {where} is not an Ed25519 key")
    return Ed25519Key(name, private)


def load_or_create(
    directory: Path,
    which: str,
    name: str,
    *,
    uri: str = "",
    environ: Mapping[str, str],
    passphrase: bytes | None = None,
) -> Ed25519Key:
    """The key `which` ("root", "daemon") of an installation, named `name` in signatures; see the module's text.

    `environ` is the process's environment. Raises `StateError` when a key is asked for that is not there, or that
    others could read.
    """
    if uri:
        return load_pem(name, _read(_of_uri(uri, environ)), uri, passphrase)
    credential = _credential(f"interlock.{which}", environ)
    if credential is not None and credential.is_file():
        return load_pem(name, _read(credential), str(credential), passphrase)
    private_directory(directory)
    path = directory / f"{which}.key"
    if not path.exists():
        key = Ed25519Key.generate(name)
        write_atomic(path, key.pem(passphrase), sync=True)
        write_atomic(directory / f"{which}.vkey", f"{key.vkey}\n".encode(), sync=True, mode=0o644)
        return key
    return load_pem(name, _read(path), str(path), passphrase)


def _of_uri(uri: str, environ: Mapping[str, str]) -> Path:
    scheme, _, rest = uri.partition(":")
    if scheme == "file" and rest.startswith("/"):
        return Path(rest)
    if scheme == "credential" and rest:
        path = _credential(rest, environ)
        if path is None:
            raise StateError(f"{uri} needs a systemd service with that credential; $CREDENTIALS_DIRECTORY is not set")
        return path
    raise StateError(f"{uri!r} does not say where a key is: write file:/path/to/key.pem or credential:NAME")


def _credential(name: str, environ: Mapping[str, str]) -> Path | None:
    directory = environ.get("CREDENTIALS_DIRECTORY", "")
    return Path(directory) / name if directory and "/" not in name else None


def _read(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise StateError(f"the key in {path} cannot be read: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(handle)
        if state.st_uid not in {os.geteuid(), 0} or state.st_mode & 0o077:
            raise StateError(f"the key in {path} is open to other users; run: chmod 600 {path}")
        return file.read(MAX_KEY_FILE)
