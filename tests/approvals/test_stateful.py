"""Random histories of asking, deciding, using, halting, leaving, dying disks and restarts, against a plain referee."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from approvals.circle import Book, Desk, add, remove
from approvals.referee import Seen, referee
from interlock.approvals.queue import Ticket
from interlock.broker.clock import stamp
from interlock.model.decision import Rung
from interlock.model.errors import InterlockError, LedgerUnavailable

T = TypeVar("T")
DIGESTS = st.sampled_from(["d1", "d2", "d3"])
CALLS = st.sampled_from(["", "make deploy"])
NAMES = st.sampled_from(["owner", "ann", "ben", "cleo"])
RUNGS = st.sampled_from([Rung.ONE, Rung.ONE_STRONG, Rung.TWO_STRONG])


class Witness(Book):
    """A book that notes when each entry was written and who the people were; its disk may fail in both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.desk: Desk | None = None
        self.seen: list[Seen] = []
        self.failing = ""

    async def record(self, kind: str, body: dict[str, Any]) -> int:
        await asyncio.sleep(0)
        if self.failing == "lost":
            raise LedgerUnavailable("the disk is full")
        assert self.desk is not None
        people = {person.name: person.since for person in self.desk.people.all()}
        self.entries.append((kind, msgspec.json.decode(msgspec.json.encode(body))))
        self.seen.append(Seen(kind, self.entries[-1][1], stamp(self.desk.time), people, bool(self.desk.halted)))
        if self.failing == "kept":
            raise LedgerUnavailable("the disk failed after it had written")
        return len(self.entries) - 1


class Histories(RuleBasedStateMachine):
    """One daemon after another over one ledger."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.book = Witness()
        self.desk = Desk(self.book)
        self.book.desk = self.desk
        self.tickets: list[Ticket] = []
        self.launched: list[int] = []
        self.doubtful = self.ever_doubtful = False  # memory may be behind the disk, until the next daemon

    def teardown(self) -> None:
        self.loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T | None:
        try:
            return self.loop.run_until_complete(work)
        except InterlockError:
            return None

    def _some(self, at: int) -> int:
        known = self.desk.queue.all()
        return known[at % len(known)].id if known else 999

    @rule(digest=DIGESTS, rung=RUNGS, call=CALLS)
    def ask(self, digest: str, rung: Rung, call: str) -> None:
        self._do(self.desk.queue.ask(self.desk.draft(digest, rung, call=call)))

    @rule(at=st.integers(0, 9), who=NAMES, strong=st.booleans())
    def approve(self, at: int, who: str, strong: bool) -> None:
        known = self.desk.queue.all()
        if known:
            self._do(self.desk.approve(known[at % len(known)], who, strong=strong))

    @rule(at=st.integers(0, 9))
    def deny(self, at: int) -> None:
        self._do(self.desk.queue.deny(self._some(at), "owner", because="no"))

    @rule(digest=DIGESTS)
    def take(self, digest: str) -> None:
        ticket = self._do(self.desk.queue.ticket(digest))
        if ticket is not None:
            self.tickets.append(ticket)

    @rule(digest=DIGESTS, who=st.sampled_from(["owner", "ann"]))
    def hold_a_ticket(self, digest: str, who: str) -> None:
        """The way to where most can go wrong, in one step."""
        self._do(self.desk.queue.ask(self.desk.draft(digest)))
        known = self.desk.queue.find(digest)
        if known is not None:
            self._do(self.desk.approve(known, who))
        self.take(digest)

    @precondition(lambda self: self.tickets)
    @rule(at=st.integers(0, 2), fresh=st.sampled_from([True, True, True, False]))
    def launch(self, at: int, fresh: bool) -> None:
        ticket = self.tickets[-1 - at % len(self.tickets)]
        used = self._do(self.desk.queue.launch(ticket, ticket.digest if fresh else "other"))
        if used is not None:
            assert fresh
            self.launched.append(used.id)

    @precondition(lambda self: self.tickets)
    @rule(at=st.integers(0, 9))
    def launch_twice_at_once(self, at: int) -> None:
        ticket = self.tickets[at % len(self.tickets)]

        async def both() -> list[Any]:
            launch = self.desk.queue.launch
            return await asyncio.gather(
                launch(ticket, ticket.digest), launch(ticket, ticket.digest), return_exceptions=True
            )

        self.launched += [used.id for used in self._do(both()) or [] if not isinstance(used, Exception)]

    @precondition(lambda self: self.tickets)
    @rule(again=st.booleans())
    def give_back(self, again: bool) -> None:
        ticket = self.tickets[-1]
        self._do(self.desk.queue.give_back(ticket))
        if again:
            self.take(ticket.digest)

    @rule(at=st.integers(0, 9), ok=st.booleans())
    def finish(self, at: int, ok: bool) -> None:
        self._do(self.desk.queue.finish(self._some(at), ok=ok))

    @rule(at=st.integers(0, 9), how=st.sampled_from(["revoke", "withdraw", "drift"]))
    def take_back(self, at: int, how: str) -> None:
        number = self._some(at)
        if how == "drift":
            self._do(self.desk.queue.drift(number))
        else:
            work = self.desk.queue.revoke if how == "revoke" else self.desk.queue.withdraw
            self._do(work(lambda request: request.id == number, "because"))

    @rule(seconds=st.sampled_from([1, 20, 31, 61]))
    def time_passes(self, seconds: int) -> None:
        self.desk.time += seconds

    @rule(everything=st.sampled_from([False, False, False, True]))
    def expire(self, everything: bool) -> None:
        self._do(self.desk.queue.expire(everything=everything))

    @rule(halted=st.booleans())
    def halt(self, halted: bool) -> None:
        self.desk.halted = "frozen" if halted else ""

    @rule(name=st.sampled_from(["ann", "ben", "cleo"]), told=st.booleans())
    def come_or_go(self, name: str, told: bool) -> None:
        if self.desk.people.find(name) is None:
            add(self.desk.people, name)
        else:
            remove(self.desk.people, name)
        if told:
            self._do(self.desk.queue.people_changed())

    @rule(how=st.sampled_from(["", "", "lost", "lost", "kept"]))
    def disk(self, how: str) -> None:
        self.book.failing = how
        self.doubtful |= how == "kept"
        # Once an entry stands that its writer was told does not, what follows may not follow from it: such requests are
        # dropped at the next start.
        self.ever_doubtful |= self.doubtful

    @rule()
    def restart(self) -> None:
        self.book.failing = ""
        before, time, halted, people = self.desk, self.desk.time, self.desk.halted, self.desk.people
        self.desk = Desk(self.book, people)
        self.desk.time, self.desk.halted, self.book.desk = time, halted, self.desk
        if not self.ever_doubtful:
            assert self.desk.strange == []
            assert self.desk.queue.all() == before.queue.all()
        self.doubtful = False
        self._do(self.desk.queue.recover())

    @invariant()
    def the_rules_hold(self) -> None:
        if not hasattr(self, "book"):
            return
        assert len(self.launched) == len(set(self.launched)), "a yes was launched twice"
        used = {body["request"] for kind, body in self.book.entries if kind == "approval.use"}
        assert set(self.launched) <= used, "launched before the ledger had it"
        if not self.ever_doubtful:
            referee(self.book.seen)
            assert Desk(self.book, self.desk.people).queue.all() == self.desk.queue.all(), "memory is not the ledger"


Quick = Histories.TestCase
Quick.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.slow
class TestLong(Histories.TestCase):
    """The same, for longer."""

    settings = settings(
        max_examples=1_000, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
