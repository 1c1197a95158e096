"""What people were asked lately, as far as a grant could have answered it: read from the ledger once, then what is new.

Whoever drafts a grant is shown what it would have let pass. Without this memory each look read every question since the
ledger began, in the loop that answers agents.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import msgspec

from interlock.approvals.memory import ASKED
from interlock.broker.clock import Clock, seconds
from interlock.ledger.store import Ledger
from interlock.model.effect import Effect, Resource, Scale
from interlock.model.grant import Grant, Pattern, unescaped

DAYS = 30
_DAY = 86_400


class Questions:
    """By the effects that were asked about, the entries that asked. Any thread may use it; what reads, blocks."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[tuple[Effect, ...], list[tuple[int, float]]] = {}
        self._read = 0  # entries of the ledger
        self._begun = 0.0

    def covered(self, grant: Grant) -> list[int]:
        """The entries of the questions of the last days that would not have been asked, the oldest first."""
        since = self._clock.now() - DAYS * _DAY
        with self._lock:
            self._follow()
            found = [
                index
                for effects, entries in self._asked.items()
                if all(grant.covers(effect) for effect in effects)
                for index, time in entries
                if time >= since
            ]
        return sorted(found)

    def told(self, entries: list[int]) -> list[dict[str, Any]]:
        """What these asked: number, time, tool and text."""
        found = []
        for index in entries:
            entry = json.loads(self._ledger.entry(index).raw)
            body = entry["body"]
            found.append({"request": index, "time": entry["time"], "tool": body["tool"], "text": body["text"]})
        return found

    def _follow(self) -> None:
        now, size = self._clock.now(), self._ledger.size
        if now >= self._begun + _DAY:  # what became too old is let go
            self._asked, self._read, self._begun = {}, 0, now
        for stored in self._ledger.entries(self._read, size, [ASKED]):
            entry = json.loads(stored.raw)
            time = seconds(entry["time"])
            try:
                patterns = msgspec.convert(entry["body"].get("grantable", []), tuple[Pattern, ...])
            except msgspec.ValidationError:
                continue  # another version asked it: no grant of ours says what it was about
            if patterns and time >= now - DAYS * _DAY:
                self._asked.setdefault(tuple(map(effect_of, patterns)), []).append((stored.index, time))
        self._read = size


def effect_of(pattern: Pattern) -> Effect:
    """The effect that the narrowest pattern was made from."""
    return Effect(
        verb=pattern.verbs[0],
        resource=Resource(pattern.kind, unescaped(pattern.name), pattern.labels),
        environment=pattern.environments[0],
        reversibility=pattern.loss,
        scale=Scale(pattern.breadth),
        taint=pattern.taint,
        via=pattern.via[0] if pattern.via else "",
    )
