"""Processes that Interlock started, stopped and let go on as the orders say, and the lease that says the same.

What an order wants of each run is worked out anew whenever something changes: an order, a lifting, a moment that was
planned, a new run, a daemon that starts. So recovery is the same as the ordinary way.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import NamedTuple, Protocol

import msgspec
import structlog

from interlock.broker.clock import Clock
from interlock.broker.config import Config
from interlock.broker.contain import Wish
from interlock.broker.halting import words
from interlock.broker.session import Session
from interlock.containment.cgroups import Group
from interlock.daemon.agents import process
from interlock.halt import processes
from interlock.halt.book import Book
from interlock.halt.lease import FROZEN, KILLED, Lease
from interlock.halt.order import Order, What
from interlock.halt.processes import Seen
from interlock.model.errors import OperatorError, StateError
from interlock.model.provenance import Facts, facts_of, made_of

log = structlog.get_logger()

_UNSEEN = "its launcher has started nothing that can be seen"
_TURN = 0.005  # seconds between two looks at one of which nothing is to be seen yet
_PATIENCE = 2.0  # seconds, for all of them together
_MARKING = 0.02  # seconds that the lease may wait until it is known who will be ended by it


class Work(Protocol):
    """Something that Interlock started: its run's id, the process that holds it, and what it was released as."""

    @property
    def id(self) -> str:
        """By which the lease names it."""

    @property
    def launcher(self) -> str:
        """As `process` names one."""

    @property
    def wish(self) -> Wish:
        """What was released."""


class Stopped(NamedTuple):
    """What became of one run: the kernel's word for each of its processes, or why there is none."""

    run: str
    seen: tuple[Seen, ...]
    silent: str = ""


class Stopper:
    """Holds the runs of one daemon to the orders of the book."""

    def __init__(
        self,
        *,
        book: Book,
        clock: Clock,
        lease: Lease,
        runs: Callable[[], Iterable[Work]],
        sessions: Callable[[], tuple[Session, ...]],
        config: Callable[[str], Config],
        group: Callable[[str], Group | None] = lambda _: None,
    ) -> None:
        self._book = book
        self._clock = clock
        self._lease = lease
        self._runs = runs
        self._sessions = sessions
        self._config = config
        self._group = group
        self._held: dict[str, int] = {}  # by run: what was done to it
        # By run: the epoch of the order that ends it, and who was in it before the lease said so. A launcher that reads
        # the lease is as quick as the daemon, whose order must be an entry first: what it ended is certified as well.
        self._marked: dict[str, tuple[int, list[Seen]]] = {}
        self._said: tuple[tuple[int, int], bytes] = ((-1, -1), b"")
        self.until = 0  # the lease's end (CLOCK_BOOTTIME, ns)

    def order_of(self, wish: Wish, run: str = "") -> Order | None:
        """The order by which this may not be run, or go on as `run`."""
        return self._order_of(wish, run, {})

    def _order_of(self, wish: Wish, run: str, known: dict[tuple[str, str], Order | None]) -> Order | None:
        """The same; `known` keeps what was found of sessions, for the length of one look at all runs."""
        standing = self._standing(wish)
        if not self._book.orders and not self._book.hasty and not standing:
            return None
        now = self._clock.now()
        facts = facts_of_wish(wish)
        found: list[Order | None] = []
        for session in self._sessions():
            who = (session.principal.agent, session.principal.session)
            same = who == (wish.principal.agent, wish.principal.session)
            if same:
                facts = made_of(facts, msgspec.to_builtins(session.facts))
            if same or (run and session.inside == run):
                if who not in known:
                    known[who] = self._book.ending(session.past.session(session.principal), now)
                found.append(known[who])
        if not any(found):
            found.append(self._book.stopping(facts, now, standing))
        orders = [order for order in found if order is not None]
        return max(orders, key=lambda order: order.what is What.KILL, default=None)

    def halted(self, wish: Wish, run: str = "") -> str:
        """The words of that order; empty where there is none."""
        order = self.order_of(wish, run)
        return words(order) if order is not None else ""

    def renew(self) -> None:
        """Write the lease: good again, with the runs that may not go on."""
        halting = self._halting()
        self._mark(halting)
        wanted = {run: _done(order) for run, order in halting.items()}
        self.until = self._lease.renew(self._book.epoch, self._scopes(), wanted)

    def _scopes(self) -> bytes:
        """The digest of what all orders say; there may be thousands, and the lease is renewed each second."""
        now = (self._book.epoch, len(self._book.orders))
        if self._said[0] != now:
            said = "\n".join(f"{order.id} {order.epoch} {order.what} {order.where}" for order in self._book.all())
            self._said = (now, sha256(said.encode("utf-8", "replace")).digest())
        return self._said[1]

    def wanted(self) -> dict[str, int]:
        """By run, what the orders want of it."""
        return {run: _done(order) for run, order in self._halting().items()}

    def _halting(self) -> dict[str, Order]:
        """By run, the order by which it may not go on."""
        known: dict[tuple[str, str], Order | None] = {}
        found = {run.id: self._order_of(run.wish, run.id, known) for run in self._runs()}
        return {run: order for run, order in found.items() if order is not None}

    def _mark(self, halting: dict[str, Order]) -> None:
        """Note who is in the runs that are to be ended, as many as can be seen in a moment."""
        deadline = time.monotonic() + _MARKING
        if self._marked:
            known = self._book.uncertified()
            self._marked = {run: mark for run, mark in self._marked.items() if mark[0] in known}
        for run in self._runs():
            order = halting.get(run.id)
            if order is None or order.what is not What.KILL or order.id in self._book.certified:
                continue
            if run.id not in self._marked and time.monotonic() < deadline:
                group = self._group(run.id)
                who = processes.descendants(_tops(run)) if group is None else group.members()
                self._marked[run.id] = (order.epoch, processes.named(who))

    async def hold(self) -> list[Stopped]:
        """Stop, end and let go on what must be; returns what was stopped or ended, also what was before."""
        wanted = self.wanted()
        runs = {run.id: run for run in self._runs()}
        free = [runs[run] for run in self._held if run in runs and run not in wanted]
        self._held = {run: what for run, what in self._held.items() if run in wanted}
        stopped = await asyncio.to_thread(self._hold, [(runs[run], what) for run, what in wanted.items()], free)
        stopped = await self._seen(stopped, wanted)
        stopped = await asyncio.to_thread(_with_marked, stopped, {run: who for run, (_, who) in self._marked.items()})
        self._held |= {one.run: wanted[one.run] for one in stopped if not one.silent and one.run in wanted}
        return stopped

    async def _seen(self, stopped: list[Stopped], wanted: dict[str, int]) -> list[Stopped]:
        """With those looked at again, for a while, whose launcher had no process below it.

        One that still builds its sandbox will have one or be refused by the lease; one whose command has ended by the
        same lease is counting what it changed, says that it is over, and then is no run any more.
        """
        deadline = time.monotonic() + _PATIENCE
        while any(one.silent == _UNSEEN for one in stopped) and time.monotonic() < deadline:
            await asyncio.sleep(_TURN)
            runs = {run.id: run for run in self._runs()}
            stopped = [
                one
                if one.silent != _UNSEEN
                else await asyncio.to_thread(self._stopped, runs[one.run], wanted[one.run])
                if one.run in runs
                else Stopped(one.run, ())
                for one in stopped
            ]
        return stopped

    async def free_all(self) -> None:
        """After a start: runs that an earlier daemon stopped, and that no order holds any more, go on."""
        wanted = self.wanted()
        await asyncio.to_thread(self._hold, [], [run for run in self._runs() if run.id not in wanted])

    def due(self) -> bool:
        """Whether what the orders want differs from what was done."""
        return self.wanted() != self._held

    def _hold(self, stop: list[tuple[Work, int]], free: list[Work]) -> list[Stopped]:
        for run in free:
            if (group := self._group(run.id)) is not None:
                with contextlib.suppress(StateError):
                    group.thaw()
            processes.go_on(_tops(run))
            processes.wake(_launcher(run))  # that of a bound run stands still with its command
        for run, _ in stop:
            self._begin(run)
        return [self._stopped(run, what) for run, what in stop]

    def _stopped(self, run: Work, what: int) -> Stopped:
        """By its cgroup, where it has one; else by every process that its launcher started."""
        tops, group = _tops(run), self._group(run.id)
        if not tops and group is None:
            gone = process(_launcher(run)) != run.launcher
            return Stopped(run.id, (), "" if gone else _UNSEEN)
        try:
            seen = None if group is None else processes.ended(group) if what == KILLED else processes.held(group)
        except StateError as error:
            log.warning("halt.group", run=run.id, problem=str(error))
            seen = None
        if seen is None:
            seen = processes.end(tops) if what == KILLED else processes.stop(tops)
        return Stopped(run.id, tuple(seen), _unconfirmed(seen, what))

    def _begin(self, run: Work) -> None:
        """Told to stop, and not waited for: the next one is told meanwhile."""
        group = self._group(run.id)
        if group is not None:
            with contextlib.suppress(StateError):
                group.freeze(0.0)
        else:
            processes.tell(_tops(run))

    def _standing(self, wish: Wish) -> tuple[Order, ...]:
        try:
            return self._config(wish.workspace).freezes
        except OperatorError:
            return ()  # its agents are stopped already: their project's file is refused


