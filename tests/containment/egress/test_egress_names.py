"""Names, lists and addresses: each spelled one way, and nothing but what the list says."""

from __future__ import annotations

import ipaddress
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.containment.egress.addresses import parsed, refused
from interlock.containment.egress.allow import Allow
from interlock.containment.egress.names import NameRefused, canonical, from_list, shown
from interlock.model.errors import ConfigError


def test_an_empty_list_denies_everything_and_listens_to_nothing() -> None:
    nothing = Allow()
    assert nothing.listeners() == ()
    assert not nothing.knows("example.com")
    assert not nothing.permits("localhost", 443)
    assert not nothing.permits_address(ipaddress.ip_address("1.1.1.1"), 443)


@pytest.mark.parametrize(
    ("entry", "name", "port", "permitted"),
    [
        ("example.com", "example.com", 443, True),
        ("example.com", "example.com", 80, True),
        ("example.com", "example.com", 22, False),
        ("example.com:22", "example.com", 22, True),
        ("example.com:22", "example.com", 443, False),
        ("EXAMPLE.com.", "example.com", 443, True),
        ("example.com", "www.example.com", 443, False),
        ("example.com", "evil-example.com", 443, False),
        ("example.com", "example.com.evil.net", 443, False),
        ("example.com", "exampleXcom", 443, False),
        ("*.example.com", "a.example.com", 443, True),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "evil-example.com", 443, False),
        ("*.example.com:22", "a.example.com", 443, False),
        ("bücher.example", "xn--bcher-kva.example", 443, True),
        ("*.bücher.example", "a.xn--bcher-kva.example", 443, True),
        ("\uff45xample.com", "example.com", 443, True),
    ],
)
def test_an_entry_covers_exactly_what_it_says(entry: str, name: str, port: int, permitted: bool) -> None:
    assert Allow((entry,)).permits(name, port) is permitted


@pytest.mark.parametrize(
    "entry",
    [
        "", " ", "*", "*.", "*.com", "**.example.com", "a.*.example.com", "example.*", ".example.com",
        "a..example.com",
        "user@example.com", "user:word@example.com:443", "https://example.com", "example.com/path", "example.com:0",
        "example.com:65536", "example.com:http", "example.com:", "example.com:53", "example.com\0.evil.net",
        "example.com\n",
        "exa mple.com", "-example.com", "example-.com", "a" * 64 + ".com", ".".join(["a" * 60] * 5),
        "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.1.", "1.2.3.4.5", "256.1.1.1",
        "example.1",
        "*.1.2.3", "fa\u00df.example", "a\u200db.example", "\u2100.example", "example.com\\evil", "example.com#x",
        "[::1", "[::1]x", "10.0.0.1/8", "example.com?x", "exam\u0131\u0307\u0000ple.com", "%6c.example.com",
    ],
)  # fmt: skip
def test_an_entry_that_two_programs_could_read_in_two_ways_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError):
        Allow((entry,))


def test_lists_are_bounded() -> None:
    with pytest.raises(ConfigError):
        Allow(tuple(f"a{n}.example" for n in range(513)))
    with pytest.raises(ConfigError):
        Allow(tuple(f"a.example:{n}" for n in range(1000, 1033)))


def test_the_listeners_are_the_ports_of_the_list_and_dns() -> None:
    assert Allow(("a.example", "b.example:22")).listeners() == ("53/udp", "53/tcp", "22/tcp", "80/tcp", "443/tcp")


def test_what_answers_over_https_for_names_must_be_written_out() -> None:
    """A wildcard must not bring in a resolver that would carry any data as names."""
    packaged = resources.files("interlock.containment.egress").joinpath("reserved.toml").read_text()
    for names in tomllib.loads(packaged).values():
        for name in names:
            assert canonical(name) == name
            below = name.partition(".")[2]
            if "." in below:
                assert not Allow((f"*.{below}",)).permits(name, 443), name
            assert Allow((name,)).permits(name, 443)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "100.100.100.200", "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255",
        "192.0.0.192",
         "192.168.1.1",    "224.0.0.1", "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe",
        "::127.0.0.1",
        "64:ff9b::a9fe:a9fe", "64:ff9b::5db8:d70e", "64:ff9b:1::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1",
        "fec0::1", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "100::1", "5f00::1", "4000::1",
        "2606:4700::1%eth0",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_public_network_is_refused(address: str) -> None:
    found = parsed(address)
    assert found is not None
    assert refused(found)


@pytest.mark.parametrize(
    "address",
    [
        "203.0.113.80", "198.18.0.7", "1.1.1.1", "93.184.215.14", "172.15.255.255", "172.32.0.1", "100.63.255.255",
        "100.128.0.1", "2606:4700::6810:84e5", "2a00:1450:4001:81c::200e", "::ffff:93.184.215.14", "169.253.255.255",
        "223.255.255.255",
    ],
)  # fmt: skip
def test_an_address_of_the_public_network_is_not(address: str) -> None:
    found = parsed(address)
    assert found is not None
    assert refused(found) is None


# What is reserved for documentation and benchmarks, and used by transparent proxies and mirrors.
EXAMPLES = ("192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24")


@given(st.integers(0, (1 << 32) - 1))
def test_nothing_that_python_calls_private_gets_through(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    example = any(address in ipaddress.ip_network(network) for network in EXAMPLES)
    if not example and (not address.is_global or address.is_multicast):
        assert refused(address)
    for carrier in ("::ffff:", "64:ff9b::"):
        other = parsed(carrier + str(address))
        assert other is not None
        assert refused(other) or refused(address) is None


def test_an_inner_address_is_reached_only_when_the_list_names_it() -> None:
    inner, metadata = ipaddress.ip_address("10.2.3.4"), ipaddress.ip_address("169.254.169.254")
    assert not Allow(("db.example:5432",)).lifts("db.example", inner, 5432)
    assert Allow(("db.example:5432", "10.2.3.0/24")).lifts("db.example", inner, 5432)
    assert Allow(("db.example:5432", "10.2.3.4:5432")).lifts("db.example", inner, 5432)
    assert not Allow(("db.example:5432", "10.2.3.4:22")).lifts("db.example", inner, 5432)
    assert not Allow(("db.example", "10.0.0.0/8")).lifts("db.example", metadata, 80)
    assert Allow(("localhost:5432",)).lifts("localhost", ipaddress.ip_address("::1"), 5432)
    assert not Allow(("localhost:5432",)).lifts("db.example", ipaddress.ip_address("127.0.0.1"), 5432)
    assert not Allow(("localhost",)).lifts("localhost", inner, 80)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_a_canonical_name_is_its_own_canonical_form(text: bytes | str) -> None:
    try:
        name = canonical(text)
    except NameRefused:
        return
    assert canonical(name) == name == name.lower()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.")


@given(st.text(max_size=80))
def test_any_entry_is_a_rule_or_an_error_for_a_person(entry: str) -> None:
    told = ""
    try:
        assert len(Allow((entry,)).rules) == 1
    except ConfigError as error:
        told = str(error)
    assert told.isprintable()


@given(st.text(max_size=80))
def test_a_name_of_a_list_is_ascii_afterwards(text: str) -> None:
    try:
        name = from_list(text)
    except NameRefused:
        return
    assert name.isascii()


@given(st.one_of(st.binary(max_size=600), st.text(max_size=600)))
def test_what_is_shown_is_printable_and_bounded(text: bytes | str) -> None:
    found = shown(text)
    assert len(found) <= 253
    assert found.isascii()
    assert found.isprintable()
