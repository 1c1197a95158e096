"""People, a ledger and a clock for the tests of approvals."""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.approvals.machine import State
from interlock.approvals.needs import Needs, Who, needed
from interlock.approvals.queue import Queue
from interlock.approvals.request import Request, Vote
from interlock.broker.clock import stamp
from interlock.identity.people import ADD, REMOVE, People, Person
from interlock.model.action import Principal
from interlock.model.decision import Rung
from interlock.model.errors import LedgerUnavailable, Refused

CODE = "0badcafe"
LOG = "interlock/test/0"


class Book:
    """A ledger for tests: keeps what was recorded; can be told to fail."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []
        self.broken = False

    async def record(self, kind: str, body: dict[str, Any]) -> int:
        await asyncio.sleep(0)
        if self.broken:
            raise LedgerUnavailable("the disk is full")
        self.entries.append((kind, body))
        return len(self.entries) - 1


def people(*names: str) -> People:
    """The owner, and approvers of these names."""
    circle = People(LOG, Person("owner", uid=1000, groups=("admins",)))
    for name in names:
        add(circle, name)
    return circle


def add(circle: People, name: str, groups: tuple[str, ...] = ("approvers",)) -> None:
    """A person more."""
    body = {"change": {"name": name, "groups": list(groups)}, "serial": circle.serial}
    circle.apply(circle.serial, ADD, body)


def remove(circle: People, name: str) -> None:
    """A person less."""
    circle.apply(circle.serial, REMOVE, {"change": {"name": name, "reason": "left"}, "serial": circle.serial})


class Desk:
    """A queue with a clock that the test turns."""

    def __init__(self, book: Book | None = None, circle: People | None = None) -> None:
        self.time = 1_000_000.0
        self.book = book or Book()
        self.people = circle or people("ann", "ben")
        self.halted = ""
        self.queue = Queue(
            self.book.record, now=lambda: stamp(self.time), known=self.people, halted=lambda _: self.halted
        )
        self.strange = self.queue.restore((index, kind, body) for index, (kind, body) in enumerate(self.book.entries))

    def draft(
        self,
        digest: str = "d1",
        rung: Rung = Rung.ONE,
        *,
        call: str = "",
        session: str = "s",
        who: tuple[Who, ...] = (),
        **more: Any,
    ) -> Request:
        tier = {Rung.ONE: 2, Rung.ONE_STRONG: 3, Rung.TWO_STRONG: 4}[rung]
        return Request(
            id=-1,
            digest=digest,
            fingerprint=f"babab-babab-babab-babab-{CODE}",
            state=State.PROPOSED,
            rung=rung,
            tier=tier,
            principal=Principal(agent="claude", session=session),
            tool="Bash",
            text="git push",
            effects=("publish git_ref origin/x",),
            rules=("push-asks",),
            why="A push leaves this machine.",
            asked_at=stamp(self.time),
            decide_by=stamp(self.time + 60),
            needs=needed(rung, tier, (), who),
            call=call or digest,
            **more,
        )

    async def approve(self, request: Request, who: str = "owner", *, strong: bool = False, wait: float = 30) -> Request:
        person = self.people.find(who)
        vote = Vote(who, stamp(self.time), strong=strong, since=person.since if person else -1)
        return await self.queue.approve(request.id, vote, execute_by=stamp(self.time + wait))

    async def use(self, digest: str, needs: Needs | None = None) -> Request | None:
        """Take the yes in hand and launch, as a hook does."""
        ticket = await self.queue.ticket(digest, needs)
        if ticket is None:
            return None
        try:
            return await self.queue.launch(ticket, digest)
        except Refused:
            return None