def _done(order: Order) -> int:
    """What an order does to a run, as the lease says it."""
    return KILLED if order.what is What.KILL else FROZEN


def _unconfirmed(seen: list[Seen], what: int) -> str:
    """The words for those of which the kernel has not said it; empty where it has of all."""
    left = [one.pid for one in seen if not (one.gone if what == KILLED else one.stopped)]
    return f"the kernel has not confirmed {left[:10]}" if left else ""


def _with_marked(stopped: list[Stopped], marked: dict[str, list[Seen]]) -> list[Stopped]:
    """With those that were there when the order came, and that its lease ended before the daemon did."""
    found = {one.run: one for one in stopped}
    seen = {(one.pid, one.started) for whole in stopped for one in whole.seen}
    rest = {run: [one for one in who if (one.pid, one.started) not in seen] for run, who in marked.items()}
    now = {(one.pid, one.started): one for one in processes.gone([one for who in rest.values() for one in who])}
    for run, who in rest.items():
        known = found.get(run, Stopped(run, ()))
        more = [now[one.pid, one.started] for one in who]
        found[run] = Stopped(run, (*known.seen, *more), known.silent or _unconfirmed(more, KILLED))
    return list(found.values())


def facts_of_wish(wish: Wish) -> Facts:
    """What is known of a run, as the entry that released it holds it."""
    who = wish.principal
    principal = {name: getattr(who, name) for name in ("agent", "session", "subagent", "subagent_type")}
    return facts_of({"provenance": wish.provenance or None, "principal": principal})


def _tops(run: Work) -> list[int]:
    """The first processes of a run: those that its launcher started. The launcher itself stays, and keeps the lease."""
    launcher = _launcher(run)
    return processes.children(launcher) if process(launcher) == run.launcher else []


def _launcher(run: Work) -> int:
    return int(run.launcher.partition(" ")[0] or 0)
