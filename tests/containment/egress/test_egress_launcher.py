"""The whole road with nothing of ours replaced: the launcher, real programs inside, the daemon's side."""

from __future__ import annotations

import datetime
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from containment.egress.world import World
from interlock.containment.plan import Plan, Write

LAUNCHER = Path(sys.executable).parent / "interlock-run"
PUBLIC = "93.184.215.14"
BODY = b"hello from outside"


@pytest.fixture
def inside(world: World, tmp_path: Path) -> Inside:
    if not LAUNCHER.exists():
        pytest.skip("interlock-run is not installed")
    return Inside(world, tmp_path)


class Inside:
    """Runs commands with a network, each in a sandbox of its own."""

    def __init__(self, world: World, base: Path) -> None:
        self.world = world
        self.base = base
        (base / "w").mkdir()
        world.answers["good.example"] = [[PUBLIC]]

    def run(self, *argv: str, hosts: tuple[str, ...] = ("good.example",)) -> subprocess.CompletedProcess[str]:
        ident, allow = self.world.expect(*hosts)
        workspace = str(self.base / "w")
        plan = Plan(
            id=ident, argv=argv, cwd=workspace, workspace=workspace, write=Write.NONE, env=(("PATH", "/usr/bin:/bin"),),
            listeners=allow.listeners(), egress=str(self.world.path), fresh=("/run",),
        )  # fmt: skip
        (self.base / "plan").write_bytes(plan.encode())
        words = [str(LAUNCHER), "--plan", str(self.base / "plan")]
        try:
            return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        finally:
            self.summary = self.world.finish(ident)


def page(connection: socket.socket) -> None:
    """A plain server that says one thing."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        part = connection.recv(65536)
        if not part:
            return
        asked += part
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(BODY), BODY))


def tls_context(base: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "good.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("good.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (base / "certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (base / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(base / "certificate", base / "key")
    return context


curl = pytest.mark.skipif(shutil.which("curl", path="/usr/bin:/bin") is None, reason="curl is not installed")


@curl
def test_curl_reaches_a_page_of_an_allowed_host(inside: Inside) -> None:
    inside.world.upstream.script = page
    ran = inside.run("curl", "-sS", "--max-time", "20", "http://good.example/x")
    assert (ran.stdout, ran.stderr, ran.returncode) == (BODY.decode(), "", 0)
    assert inside.world.dialled == [(PUBLIC, 80)]
    assert (inside.summary.allowed, inside.summary.refused) == (1, 0)
    assert inside.summary.received > len(BODY)


@curl
def test_curl_checks_the_hosts_own_certificate(inside: Inside, tmp_path: Path) -> None:
    """TLS is between the program and the host: nothing in the middle opens it."""
    context = tls_context(tmp_path)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            page(secured)

    inside.world.upstream.script = serve
    words = ("curl", "-sS", "--max-time", "20", "--cacert", str(tmp_path / "certificate"))
    ran = inside.run(*words, "https://good.example/")
    assert (ran.stdout, ran.stderr, ran.returncode) == (BODY.decode(), "", 0)
    assert inside.world.dialled == [(PUBLIC, 443)]
    ran = inside.run("curl", "-sS", "--max-time", "20", "https://good.example/")
    assert ran.returncode == 60, "nobody vouches for this certificate"


@curl
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("http://evil.example/",), 6),  # no such name
        (("https://evil.example/",), 6),
        ((f"http://{PUBLIC}/",), 7),  # no route
        (("http://169.254.169.254/latest/meta-data/",), 7),
        (("http://[fd00:ec2::254]/",), 7),
        (("http://2852039166/",), 7),
        (("--connect-to", "evil.example:443:good.example:443", "https://evil.example/"), 35),  # another server name
        (("--doh-url", "https://1.1.1.1/dns-query", "http://evil.example/"), 6),
        (("telnet://good.example:25/",), 7),  # nothing listens there
    ],
)
def test_curl_reaches_nothing_else(inside: Inside, words: tuple[str, ...], status: int) -> None:
    ran = inside.run("curl", "-sS", "--max-time", "20", *words)
    assert ran.returncode == status, ran.stderr
    assert inside.world.dialled == []


@curl
def test_another_host_in_the_request_is_refused_with_a_reason(inside: Inside) -> None:
    ran = inside.run("curl", "-sS", "--max-time", "20", "-H", "Host: evil.example", "http://good.example/")
    assert ran.returncode == 0
    assert "evil.example" in ran.stdout
    assert "Interlock" in ran.stdout
    assert inside.world.dialled == []


def test_the_c_librarys_resolver_is_content_with_the_answers(inside: Inside) -> None:
    ran = inside.run("getent", "ahosts", "good.example")
    assert ran.stdout.startswith("127.64.0.1 ")
    assert inside.run("getent", "ahosts", "evil.example").returncode == 2


@pytest.mark.skipif(shutil.which("node", path="/usr/bin:/bin") is None, reason="node is not installed")
def test_nodes_two_resolvers_are_content_with_the_answers(inside: Inside) -> None:
    code = (
        "const dns = require('dns').promises;"
        "(async () => {"
        " console.log((await dns.lookup('good.example')).address, (await dns.resolve4('good.example'))[0]);"
        " try { await dns.resolve4('evil.example') } catch (error) { console.log(error.code) }"
        " try { await dns.resolveTxt('good.example') } catch (error) { console.log(error.code) }"
        "})()"
    )
    ran = inside.run("node", "-e", code)
    assert ran.stdout.split() == ["127.64.0.1", "127.64.0.1", "ENOTFOUND", "EREFUSED"], ran.stderr


def test_a_list_is_that_of_its_run(inside: Inside) -> None:
    assert inside.run("getent", "ahosts", "good.example", hosts=("other.example",)).returncode == 2
