"""Which addresses a contained run is never connected to, unless its list names the address itself.

The table is the special-purpose registries of IANA and the metadata services of clouds; `ipaddress`'s own properties
differ between versions of Python. An address that carries another one inside (mapped, translated) is judged by that
one.
"""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Ranges for documentation and benchmarks are not here: no network's own services live in them, and transparent proxies
# and mirrors answer every name with one of them. The first that holds the address is named, so the particular ones come
# first.
_V4 = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("169.254.169.254/32", "a cloud's metadata service"),
        ("169.254.170.0/24", "a cloud's metadata service"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("100.100.100.200/32", "a cloud's metadata service"),
        ("192.0.0.192/32", "a cloud's metadata service"),
        ("0.0.0.0/8", "this machine"),
        ("127.0.0.0/8", "this machine"),
        ("10.0.0.0/8", "a private network"),
        ("172.16.0.0/12", "a private network"),
        ("192.168.0.0/16", "a private network"),
        ("100.64.0.0/10", "a private network"),
        ("169.254.0.0/16", "the local link"),
        ("192.0.0.0/24", "reserved"),
        ("192.88.99.0/24", "reserved"),
        ("224.0.0.0/4", "many machines at once"),
        ("240.0.0.0/4", "reserved"),
    )
)
_V6 = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("fd00:ec2::254/128", "a cloud's metadata service"),
        ("fd20:ce::254/128", "a cloud's metadata service"),
        ("::1/128", "this machine"),
        ("::/128", "this machine"),
        ("fc00::/7", "a private network"),
        ("fec0::/10", "a private network"),
        ("fe80::/10", "the local link"),
        ("ff00::/8", "many machines at once"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "reserved"),
        ("2002::/16", "a tunnel"),
        ("3fff::/20", "reserved"),
    )
)
_CARRIERS = tuple(IPv6Network(one) for one in ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "::ffff:0:0:0/96"))
_GLOBAL = IPv6Network("2000::/3")  # all that IANA gives to hosts of the public network


def refused(address: Address) -> str | None:
    """What stands at this address that a run must not reach; None for the public network."""
    if isinstance(address, IPv4Address):
        return next((what for network, what in _V4 if address in network), None)
    if address.scope_id is not None:
        return "the local link"
    for network, what in _V6:
        if address in network:
            return what
    inner = carried(address)
    if inner is not None:
        # Through a translator even a public address is not the one that the name's owner published.
        return refused(inner) or ("a translated address" if address not in _CARRIERS[0] else None)
    return None if address in _GLOBAL else "reserved"


def carried(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address is only another spelling of."""
    if isinstance(address, IPv6Address) and any(address in network for network in _CARRIERS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def parsed(text: str) -> Address | None:
    """The address that a resolver wrote, or None. Mapped ones come back as what they carry."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
