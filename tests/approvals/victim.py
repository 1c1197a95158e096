"""A process made to be killed at one exact write: a scripted life of requests over a real ledger.

Started once; each line on stdin, `<directory> <told> <write> <when>`, makes it fork a process that lives the story and
kills itself with SIGKILL at that write, before or after the ledger has it. The file `told` holds what callers had been
told by then: a line for each launch that was allowed, and each decision that was acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from approvals.circle import Desk, people
from interlock.identity.keys import Ed25519Key
from interlock.ledger.store import Ledger, settled
from interlock.model.decision import Rung
from interlock.model.errors import Refused

TIME = "2026-11-21T02:00:00Z"


class Dying:
    """A ledger whose writer dies at one write."""

    def __init__(self, ledger: Ledger, write: int, when: str) -> None:
        self.ledger = ledger
        self.entries: list[Any] = []
        self._left = write
        self._when = when

    async def record(self, kind: str, body: dict[str, Any]) -> int:
        self._left -= 1
        if self._left < 0 and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        index = await settled(self.ledger.submit(kind, body, time=TIME))
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return index


async def story(desk: Desk, tell: Any) -> None:
    """Everything that can happen to a request, one after another."""
    queue = desk.queue
    one = await queue.ask(desk.draft("one"))
    two = await queue.ask(desk.draft("two", Rung.TWO_STRONG))
    await desk.approve(one)
    tell("approved one")
    await desk.approve(two, "ann", strong=True)
    await desk.approve(two, "ben", strong=True)
    tell("approved two")
    for digest in ("one", "two"):
        ticket = await queue.ticket(digest)
        assert ticket is not None
        await queue.launch(ticket, digest)
        tell(f"launched {digest}")
    await queue.finish(one.id, ok=True)
    three = await queue.ask(desk.draft("three"))
    await desk.approve(three)
    ticket = await queue.ticket("three")
    assert ticket is not None
    await queue.give_back(ticket)
    ticket = await queue.ticket("three")
    assert ticket is not None
    await queue.deny(three.id, "owner", because="no")
    tell("denied three")
    try:
        await queue.launch(ticket, "three")
        tell("launched three")
    except Refused:
        pass
    four = await queue.ask(desk.draft("four"))
    await desk.approve(four)
    await queue.revoke(lambda request: request.id == four.id, "frozen")
    tell("revoked four")
    five = await queue.ask(desk.draft("five"))
    await desk.approve(five)
    desk.time += 61
    await queue.expire()
    tell("lapsed five")
    await queue.ask(desk.draft("six"))
    await queue.withdraw(lambda request: True, "gone")
    tell("end")


def live(directory: Path, told: Path, write: int, when: str, key: Ed25519Key, root: Ed25519Key) -> NoReturn:
    notes = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    ledger = Ledger.open(directory, key, key.name, root=root, now=lambda: TIME)
    desk = Desk(Dying(ledger, write, when), people("ann", "ben"))  # type: ignore[arg-type]
    asyncio.run(story(desk, lambda text: os.write(notes, f"{text}\n".encode())))
    ledger.close()
    os._exit(0)


def serve() -> None:
    from ledger.logs import DAEMON, ROOT

    DAEMON.sign(b"warm")
    for line in sys.stdin:
        directory, told, write, when = line.split()
        pid = os.fork()
        if pid == 0:
            live(Path(directory), Path(told), int(write), when, DAEMON, ROOT)
        os.waitpid(pid, 0)
        print("dead", flush=True)  # noqa: T201 - this is how it speaks to the test


if __name__ == "__main__":
    serve()
