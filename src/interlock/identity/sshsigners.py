"""Who can make an SSH signature on this machine: a key file, the agent of SSH, or `ssh-keygen` itself.

An unencrypted Ed25519 or ECDSA file is read and used here. Everything else (a file with a passphrase, a security key)
is left to the agent when it holds the key, and otherwise to `ssh-keygen -Y sign`, which asks for the passphrase or the
touch itself: the passphrase never passes through Interlock.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.identity import sshsig
from interlock.identity.sshwire import ECDSA, ED25519, Reader, SshKey, string
from interlock.model.errors import NotFound, OperatorError, Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MAX_FILE = 64 * 1024
_MAX_ANSWER = 256 * 1024  # an agent that holds hundreds of keys
_SECONDS = 60.0  # a person may have to confirm, or to touch a security key
_LIST, _LISTED, _SIGN, _SIGNED = 11, 12, 13, 14  # draft-ietf-sshm-ssh-agent, section 6.1


class FileSigner:
    """A private key in memory."""

    def __init__(self, private: Ed25519PrivateKey | EllipticCurvePrivateKey) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        raw = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        self._private = private
        self.key = SshKey.parse(raw.decode())

    def sign(self, data: bytes) -> bytes:
        """The signature blob over `data`."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self._private, Ed25519PrivateKey):
            return sshsig.plain_blob(self._private.sign(data))
        return sshsig.ecdsa_blob(ECDSA, *decode_dss_signature(self._private.sign(data, ec.ECDSA(SHA256()))))


class AgentSigner:
    """A key that an SSH agent holds; each signature is one request to it."""

    def __init__(self, path: str, key: SshKey) -> None:
        self._path = path
        self.key = key

    def sign(self, data: bytes) -> bytes:
        """The signature blob over `data`. Raises Refused when the agent or its person declines."""
        reply = _ask_agent(self._path, _SIGN, string(self.key.blob) + string(data) + (0).to_bytes(4))
        if reply[:1] != bytes([_SIGNED]):
            raise Refused(f"the SSH agent did not sign with {self.key.fingerprint}: it refused, or nobody confirmed.")
        reader = Reader(reply[1:], "the SSH agent's answer")
        blob = reader.string()
        reader.end()
        return blob


def signature(message: bytes, namespace: str, file: Path | None, environ: Mapping[str, str]) -> str:
    """The armoured signature over `message`: by the key in `file`, or by the agent's only key where none is named.

    `file` may be a private key, or the `.pub` file of one that the agent or a security key holds. Raises NotFound,
    Refused, OperatorError.
    """
    if file is None:
        return sshsig.sign(_only_one(environ), message, namespace)
    text = _read(file)
    private = None if text.lstrip().startswith(("ssh-", "ecdsa-", "sk-")) else _private(text.encode(), file)
    if private is not None:
        return sshsig.sign(private, message, namespace)
    held = _held(environ)
    public = file if text.lstrip().startswith(("ssh-", "ecdsa-", "sk-")) else file.with_name(f"{file.name}.pub")
    if public.exists():
        key = SshKey.parse(_read(public))
        if any(key == known for known in held):
            return sshsig.sign(AgentSigner(environ["SSH_AUTH_SOCK"], key), message, namespace)
    return _by_ssh_keygen(message, namespace, file)


def _private(data: bytes, file: Path) -> FileSigner | None:
    """The key in a private key file; None where a passphrase or a device is needed, or the type is another."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data[:64] else load_pem_private_key
    try:
        private = load(data, None)
    except (TypeError, UnsupportedAlgorithm):
        return None
    except ValueError as error:
        if "password" in str(error).lower() or "bcrypt" in str(error).lower():
            return None
        raise Refused(f"{file} holds no private key that can be read: {error}") from error
    if isinstance(private, Ed25519PrivateKey):
        return FileSigner(private)
    if isinstance(private, EllipticCurvePrivateKey) and isinstance(private.curve, SECP256R1):
        return FileSigner(private)
    raise Refused(
        f"the key in {file} is of a type that is not taken: use {ED25519} or {ECDSA} (ssh-keygen -t ed25519)."
    )


def _held(environ: Mapping[str, str]) -> list[SshKey]:
    """The keys of the agent that may decide; [] where no agent runs."""
    path = environ.get("SSH_AUTH_SOCK", "")
    if not path:
        return []
    reply = _ask_agent(path, _LIST, b"")
    if reply[:1] != bytes([_LISTED]):
        return []
    reader = Reader(reply[1:], "the SSH agent's list")
    found = []
    for _ in range(reader.number()):
        blob = reader.string()
        reader.string()  # the comment
        try:
            found.append(SshKey.of_blob(blob))
        except Refused:
            continue  # RSA, certificates: they may stay in the agent, they decide nothing here
    return found


def _only_one(environ: Mapping[str, str]) -> AgentSigner:
    held = _held(environ)
    if len(held) == 1:
        return AgentSigner(environ["SSH_AUTH_SOCK"], held[0])
    if held:
        raise NotFound(f"the SSH agent holds {len(held)} keys that could sign. Name one: --key ~/.ssh/id_ed25519.pub")
    raise NotFound("no SSH agent with a key that could sign. Name a key file: --key ~/.ssh/id_ed25519")


def _ask_agent(path: str, kind: int, body: bytes) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
            agent.settimeout(_SECONDS)
            agent.connect(path)
            agent.sendall(string(bytes([kind]) + body))
            size = int.from_bytes(_exactly(agent, 4))
            if not 0 < size <= _MAX_ANSWER:
                raise OperatorError(f"the SSH agent on {path} answers what is no answer.")
            return _exactly(agent, size)
    except OSError as error:
        raise OperatorError(
            f"the SSH agent on {path} does not answer: {error.strerror or error}. Check $SSH_AUTH_SOCK, or name a key "
            "file with --key."
        ) from error


def _exactly(agent: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = agent.recv(size - len(data))
        if not part:
            raise OperatorError("the SSH agent hung up in the middle of its answer.")
        data += part
    return data


def _by_ssh_keygen(message: bytes, namespace: str, file: Path) -> str:
    """OpenSSH's own program signs; it speaks to the person through the terminal."""
    try:
        done = subprocess.run(  # noqa: S603 - the person named the file, and the words are ours
            ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", os.fspath(file)],  # noqa: S607
            input=message,
            capture_output=True,
            timeout=_SECONDS * 2,
            check=False,
        )
    except FileNotFoundError as error:
        raise NotFound(f"{file} needs a passphrase or a device, and ssh-keygen is not installed here.") from error
    except subprocess.TimeoutExpired as error:
        raise OperatorError("ssh-keygen waited too long for a passphrase or a touch.") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Refused(f"ssh-keygen did not sign with {file}: {said[-1] if said else 'it gave no reason'}")
    return done.stdout.decode("ascii", "replace")


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_FILE).decode("utf-8", "replace")
    except OSError as error:
        raise OperatorError(f"cannot read {file}: {error.strerror}.") from error
