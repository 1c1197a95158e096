"""The hosts that a run may reach: `name[:port]`, `*.suffix[:port]`, an address or a network. Denies by default.

Without a port an entry means 80 and 443. A name says where a run may go, not what may stand there: where the answer
for it is an address of this machine or of a private network, the list must name that address (or its network) too,
else whoever owns the name could turn it inwards. `localhost` needs no such second entry.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import NamedTuple

from interlock.containment.egress.addresses import Address, Network, parsed
from interlock.containment.egress.names import NameRefused, from_list, shown
from interlock.model.errors import ConfigError

LOCALHOST = "localhost"
_USUAL = (80, 443)
_MOST = 512  # entries; a list that long is no list
_MOST_PORTS = 32  # each is a listener inside; the kernel passes 253 descriptors in one message
_PORT = re.compile(r"[0-9]{1,5}")


class Rule(NamedTuple):
    """One entry. Either `name` (with `below`: everything under it, not itself) or `network` is set."""

    name: str
    below: bool
    network: Network | None
    ports: tuple[int, ...]

    def at(self, port: int) -> bool:
        """Whether the entry covers this port."""
        return port in (self.ports or _USUAL)


@dataclass(frozen=True)
class Allow:
    """An allow-list. Raises `ConfigError` for an entry that two programs could read in two ways."""

    hosts: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.hosts) > _MOST:
            raise ConfigError(f"an allow-list of hosts may have {_MOST} entries, this one has {len(self.hosts)}")
        object.__setattr__(self, "rules", tuple(_rule(entry) for entry in self.hosts))
        if len(self.ports()) > _MOST_PORTS:
            raise ConfigError(f"an allow-list of hosts may name {_MOST_PORTS} different ports, this one has more")

    def knows(self, name: str) -> bool:
        """Whether a (canonical) name may be looked up at all."""
        return any(_names(rule, name) for rule in self.rules)

    def permits(self, name: str, port: int) -> bool:
        """Whether a (canonical) name may be reached at this port."""
        return any(_names(rule, name) and rule.at(port) for rule in self.rules)

    def permits_address(self, address: Address, port: int) -> bool:
        """Whether an address that no name stands for may be reached at this port."""
        return any(_holds(rule, address) and rule.at(port) for rule in self.rules)

    def lifts(self, name: str, address: Address, port: int) -> bool:
        """Whether the list names this inner address, so that a permitted name may answer with it."""
        if name == LOCALHOST and address.is_loopback:
            return True
        return any(_holds(rule, address) and (not rule.ports or port in rule.ports) for rule in self.rules)

    def ports(self) -> tuple[int, ...]:
        """Every port that some entry covers."""
        return tuple(sorted({port for rule in self.rules for port in rule.ports or _USUAL}))

    def listeners(self) -> tuple[str, ...]:
        """What a run's launcher must listen on, as `port/protocol`; nothing for an empty list."""
        ports = tuple(f"{port}/tcp" for port in self.ports())
        return ("53/udp", "53/tcp", *ports) if ports else ()


def _names(rule: Rule, name: str) -> bool:
    if rule.network is not None:
        return False
    if rule.below:
        return name.endswith("." + rule.name) and name not in _reserved()
    return name == rule.name


def _holds(rule: Rule, address: Address) -> bool:
    return rule.network is not None and address.version == rule.network.version and address in rule.network


def _rule(entry: str) -> Rule:
    def refuse(why: str) -> ConfigError:
        return ConfigError(f"the allow-list's host {shown(entry)!r} cannot be used: {why}")

    if any(c.isspace() or not c.isprintable() for c in entry):
        raise refuse("it holds a blank or a control character")
    if "@" in entry:
        raise refuse("a user's name has no place in it; write the host alone")
    if "://" in entry:
        raise refuse("write the host alone, without a scheme and a path")
    host, port = _split(entry)
    ports: tuple[int, ...] = ()
    if port is not None:
        if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
            raise refuse("its port is no number from 1 to 65535")
        if int(port) == 53:
            raise refuse("port 53 is answered by Interlock itself, which looks names up for the run")
        ports = (int(port),)
    network = _network(host)
    if network is not None:
        return Rule("", False, network, ports)
    below = host.startswith("*.")
    try:
        name = from_list(host.removeprefix("*.") if below else host)
    except NameRefused as error:
        raise refuse(str(error)) from error
    if below and "." not in name:
        raise refuse("a whole top-level domain is not a host; write more of the name")
    return Rule(name, below, None, ports)


def _split(entry: str) -> tuple[str, str | None]:
    """Host and port. An IPv6 address stands alone, or in brackets where a port follows."""
    if entry.startswith("["):
        host, closed, rest = entry[1:].partition("]")
        return (host, rest[1:]) if closed and rest.startswith(":") else (host if closed and not rest else entry, None)
    if entry.count(":") != 1:
        return entry, None
    host, _, port = entry.partition(":")
    return host, port


def _network(host: str) -> Network | None:
    """The network that an entry spells in the usual form; None when it is a name, or a number refused as one."""
    if "/" not in host:
        address = parsed(host)
        return None if address is None else ipaddress.ip_network(address)
    try:
        return ipaddress.ip_network(host, strict=True)
    except ValueError:
        return None


@cache
def _reserved() -> frozenset[str]:
    text = resources.files("interlock.containment.egress").joinpath("reserved.toml").read_text()
    return frozenset(name for names in tomllib.loads(text).values() for name in names)
