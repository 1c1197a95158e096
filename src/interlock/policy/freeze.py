"""Freezes as data: which environments nobody may change, from when to when, and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

ALL = "all"


class Freeze(msgspec.Struct, frozen=True):
    """`start` is in it, `end` is not; without them it has always been, and lasts until somebody lifts it.

    Times carry their zone: `interlock.daemon.config` refuses a freeze whose times do not.
    """

    environment: str  # an environment, or "all": every one but the workspace and the machine
    reason: str
    start: datetime | None = None
    end: datetime | None = None

    def covers(self, now: float) -> bool:
        """Whether it is in force at `now`, in seconds since the epoch."""
        begun = self.start is None or self.start.timestamp() <= now
        return begun and (self.end is None or now < self.end.timestamp())


def active(freezes: Iterable[Freeze], now: float) -> tuple[tuple[str, ...], str]:
    """What is frozen at `now` (seconds since the epoch), and why.

    Returns the environments (sorted, unique) and the reasons joined; `((), "")` when
    nothing is frozen. Both go into `Context`.
    """
    current = [freeze for freeze in freezes if freeze.covers(now)]
    environments = tuple(sorted({freeze.environment for freeze in current}))
    return environments, "; ".join(dict.fromkeys(freeze.reason for freeze in current))
