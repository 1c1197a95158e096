"""Those who wait for people: held hooks, each until its request is decided, its time is over, or nobody listens."""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.approvals.machine import OPEN
from interlock.approvals.memory import Memory
from interlock.approvals.request import Request


class Waiting:
    """Who waits for which request."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._waiters: dict[int, list[asyncio.Future[Request]]] = {}
        self._released = False

    def held(self, request_id: int) -> bool:
        """Whether somebody waits for this request now."""
        return bool(self._waiters.get(request_id))

    async def wait(self, request_id: int, timeout: float, gone: asyncio.Event | None = None) -> Request:
        """The request once people have decided, or as it stands after `timeout` seconds.

        It ends early when `gone` is set (nobody waits for the answer any more) and when the daemon stops (`release`).
        """
        request = self._memory.get(request_id)
        if request.state not in OPEN or timeout <= 0 or self._released:
            return request
        future: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(request_id, [])
        waiters.append(future)
        leaving = asyncio.ensure_future(gone.wait()) if gone is not None else None
        try:
            ends: set[asyncio.Future[Any]] = {future} | ({leaving} if leaving is not None else set())
            await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            return future.result() if future.done() else self._memory.get(request_id)
        finally:
            if leaving is not None:
                leaving.cancel()
            if future in waiters:
                waiters.remove(future)

    def tell(self, request: Request) -> None:
        """People have decided, or nobody can any more."""
        for waiter in self._waiters.pop(request.id, []):
            if not waiter.done():
                waiter.set_result(request)

    def release(self) -> None:
        """The daemon stops: whoever waits hears how things stand, and the questions stay for the next daemon."""
        self._released = True
        for request_id, waiters in self._waiters.items():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(self._memory.get(request_id))
