"""Where the panel listens: both loopback addresses at one port, which stays the same over restarts; or a Unix socket.

Both, because `localhost` may be either: on a family that was left free somebody else could answer in our place. The
port is remembered, because passkeys and bookmarks name it. On a Unix socket there is none: its pages answer to
`localhost` at the port from which people lead to it, and to no other name.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import NamedTuple

from interlock.broker.config import Panel as Settings
from interlock.containment.egress.listening import bind
from interlock.model.errors import ConfigError, StateError
from interlock.panel.defence import Site

PORT = 7457  # the first choice; "ILK" on a telephone's keys is 455, and 7457 is registered to nobody
_NAMES = ("localhost", "127.0.0.1", "[::1]")
_WAITING = 128  # connections that may wait to be accepted
_TRIES = 8


class Bound(NamedTuple):
    """What is listened on, and under which names the panel answers."""

    sockets: tuple[socket.socket, ...]
    port: int
    site: Site
    path: Path | None = None  # of the Unix socket, where it is one

    @property
    def address(self) -> str:
        """The address for a browser; a name, because passkeys know no IP addresses."""
        return f"http://localhost:{self.port}/"


class Addresses:
    """Binds the panel's sockets. `note` is the file that remembers the port, `path` where a Unix socket stands."""

    def __init__(self, note: Path, path: Path) -> None:
        self._note = note
        self._path = path

    def bind(self, settings: Settings) -> Bound:
        """Raises ConfigError where configuration asks for what is not safe, StateError where it cannot listen."""
        if not settings.enabled:
            raise ConfigError("it is turned off in interlock.toml ([panel] enabled = false).")
        if settings.socket:
            port = settings.port or PORT
            return Bound((_unix(self._path),), port, Site.of(_NAMES, port), self._path)
        wanted = [settings.port] if settings.port else [*self._remembered(), PORT, *([0] * _TRIES)]
        for port in wanted:
            sockets = _pair(port)
            if sockets:
                found = sockets[0].getsockname()[1]
                self._remember(found)
                return Bound(sockets, found, Site.of(_NAMES, found))
        raise StateError(f"no free port: {wanted[0]} is taken. Set another one in interlock.toml ([panel] port = …).")

    def _remembered(self) -> list[int]:
        try:
            text = self._note.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return []
        return [int(text)] if text.isdigit() and 1_024 <= int(text[:6]) <= 65_535 else []

    def _remember(self, port: int) -> None:
        if self._remembered() == [port]:
            return
        try:
            self._note.write_text(f"{port}\n", encoding="ascii")
        except OSError:
            return  # on a full disk the panel comes up nevertheless, perhaps elsewhere the next time


def _unix(path: Path) -> socket.socket:
    """Listens there for this user alone. The caller holds the home's lock: what stands there is a dead daemon's."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        bind(listener, path)
        listener.listen(_WAITING)
    except OSError as error:
        listener.close()
        raise StateError(f"cannot listen on {path}: {error.strerror}. Check the directory and its owner.") from error
    finally:
        os.umask(old)
    listener.setblocking(False)
    return listener


def _pair(port: int) -> tuple[socket.socket, ...]:
    """Both loopback addresses at one port; () where one of them is taken."""
    sockets: list[socket.socket] = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            # With the protocol named, asyncio turns Nagle's algorithm off: else each answer waits 40 ms for the
            # delayed acknowledgement of its head.
            listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        except OSError:
            continue  # a kernel without this family: nobody can answer on it either
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((host, port or (sockets[0].getsockname()[1] if sockets else 0)))
            listener.listen(_WAITING)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRNOTAVAIL and sockets:
                continue  # IPv6 is there and its loopback is not
            for other in sockets:
                other.close()
            return ()
        sockets.append(listener)
    return tuple(sockets)
