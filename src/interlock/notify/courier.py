"""Brings messages out: for each target a bounded queue and a task of its own, so that nobody waits for anybody.

A target that fails is tried again, each time later; what was answered meanwhile is not sent any more. What could not
be delivered is counted and said (`interlock status`), and what does not fit the queue pushes out the oldest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from interlock.notify import desktop, ways
from interlock.notify.notice import Message
from interlock.notify.post import Undelivered, post
from interlock.notify.settings import Kind, Target

_QUEUED = 32  # messages of one target; more of them would tell a person nothing new
_PAUSES = (1.0, 5.0, 25.0, 120.0)  # seconds between tries: five in all, the last after two and a half minutes
_LONGEST = 300.0  # seconds; whoever asks for more time than this is not waited for

Deliver = Callable[[Target, Message], Awaitable[None]]


class Health(msgspec.Struct):
    """How one target has done since the daemon began. `problem` is what went wrong last, "" after a success."""

    sent: int = 0
    failed: int = 0
    dropped: int = 0
    last: str = ""
    problem: str = ""
    since: str = ""


class Courier:
    """The messages of one target. `still` says whether a message is worth sending yet."""

    def __init__(
        self,
        target: Target,
        deliver: Deliver,
        *,
        still: Callable[[Message], bool],
        pauses: tuple[float, ...] = _PAUSES,
    ) -> None:
        self.target = target
        self.health = Health()
        self._deliver = deliver
        self._still = still
        self._pauses = pauses
        self._queue: deque[Message] = deque()
        self._some = asyncio.Event()

    def hand(self, message: Message) -> None:
        """Take a message; never waits."""
        if len(self._queue) >= _QUEUED:
            self._queue.popleft()
            self.health.dropped += 1
        self._queue.append(message)
        self._some.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            while self._queue:
                await self._bring(self._queue.popleft())
            self._some.clear()
            await self._some.wait()

    async def now(self, message: Message) -> str:
        """Deliver once, at once, past the queue; why it failed, or ""."""
        try:
            await self._deliver(self.target, message)
        except Undelivered as error:
            self._failed(error)
            return str(error)
        self._arrived()
        return ""

    def facts(self) -> dict[str, Any]:
        """As `interlock status` shows it."""
        target = self.target
        about = {
            "name": target.name,
            "kind": target.kind.value,
            "where": ways.where(target),
            "waiting": len(self._queue),
        }
        health: dict[str, Any] = msgspec.to_builtins(self.health)
        return about | health

    async def _bring(self, message: Message) -> None:
        for pause in (*self._pauses, None):
            if not self._still(message):
                return
            try:
                await self._deliver(self.target, message)
            except Undelivered as error:
                self._failed(error)
                if error.lasting or pause is None or error.after > _LONGEST:
                    break
                await asyncio.sleep(max(pause, error.after))
            else:
                self._arrived()
                return
        self.health.failed += 1

    def _arrived(self) -> None:
        self.health.sent += 1
        self.health.last = _stamp()
        self.health.problem = self.health.since = ""

    def _failed(self, error: Undelivered) -> None:
        self.health.since = self.health.since or _stamp()
        self.health.problem = str(error)


def delivery(environ: Mapping[str, str]) -> Deliver:
    """The real ways out, from this environment."""

    async def deliver(target: Target, message: Message) -> None:
        if target.kind is Kind.DESKTOP:
            await desktop.show(message, environ)
            return
        now = datetime.now(UTC).timestamp()
        await post(await asyncio.to_thread(ways.request, target, message, now))

    return deliver


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
