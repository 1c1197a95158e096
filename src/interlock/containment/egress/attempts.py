"""What a run tried on the network: each attempt once, in full, up to a bound; then only counted."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

_REPORTED = (
    500  # attempts of one run that are told one by one; a build that downloads a lot has a few hundred connections
)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A question for a name (port 53) or a connection. `sent` and `received` are bytes as the run sees them."""

    run: str
    name: str
    port: int
    allowed: bool
    why: str = ""
    address: str = ""
    sent: int = 0
    received: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All attempts of a run in numbers; `untold` of them were not reported one by one."""

    allowed: int = 0
    refused: int = 0
    untold: int = 0
    sent: int = 0
    received: int = 0


Seen = Callable[[Attempt], None]


class Tally:
    """Counts, and passes on to `seen`. The same question for a name is told once."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._asked: set[tuple[str, str]] = set()
        self._told = 0
        self.summary = Summary()

    def add(self, attempt: Attempt) -> None:
        """Take note of one attempt."""
        old = self.summary
        tell = self._told < _REPORTED
        if attempt.port == 53:
            asked = (attempt.name, attempt.why)
            if asked in self._asked:
                return  # resolvers ask again and again; the connection that follows is the event
            if tell:
                self._asked.add(asked)
        self.summary = Summary(
            allowed=old.allowed + attempt.allowed,
            refused=old.refused + (not attempt.allowed),
            untold=old.untold + (not tell),
            sent=old.sent + attempt.sent,
            received=old.received + attempt.received,
        )
        if tell:
            self._told += 1
            self._seen(attempt)
