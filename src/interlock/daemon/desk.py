"""A desk answers for one part of what can be asked of the daemon. A room that grows a command adds a desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from interlock.daemon.server import Peer

Method = Callable[[dict[str, Any], Peer], Awaitable[Any]]
"""Parameters and caller in; what goes out as JSON. Bytes are JSON already."""


class Desk(Protocol):
    """Methods by their names; a name belongs to one desk."""

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
