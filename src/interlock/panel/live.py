"""What changed, and how often: the versions of the panel's topics. A page hears numbers and fetches itself anew."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping

# Which entries of the ledger change what. The first that fits counts; `ledger` changes with every entry.
_TOPICS = (
    ("approval.", "inbox"),
    ("plan", "inbox"),
    ("drill", "inbox"),
    ("session", "sessions"),
    ("intent", "sessions"),
    ("denial", "sessions"),
    ("outcome", "sessions"),
    ("changes", "sessions"),
    ("halt", "halts"),
    ("grant", "grants"),
    ("role", "grants"),
    ("policy", "grants"),
    ("config", "grants"),
    ("person.", "people"),
    ("gate", "gate"),
    ("attestation", "gate"),
    ("review", "gate"),
    ("incident", "incidents"),
)
TOPICS = ("inbox", "sessions", "halts", "grants", "people", "gate", "incidents", "ledger")
_TOGETHER_SECONDS = 0.02  # changes this close are one word; by then the memory beside the ledger has followed
_BEAT_SECONDS = 15.0  # a comment now and then: whoever listens to nobody finds out


def topics(kind: str) -> tuple[str, ...]:
    """What an entry of this kind changes."""
    return (*(topic for start, topic in _TOPICS if kind.startswith(start)), "ledger")


class Live:
    """Versions, counted in the daemon's thread and listened to in the panel's."""

    def __init__(self) -> None:
        self._versions = dict.fromkeys(TOPICS, 0)
        self._lock = threading.Lock()
        self._listeners: set[Callable[[], None]] = set()

    def recorded(self, kind: str) -> None:
        """An entry of this kind was made. From any thread, and it costs next to nothing while nobody listens."""
        with self._lock:
            for topic in topics(kind):
                self._versions[topic] += 1
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    def versions(self) -> dict[str, int]:
        """All versions now."""
        with self._lock:
            return dict(self._versions)

    @property
    def listening(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    async def changes(self, known: Mapping[str, int]) -> AsyncIterator[dict[str, int]]:
        """What changed since `known`, again and again; an empty answer where nothing did for a while."""
        loop, woken, seen = asyncio.get_running_loop(), asyncio.Event(), {**dict.fromkeys(TOPICS, 0), **known}

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        with self._lock:
            self._listeners.add(wake)
        try:
            while True:
                now = self.versions()
                changed = {topic: version for topic, version in now.items() if version != seen[topic]}
                seen = now
                yield changed
                try:
                    await asyncio.wait_for(woken.wait(), _BEAT_SECONDS)
                    await asyncio.sleep(_TOGETHER_SECONDS)
                except TimeoutError:
                    continue
                finally:
                    woken.clear()
        finally:
            with self._lock:
                self._listeners.discard(wake)


def written(versions: Mapping[str, int]) -> str:
    """Versions as they stand in an address or in an event's id: `inbox:3,ledger:90`."""
    return ",".join(f"{topic}:{version}" for topic, version in sorted(versions.items()))


def read(text: str) -> dict[str, int]:
    """The inverse of `written`; what is none is left out: the page then hears more than it needs."""
    found: dict[str, int] = {}
    for part in text[:400].split(","):
        topic, _, version = part.partition(":")
        if topic in TOPICS and version.isascii() and version.isdigit() and len(version) <= 15:
            found[topic] = int(version)
    return found
