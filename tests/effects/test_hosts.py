"""Hosts and environments: what a name talks to, and whose world it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from effects.fakeworld import SETTING
from interlock.effects import hosts
from interlock.effects.environments import environment_of
from interlock.effects.hosts import host_environment, host_resource
from interlock.model import labels
from interlock.model.effect import Environment, Kind
from interlock.model.errors import CatalogueError
from interlock.model.labels import RESOURCE_LABELS

LOOPBACKS = [
    "localhost", "LOCALHOST.", "foo.localhost", "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1",
    "0177.0.0.1", "017700000001", "[::1]:8080", "::1", "0.0.0.0", "0", "[::]",
    "http://user:pw@127.0.0.1:8000/x", "http://[::ffff:127.0.0.1]/", "https://%6c%6fcalhost/",
    "http://\uff11\uff12\uff17.0.0.1/", "http://127\u30020\u30020\u30021/", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
    "ip6-localhost", "ws://localhost:3000",
]  # fmt: skip


@pytest.mark.parametrize("text", LOOPBACKS)
def test_every_spelling_of_this_machine_is_loopback(text: str) -> None:
    assert labels.LOOPBACK in host_resource(text, SETTING).labels


METADATAS = [
    "169.254.169.254", "http://169.254.169.254/latest/meta-data/", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "169.254.43518", "[::ffff:169.254.169.254]", "fd00:ec2::254", "[FD00:EC2:0::254]:80",
    "metadata.google.internal", "http://metadata/computeMetadata/v1/", "METADATA.GOOGLE.INTERNAL.", "100.100.100.200",
    "169.254.170.2",
]  # fmt: skip


@pytest.mark.parametrize("text", METADATAS)
def test_every_spelling_of_the_metadata_service_is_metadata(text: str) -> None:
    assert labels.METADATA in host_resource(text, SETTING).labels


@pytest.mark.parametrize(
    "text",
    [
        "10.1.2.3",
        "192.168.0.1:22",
        "172.16.0.1",
        "100.64.1.1",
        "169.254.1.1",
        "fe80::1",
        "fc00::1",
        "printer.local",
        "db.internal",
        "host.docker.internal",
    ],
)
def test_private_networks_are_private(text: str) -> None:
    assert labels.PRIVATE in host_resource(text, SETTING).labels


@pytest.mark.parametrize(
    "text",
    [
        "172.32.0.1",
        "8.8.8.8",
        "example.com",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "1.2.3.4.5",
        "notlocalhost",
        "256.1.1.1",
        "metadata.evil.example",
    ],
)
def test_look_alikes_are_the_open_internet(text: str) -> None:
    assert host_resource(text, SETTING).labels == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://Example.COM:443/a?b#c", "example.com"),
        ("https://example.com:8443/a", "example.com:8443"),
        ("git@example.com:team/repo.git", "example.com"),
        ("example.com:team/repo", "example.com"),
        ("ssh://git@example.com:2222/x", "example.com:2222"),
        ("http://127.0.0.1@evil.example/", "evil.example"),
        ("http://evil.example\\@good.example/", "evil.example"),
        ("http://good.example#@evil.example/", "good.example"),
        ("//evil.example/x", "evil.example"),
        ("example.com.", "example.com"),
        ("[::1]:80", "[::1]:80"),
        ("http://[::1]/", "::1"),
    ],
)
def test_the_host_that_is_really_talked_to(text: str, name: str) -> None:
    found = host_resource(text, SETTING)
    assert found.kind is Kind.HOST
    assert found.name == name


def test_known_hosts_are_the_users_globs() -> None:
    assert labels.KNOWN in host_resource("https://api.example.org/x", SETTING).labels
    assert labels.KNOWN in host_resource("build.example:8443", SETTING).labels
    assert labels.KNOWN not in host_resource("build.example", SETTING).labels
    assert labels.KNOWN not in host_resource("api.example.org.evil.example", SETTING).labels


def test_registries_and_code_hosts_are_named_exactly() -> None:
    assert labels.VCS_HOST in host_resource("git@github.com:a/b", SETTING).labels
    assert labels.VCS_HOST not in host_resource("github.com.evil.example", SETTING).labels
    assert labels.REGISTRY in host_resource("https://pypi.org/simple/", SETTING).labels
    assert labels.REGISTRY not in host_resource("https://pypi.org.example/", SETTING).labels


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("169.254.169.254.nip.io", labels.METADATA),
        ("http://x.169-254-169-254.sslip.io/latest", labels.METADATA),
        ("a9fea9fe.nip.io", labels.METADATA),
        ("app.127.0.0.1.nip.io:8080", labels.LOOPBACK),
        ("10-0-0-1.nip.io", labels.PRIVATE),
        ("app.localtest.me", labels.LOOPBACK),
    ],
)
def test_names_that_spell_an_address_are_that_address(text: str, label: str) -> None:
    assert label in host_resource(text, SETTING).labels


def test_a_public_address_in_a_name_is_the_open_internet() -> None:
    assert host_resource("8.8.8.8.nip.io", SETTING).labels == ()
    assert host_resource("nip.io", SETTING).labels == ()


@pytest.mark.parametrize("text", ["", " ", "a b", "http://", "http://a\x00b/", "[::1", "a:b:c:d", "http://[zz]x/"])
def test_what_names_no_host_gets_no_label(text: str) -> None:
    assert host_resource(text, SETTING).labels == ()


@given(st.text(max_size=80))
def test_any_text_is_a_host_resource(text: str) -> None:
    found = host_resource(text, SETTING)
    assert found.kind is Kind.HOST
    assert set(found.labels) <= RESOURCE_LABELS


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_all_spellings_of_an_address_agree(value: int) -> None:
    a, b, c, d = value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255
    spellings = [
        str(value),
        hex(value),
        f"{a}.{b}.{c}.{d}",
        f"{a}.{b}.{c << 8 | d}",
        f"0{a:o}.{b}.{c}.0x{d:x}",
        f"[::ffff:{a}.{b}.{c}.{d}]",
    ]
    assert len({host_resource(s, SETTING).labels for s in spellings}) == 1


def test_host_environments() -> None:
    assert host_environment(host_resource("db.corp.example:5432", SETTING), SETTING) is Environment.STAGING
    assert host_environment(host_resource("127.1", SETTING), SETTING) is Environment.MACHINE
    assert host_environment(host_resource("db-prod.example.com", SETTING), SETTING) is Environment.PRODUCTION
    assert host_environment(host_resource("example.com", SETTING), SETTING) is Environment.UNKNOWN


@pytest.mark.parametrize(
    ("what", "name", "wanted"),
    [
        ("database", "ledger_dev", Environment.PRODUCTION),  # the user's map outweighs the hint
        ("database", "LEDGER", Environment.PRODUCTION),
        ("host", "ledger", Environment.UNKNOWN),  # a line is for its own kind of name
        ("database", "shop_prod", Environment.PRODUCTION),
        ("database", "shopProduction", Environment.PRODUCTION),
        ("database", "prod1", Environment.PRODUCTION),
        ("database", "dev-to-prod", Environment.PRODUCTION),
        ("database", "products", Environment.UNKNOWN),
        ("database", "reproduction", Environment.UNKNOWN),
        ("database", "nonprod", Environment.STAGING),
        ("database", "non-production", Environment.STAGING),
        ("database", "pre-prod", Environment.STAGING),
        ("database", "shop_stg", Environment.STAGING),
        ("database", "shop_test", Environment.DEVELOPMENT),
        ("database", "main", Environment.UNKNOWN),
        ("branch", "main", Environment.PRODUCTION),
        ("branch", "feature/x", Environment.UNKNOWN),
        ("context", "minikube", Environment.DEVELOPMENT),
        ("directory", "/srv/live/a/b", Environment.PRODUCTION),
    ],
)
def test_environment_by_map_and_by_hint(what: str, name: str, wanted: Environment) -> None:
    assert environment_of(what, name, SETTING) is wanted


@pytest.mark.parametrize("text", ["[[", '[[group]]\nlabel="nope"\nwhy="w"', '[[group]]\nlabel="private"'])
def test_a_broken_list_of_hosts_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError):
        hosts.load(text)
