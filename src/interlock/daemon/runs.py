"""Contained runs, from their release to their end: tickets, plans, and what becomes of what they changed.

    prepared --open--> running --close--> settled
        \\--too old--> dropped    \\--launcher gone--> settled, everything held

INVARIANT: a ticket opens one run, once. What runs is what was released, not what the launcher was told.
INVARIANT: of a run whose launcher is gone without a word nothing is committed; what it changed is kept for a person.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import structlog

from interlock.broker.contain import Wish
from interlock.broker.sealing import Sealer
from interlock.containment.cgroups import Group
from interlock.containment.sight import Sight, parse
from interlock.containment.tiers import Name, Tier
from interlock.daemon.agents import above, process
from interlock.daemon.bound import BoundRuns, launcher_of, launches
from interlock.daemon.means import RunGroups
from interlock.daemon.server import Peer
from interlock.daemon.settling import Run, Settler
from interlock.daemon.wire import Reply
from interlock.halt.order import Order
from interlock.model.errors import AgentError, InterlockError, NotFound, Refused

log = structlog.get_logger()

_WAITING = 1_000  # released and not started yet
_TAKEN = 200  # taken back by an order: whoever comes with one is told why
_PATIENCE_SECONDS = 600.0  # an agent starts what it was told to run at once; a person's shell may take its time
_START = b"start\0"
_TAKEN_BACK = (
    "an order came after this was let through and took it back, and is lifted by now; nothing ran. "
    "Make the call again: it is judged as it is now."
)
_LOST = 137  # the status of a run whose launcher was killed


Asked = Callable[[list[str], str, str, Peer], Wish]
Note = Callable[[Wish], Awaitable[int]]


class Runs:
    """All contained runs of one daemon. `tier` holds them, `programs` is where ours lie, `run` where its socket is."""

    def __init__(
        self,
        settler: Settler,
        *,
        programs: Path,
        run: Path,
        tier: Tier,
        groups: RunGroups,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.facts = tier
        self.tier = tier.name.value
        self._settler = settler
        by_bwrap = [str(programs / "interlock"), "contained"]
        # The launcher is told where this daemon is: the environment of an agent must not name another one.
        by_launcher = [str(programs / "interlock-run"), "--run", str(run)]
        self._starts = by_bwrap if tier.name is Name.BWRAP else by_launcher
        self._groups = groups
        self._now = now
        self._waiting: OrderedDict[str, tuple[float, Wish]] = OrderedDict()
        self._taken: dict[str, Wish] = {}
        self._live: dict[str, Run] = {}
        self.asked: Asked | None = None  # makes a wish of a command line
        self.note: Note | None = None  # and its entry
        self._sealer = Sealer()
        self.bound: BoundRuns | None = None  # approved actions, by the same door
        # The words of the order by which a run may not go on; "" where there is none.
        self.halted: Callable[[Wish, str], str] = lambda _, __: ""

    def prepare(self, wish: Wish) -> str:
        """The command that starts this wish, once."""
        while len(self._waiting) >= _WAITING:
            self._waiting.popitem(last=False)
        ticket = secrets.token_hex(16)
        self._waiting[ticket] = (self._now() + _PATIENCE_SECONDS, wish)
        return shlex.join([*self._starts, "--ticket", ticket])

    async def serve(self, payload: bytes, peer: Peer) -> Reply:
        """Answer the launcher. Known failures become an exit status and a sentence."""
        try:
            if payload.startswith(_START) and self.asked is not None and self.note is not None:
                started = await self._start(payload.removeprefix(_START), self.asked, self.note, peer)
                return Reply(stdout=started)
            line, _, told = payload.partition(b"\n")
            word, *rest = line.decode("ascii").split()
            if word == "open" and len(rest) == 1:
                return Reply(stdout=await self._open(rest[0], peer))
            if word == "bind" and len(rest) == 1 and self.bound is not None:
                return Reply(stdout=await self.bound.open(rest[0], peer))
            if word == "land" and self.bound is not None and len(rest) in {2, 3} and rest[1].isdecimal():
                await self.bound.close(rest[0], int(rest[1]), peer, drifted=rest[2:] == ["drifted"])
                return Reply()
            if word == "close" and len(rest) == 2 and rest[1].isdecimal():
                said = await self._close(rest[0], int(rest[1]), parse(told), peer)
                return Reply(stderr=said.encode("utf-8", "replace"))
            raise AgentError("the launcher said what no launcher says.")
        except (UnicodeDecodeError, ValueError):
            return _no(AgentError("the launcher said what no launcher says."))
        except InterlockError as error:
            log.warning("run.refused", problem=str(error))
            return _no(error)

    async def sweep(self) -> None:
        """End the runs whose launcher is gone, and drop tickets that nobody used."""
        for ticket, (until, _) in tuple(self._waiting.items()):
            if until < self._now():
                del self._waiting[ticket]
        self._groups.sweep()
        if self.bound is not None:
            await self.bound.sweep()
        for ticket, run in tuple(self._live.items()):
            if process(int(run.launcher.partition(" ")[0])) != run.launcher:
                del self._live[ticket]
                await self._settler.settle(run, _LOST, lost=True)

    async def ordered(self, order: Order) -> None:
        """An order came: tickets of what it is about open nothing any more, also once it is lifted."""
        for ticket, (_, wish) in tuple(self._waiting.items()):
            if self.halted(wish, ""):
                del self._waiting[ticket]
                self._taken[ticket] = wish
                while len(self._taken) > _TAKEN:
                    self._taken.pop(next(iter(self._taken)))
                log.info("run.ticket.ended", order=order.id, intent=wish.intent)

    def group(self, run: str) -> Group | None:
        """The cgroup that holds this run's processes, all of them; None where it has none, or is over."""
        for live in self._live.values():
            if live.id == run:
                return self._groups.of(int(live.launcher.partition(" ")[0]))
        return None

    def leave(self) -> None:
        """At the daemon's end: runs go on without it."""
        self._groups.leave()

    def holding(self, pid: int) -> str:
        """The contained run inside of which this process runs, an agent that was put there as a whole; "" for none."""
        found = above(pid, {run.launcher: run.id for run in self._live.values()}) if self._live else None
        return found or ""

    def within(self, pid: int) -> bool:
        """Whether this process lives inside of any run, also one of an approved command."""
        return above(pid, {run.launcher: run.id for run in self.live()}) is not None

    async def restore(self) -> None:
        """Take over what an earlier daemon left: runs whose launcher lives go on, the others end with all held."""
        if self.bound is not None:
            await self.bound.restore()
        for run in await self._settler.unsettled():
            self._live[run.ticket or run.id] = run
        await self.sweep()

    async def _open(self, ticket: str, peer: Peer) -> bytes:
        launcher = launcher_of(peer)
        until, wish = self._waiting.pop(ticket, (0.0, None))
        if (taken := self._taken.pop(ticket, None)) is not None:
            raise Refused(self.halted(taken, "") or _TAKEN_BACK)
        if wish is None or until < self._now():
            raise Refused(
                "this ticket was used, is too old, or was never given; nothing ran. "
                "Make the call again: that gives a new one."
            )
        if other := self._sealer.differing(wish.operands):
            raise Refused(
                f"{other} is not what it was when this was let through; nothing ran. "
                "Make the call again: it is judged as it is now."
            )
        run, plan = await self._settler.begin(ticket, wish, launcher)
        self._live[ticket] = run
        await self._may_start(ticket, run)
        return plan.encode()

    async def _may_start(self, key: str, run: Run) -> None:
        """INVARIANT: no plan goes out under an order that halts it. Nothing is awaited between this and the answer.

        An order that comes later finds the run among the live ones.
        """
        if words := self.halted(run.wish, run.id):
            del self._live[key]
            await self._settler.settle(run, _LOST, lost=True)
            raise Refused(words)

    async def _start(self, said: bytes, asked: Asked, note: Note, peer: Peer) -> bytes:
        """A run that is asked for by its command: by a person, or by an agent whose hook let `interlock run` pass."""
        name, cwd, *argv = os.fsdecode(said.removesuffix(b"\0")).split("\0")
        launcher, wish = launcher_of(peer), asked(argv, cwd, name, peer)
        # The ground is laid while the disk takes the entry; the plan goes out after both.
        noting = asyncio.ensure_future(note(wish))
        try:
            run, plan = await self._settler.begin("", wish, launcher)
        finally:
            index = await noting
        run = self._live[run.id] = msgspec.structs.replace(run, wish=msgspec.structs.replace(wish, intent=index))
        await self._may_start(run.id, run)
        return plan.encode()

    async def _close(self, ticket: str, status: int, sight: Sight, peer: Peer) -> str:
        run = self._live.get(ticket)
        if run is None or not launches(run.launcher, peer):
            raise NotFound("no run of this ticket is under way below this process.")
        del self._live[ticket]
        words = self.halted(run.wish, run.id)
        try:
            # What a halted run changed is not committed under the order: a person looks at it.
            said = await self._settler.settle(run, status, lost=bool(words), sight=sight)
        except BaseException:
            self._live[ticket] = run  # it is not lost: once its launcher is gone everything of it is held
            raise
        return f"{said}interlock: {words}\n" if words else said

    def live(self) -> tuple[Run, ...]:
        """The runs under way, also those of approved commands."""
        return (*self._live.values(), *(self.bound.live() if self.bound is not None else ()))

    def running(self) -> list[dict[str, str]]:
        """What runs now, for `interlock status`."""
        return [{"run": run.id, "profile": run.wish.profile, "workspace": run.wish.workspace} for run in self.live()]


def _no(error: InterlockError) -> Reply:
    return Reply(exit=error.exit, stderr=str(error).encode("utf-8", "replace"))


__all__ = ["Runs"]
