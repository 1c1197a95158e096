"""Wall time that never runs backwards, so that setting the clock back cannot revive what has expired."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch, monotone within the process. Set forward, things expire sooner: the safe side."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._latest = 0.0

    def now(self) -> float:
        """Seconds since the epoch, never less than an earlier answer."""
        self._latest = max(self._latest, self._wall())
        return self._latest

    def stamp(self) -> str:
        """The same moment as RFC 3339 with `Z`, in microseconds."""
        return stamp(self.now())


def stamp(seconds: float) -> str:
    """RFC 3339 with `Z` for seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(text: str) -> float:
    """The inverse of `stamp`. Raises ValueError when `text` is not RFC 3339."""
    return datetime.fromisoformat(text).timestamp()
