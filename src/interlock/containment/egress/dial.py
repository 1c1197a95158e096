"""From a permitted name to a connection: look it up once, check every address, and connect to a checked one.

The name is not looked up again between the check and the connection, so an answer that changes meanwhile changes
nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor

from interlock.containment.egress.addresses import Address, parsed, refused
from interlock.containment.egress.allow import Allow
from interlock.containment.egress.refusal import Refused

_LOOKUP_SECONDS = 10.0
_CONNECT_SECONDS = 5.0  # for each address
_MOST_ADDRESSES = 6  # tried of one answer

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Every address of a name, as text, best first; `OSError` when there is none."""
Connect = Callable[[Address, int], Awaitable[socket.socket]]
"""A connected, non-blocking socket; `OSError` when nothing answers."""


def host_resolver(threads: Executor) -> Resolve:
    """The host's own resolver, with its files and its servers, in `threads` of its own."""

    def look_up(name: str) -> list[str]:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        return [str(entry[4][0]) for entry in found]

    async def resolve(name: str) -> Sequence[str]:
        return await asyncio.get_running_loop().run_in_executor(threads, look_up, name)

    return resolve


async def connect(address: Address, port: int) -> socket.socket:
    """A plain connection."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection


def is_own(address: Address) -> bool:
    """Whether an address is one of this machine's: only those can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((str(address), 0))
        return True
    return False


async def checked(name: str, port: int, allow: Allow, resolve: Resolve) -> tuple[Address, ...]:
    """The addresses of a permitted name that a run may be connected to. Raises `Refused` when there is none."""
    try:
        async with asyncio.timeout(_LOOKUP_SECONDS):
            answers = await resolve(name)
    except TimeoutError:
        raise Refused("its address was not found in time") from None
    except (OSError, UnicodeError) as error:
        raise Refused("it has no address") from error
    good: list[Address] = []
    why = "it has no address"
    for text in answers[:64]:
        address = parsed(text)
        if address is None or address in good:
            continue
        what = None if allow.lifts(name, address, port) else refused(address) or ("this machine" * is_own(address))
        if what:
            why = f"its address {address} is {what}; the list must name that address too"
        else:
            good.append(address)
    if not good:
        raise Refused(why)
    return tuple(good[:_MOST_ADDRESSES])


async def dial(addresses: Sequence[Address], port: int, connect_to: Connect) -> tuple[socket.socket, Address]:
    """A connection to the first address that answers. Raises `Refused`."""
    why = "nothing answers"
    for address in addresses:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await connect_to(address, port), address
        except TimeoutError:
            why = f"{address} does not answer"
        except OSError as error:
            why = f"{address} cannot be reached ({error.strerror})"
    raise Refused(why)
