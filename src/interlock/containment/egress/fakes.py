"""The addresses that stand for names inside a run: one for each name, out of 127.64.0.0/10, as they are asked for.

They are loopback addresses, so that the kernel delivers them to the run's own listeners without a route, and nothing
else.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from interlock.containment.egress.dns import TooMany

_FIRST = int(IPv4Address("127.64.0.1"))
_MOST = 4096  # names of one run; a list with `*.suffix` knows no end of them


class Fakes:
    """A run's names and their addresses."""

    def __init__(self) -> None:
        self._addresses: dict[str, IPv4Address] = {}
        self._names: dict[IPv4Address, str] = {}

    def address(self, name: str) -> IPv4Address:
        """The address that stands for this name from now on. Raises `TooMany`."""
        found = self._addresses.get(name)
        if found is None:
            if len(self._addresses) >= _MOST:
                raise TooMany
            found = IPv4Address(_FIRST + len(self._addresses))
            self._addresses[name] = found
            self._names[found] = name
        return found

    def name(self, address: IPv4Address) -> str | None:
        """The name that an address stands for."""
        return self._names.get(address)
