"""A daemon whose panel is served beyond this machine, over TLS, with a provider of identities beside it."""

from __future__ import annotations

import base64
import socket
import ssl
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.daemon.conftest import Guard
from tests.panel.provider import CLIENT, SECRET, Provider

from interlock.daemon.client import call

FAR = "/login/oidc"


def certified(folder: Path, name: str = "localhost") -> None:
    """A certificate of its own making, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in {name, "localhost"}]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=True, content_commitment=False, key_encipherment=False,
                          data_encipherment=False, key_agreement=False, crl_sign=False, encipher_only=False,
                          decipher_only=False), critical=True)
        .sign(key, SHA256())
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "panel.pem").write_bytes(made.public_bytes(Encoding.PEM))
    file = folder / "panel.key"
    file.touch(0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def free() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return int(one.getsockname()[1])


def trusted(folder: Path) -> str:
    """The digest of the certificate's public key there."""
    found = x509.load_pem_x509_certificate((folder / "panel.pem").read_bytes()).public_key()
    digest = sha256(found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return base64.b64encode(digest).decode()


class Far:
    """A daemon, its provider, and its address for other machines."""

    def __init__(self, base: Path, name: str = "localhost") -> None:
        self.provider = Provider()
        self.guard = Guard(base)
        self.name, self.port = name, free()
        certified(self.guard.home.config, name)
        secret = self.guard.home.config / "oidc.secret"
        secret.touch(0o600)
        secret.write_text(SECRET)
        self.guard.configure(f"""
[ask]
hold_seconds = 0
[containment]
shell = "off"
[panel.remote]
listen = ["127.0.0.1"]
port = {self.port}
name = "{name}"
certificate = "panel.pem"
key = "panel.key"
[panel.remote.oidc]
issuer = "{self.provider.issuer}"
client_id = "{CLIENT}"
secret_file = "oidc.secret"
readers = ["auditor"]
groups = "teams"
reader_groups = ["engineering"]
people = {{ "ada-at-work" = "ada", "gone" = "nobody", "ada@example.com" = "ada" }}
""")
        self.guard.start()
        change = {"name": "ada", "groups": ["approvers"]}
        call(self.guard.home, "people.change", {"kind": "person.add", "change": change})
        self.base = f"https://{name}:{self.port}"

    def client(self) -> httpx2.Client:
        context = ssl.create_default_context(cafile=str(self.guard.home.config / "panel.pem"))
        headers = {"host": f"{self.name}:{self.port}", "origin": self.base}
        return httpx2.Client(base_url=f"https://localhost:{self.port}", verify=context, headers=headers)

    def back(self, http: httpx2.Client) -> httpx2.Response:
        """To the provider, and back to the panel."""
        begun = http.get(FAR)
        assert begun.status_code == 303
        gone = httpx2.get(begun.headers["location"])
        return http.get(gone.headers["location"])

    def enter(self, http: httpx2.Client) -> httpx2.Response:
        page = self.back(http)
        assert page.status_code == 200, page.text
        link = page.text.split('name="link" value="')[1].split('"')[0]
        return http.post("/login", data={"link": link})

    def trusted(self) -> str:
        """The certificate's public key, as `--ignore-certificate-errors-spki-list` of Chromium takes it for trusted."""
        return trusted(self.guard.home.config)

    def serving(self) -> ssl.SSLContext:
        """With what somebody else serves pages under the same name."""
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(self.guard.home.config / "panel.pem", self.guard.home.config / "panel.key")
        return found

    def invite(self, name: str, seconds: int = 600) -> str:
        """The link with which this person makes a passkey."""
        return str(call(self.guard.home, "people.invite", {"name": name, "seconds": seconds})["link"])

    def close(self) -> None:
        self.guard.kill()
        self.provider.close()

    def logins(self) -> list[dict[str, Any]]:
        return [entry["body"] for entry in self.guard.entries("panel.login")]
