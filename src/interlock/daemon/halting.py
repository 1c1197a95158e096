"""Orders to halt, as the daemon gives, carries out, certifies and lifts them.

    given --entry--> in force --carried out, certified--> (its time ends | lifted) --> entry, what it held goes on

INVARIANT: an order is in force before its entry is written, and an entry before anything is done for it: it can come
too early for nobody, and a daemon that is killed in between carries it out at its next start.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog

from interlock.approvals.queue import Queue
from interlock.approvals.request import Request
from interlock.broker.broker import Broker
from interlock.broker.clock import stamp
from interlock.broker.config import Config
from interlock.broker.past import place_of
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.lifting import Lifting, Voice, typed
from interlock.daemon.params import integer, text, texts
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.daemon.stopping import Stopped, Stopper
from interlock.halt.book import BEGIN, CERTIFICATE, LIFT, Book
from interlock.halt.certificate import certificate
from interlock.halt.lease import boottime
from interlock.halt.merging import merging
from interlock.halt.order import Order, What, names_production, selector
from interlock.halt.reach import Reach, reach
from interlock.identity.sshsig import HALT
from interlock.ledger.dsse import MEDIA_TYPE
from interlock.ledger.note import Signer
from interlock.ledger.store import Ledger
from interlock.model.counts import many
from interlock.model.errors import AgentError, InterlockError, NotFound, Refused
from interlock.model.provenance import UNKNOWN, Facts, only
from interlock.model.selector import Match

log = structlog.get_logger()

_REASON = 500  # characters
_SHOWN = 50  # sessions and requests that a certificate's entry names; the certificate names all
ITS_TIME = "its time"


class HaltDesk:
    """All orders of one daemon."""

    def __init__(
        self,
        *,
        broker: Broker,
        stopper: Stopper,
        ledger: Ledger,
        recorder: LedgerRecorder,
        callers: Callers,
        signer: Signer,
        lifting: Lifting,
        config: Callable[[str], Config],
    ) -> None:
        self._broker = broker
        self._book: Book = broker.halting.book
        self._queue: Queue = broker.queue
        self._stopper = stopper
        self._ledger = ledger
        self._recorder = recorder
        self._clock = broker.halting.clock
        self._callers = callers
        self._signer = signer
        self._lifting = lifting
        self._config = config
        self.heard: list[Callable[[Order], Awaitable[None]]] = []  # told of each order while it is carried out
        self._carrying: set[int] = set()  # orders that are being carried out at this moment
        self._failed: dict[int, str] = {}  # by order: why it is not certified yet
        self._ordered: dict[int, int] = {}  # when an order came in (CLOCK_BOOTTIME, ns), until it is carried out
        self._one = asyncio.Lock()  # one order is carried out at a time
        self._queue.epoch = lambda: self._book.epoch
        self._queue.halted = self._halted
        broker.halting.changed = stopper.renew
        broker.halting.carry_out = self.attempt

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {
            "halt.reach": self._reach_of,
            "halt.order": self._order,
            "halt.list": self._list,
            "halt.lift": self._lift,
            "halt.statement": self._statement_of,
            "halt.challenge": self._challenge_of,
            "halt.merging": self._merging,
            "halt.resume": self._resume,
            "halt.certificate": self._certificate,
        }

    # --- what a person asks

    async def _reach_of(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        return msgspec.to_builtins(self._reach(self._meant(params, "")))

    async def _order(self, params: dict[str, Any], peer: Peer) -> Any:
        person = self._callers.person(peer)
        order = self._meant(params, person.name)
        found = self._reach(order)
        if found.everything and params.get("everything") is not True:
            raise Refused(
                f"`{order.where}` is about everything here ({many(len(found.sessions), 'live session')}, all to come). "
                "If that is meant, say it twice: --yes-everything."
            )
        given = await self.give(order)
        done = await self.attempt(given)
        return {**done, "order": self._shown(given), "reach": msgspec.to_builtins(found)}

    async def _list(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        return {"epoch": self._book.epoch, "orders": [self._shown(order) for order in self._book.all()]}

    async def _merging(self, params: dict[str, Any], peer: Peer) -> Any:
        """The freezes that the gate judges a change under: people's orders, and those of organisation and person.

        The project's own file is not read: of that the gate reads what the base has.
        """
        del peer
        place = await asyncio.to_thread(place_of, os.path.realpath(text(params, "cwd")), "")
        known = {name: place[name] for name in ("repository", "organisation", "workspace") if place[name]}
        now = self._clock.now()
        return {"freezes": merging(self._book.freezes(now, self._config("").freezes), known, now)}

    async def _lift(self, params: dict[str, Any], peer: Peer) -> Any:
        person = self._callers.known(peer)
        order = self._book.get(integer(params, "id"))
        if order.what is What.KILL and params.get("kill") is not True:
            raise Refused(
                f"order {order.id} is a kill: what it ended stays ended, and lifting it lets the same start anew. "
                f"If that is meant: interlock lift {order.id} --kill."
            )
        signed = self._lifting.signed(order, texts(params, "signatures"), texts(params, "passkeys"))
        code, because = str(params.get("code", "")), str(params.get("because", ""))
        return await self._lifted(order, [Voice(person.name), *signed], code, because)

    async def _statement_of(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        order = self._book.get(integer(params, "id"))
        return {"statement": self._lifting.statement(order).decode(), "namespace": HALT}

    async def _challenge_of(self, params: dict[str, Any], peer: Peer) -> Any:
        """What a page asks a person's passkey to sign."""
        del peer
        order = self._book.get(integer(params, "id"))
        return self._lifting.challenge(order, text(params, "by"), text(params, "relying_party"))

    async def _resume(self, params: dict[str, Any], peer: Peer) -> Any:
        """Lift the pauses of a session, whichever agent's; or those that say just this and nothing else (`where`)."""
        person = self._callers.known(peer)
        wheres = texts(params, "where")
        pauses = [order for order in self._book.all() if order.what is What.PAUSE]
        if wheres:
            named, found = wheres[0], [one for one in pauses if _of_one(one) and str(one.where) in wheres]
        else:
            named = text(params, "session")
            found = [one for one in pauses if _only_of(one) == named]
        if not found:
            raise NotFound(f"no pause of the session {named[:80]} is in force. `interlock freezes` lists the orders.")
        return [await self._lifted(order, [Voice(person.name)], "", "resumed") for order in found][-1]

    async def _certificate(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._recorder.settle()
        wanted = integer(params, "id")
        newest = None
        for stored in self._ledger.entries(start=max(0, wanted), kinds=[CERTIFICATE]):
            body = json.loads(stored.raw)["body"]
            if body.get("order") == wanted:
                newest = (stored.index, body)
        if newest is None:
            raise NotFound(f"order {wanted} has no certificate. `interlock freezes` lists the orders.")
        index, body = newest
        raw = await asyncio.to_thread(self._ledger.blobs.get, str(body["certificate"]["digest"]))
        return {"entry": index, "envelope": json.loads(raw)}

    # --- orders

    def _meant(self, params: dict[str, Any], by: str) -> Order:
        """The order that the parameters ask for. Raises SelectorError, AgentError."""
        try:
            what = What(text(params, "what"))
        except ValueError:
            raise AgentError(f"an order is one of: {', '.join(What)}.") from None
        where = selector(text(params, "where"))
        start, end = (_moment(params, name) for name in ("start", "end"))
        if start is not None and end is not None and end <= start:
            raise Refused("the freeze would end before it begins. Look at --from and --until.")
        if end is not None and end <= self._clock.now():
            raise Refused("the freeze would be over already. Look at --until.")
        allow = selector(str(params["allow"])) if params.get("allow") else None
        two = params.get("lifters", 2 if what is What.FREEZE and names_production(where) else 1)
        return Order(
            id=-1,
            what=what,
            where=where,
            reason=_clean(str(params.get("reason", ""))),
            allow=allow,
            start=start,
            end=end,
            lifters=2 if two == 2 else 1,
            by=by,
        )

    async def give(self, order: Order) -> Order:
        """In force at once, then an entry. Raises LedgerUnavailable: then it never was, and the person hears it."""
        ordered = boottime()
        given = await self._broker.halting.give(order)
        self._ordered[given.id] = ordered
        log.info("halt.order", order=given.id, what=given.what.value, where=str(given.where), epoch=given.epoch)
        return given

    async def attempt(self, order: Order) -> dict[str, Any]:
        """Carry it out. Where that fails (a full disk, a store that is broken) it is in force all the same, says why it
        is not certified, and is tried again each second.
        """
        self._carrying.add(order.id)
        try:
            return await self.carry_out(order)
        except (InterlockError, OSError) as error:
            if self._failed.get(order.id) != str(error):
                log.warning("halt.failed", order=order.id, problem=str(error))
            self._failed[order.id] = str(error)
            return {"planned": False, "failed": str(error)}
        finally:
            self._carrying.discard(order.id)

    async def carry_out(self, order: Order) -> dict[str, Any]:
        """Stop what runs, take back what waits, and certify it. May be repeated: it is then certified once more."""
        if not order.active(self._clock.now()):
            return {"planned": True}
        async with self._one:
            began, issued = boottime(), self._clock.now()
            stopped = await self._stopper.hold()
            held, revoked = await self._take_back(order)
            for tell in self.heard:
                await tell(order)
            confirmed = boottime()
            return await self._certify(order, stopped, issued, began, confirmed, held, revoked)

    async def _take_back(self, order: Order) -> tuple[int, tuple[int, ...]]:
        """Open questions and unused yeses that the order is about; whoever waits for one hears it now."""
        waiting = {request.id: self._queue.held(request.id) for request in self._queue.all()}
        whose = "A person" if order.by else "Interlock"
        why = f"{whose} gave order {order.id} ({order.what.value}){f': {order.reason}' if order.reason else ''}."
        revoked = await self._queue.revoke(lambda request: self._about(order, request), why)
        return sum(waiting.get(request, 0) for request in revoked), revoked

    def _halted(self, request: Request) -> str:
        """Why a yes to this may not be used now; empty where no order is about it."""
        for order in self._book.active(self._clock.now()):
            if self._about(order, request):
                return f"order {order.id} ({order.what.value}) is in force{f': {order.reason}' if order.reason else ''}"
        return ""

    def _about(self, order: Order, request: Request) -> bool:
        facts = self._broker.halting.asked(request.digest)
        if facts is None:  # asked by an earlier daemon: more than whose it is is not known any more
            facts = Facts(only(request.principal), (UNKNOWN,))
        if facts.covered(order.where, order.allow, changes=order.what is What.FREEZE) is not Match.NO:
            return True
        session = self._broker.sessions.get(request.principal)
        whole = session.past.session(session.principal) if session is not None else Facts(only(request.principal))
        return order.what is not What.FREEZE and whole.covered(order.where, order.allow) is not Match.NO

    async def _certify(
        self,
        order: Order,
        stopped: list[Stopped],
        issued: float,
        began: int,
        confirmed: int,
        held: int,
        revoked: tuple[int, ...],
    ) -> dict[str, Any]:
        found = self._reach(order)
        silent = [one for one in stopped if one.silent]
        seen = [(one.run, process) for one in stopped for process in one.seen]
        predicate = {
            "log": self._signer.name,
            "order": {"id": order.id, **order.body()},
            "epoch": order.epoch,
            "ordered": {"boottime": self._ordered.pop(order.id, began)},
            "issued": {"time": stamp(issued), "boottime": began},
            "confirmed": {"time": self._clock.stamp(), "boottime": confirmed},
            "processes": [
                {"run": run, "pid": one.pid, "started": one.started, "state": one.state, "boottime": one.at}
                for run, one in seen
            ],
            # Who does not answer loses its lease then: nothing of it is released later.
            "silent": [{"run": one.run, "why": one.silent, "until_boottime": self._stopper.until} for one in silent],
            "sessions": [list(session) for session in found.sessions],
            "held": held,
            "revoked": list(revoked),
        }
        entry = await asyncio.to_thread(lambda: self._ledger.entry(order.id).raw)
        raw = certificate(self._signer, order.id, entry, predicate)
        descriptor = await asyncio.to_thread(self._ledger.blobs.put, raw, MEDIA_TYPE)
        body = {
            "order": order.id,
            "epoch": order.epoch,
            "certificate": descriptor,
            "processes": len(seen),
            "silent": len(silent),
            "held": held,
            "revoked": list(revoked)[:_SHOWN],
            "sessions": [list(session) for session in found.sessions[:_SHOWN]],
            "took_us": (confirmed - began) // 1_000,
        }
        index = await self._recorder.record(CERTIFICATE, body)
        self._book.certified.add(order.id)
        self._failed.pop(order.id, None)
        return {**body, "entry": index, "planned": False}

    # --- lifting

    async def _lifted(self, order: Order, voices: list[Voice], code: str, because: str) -> dict[str, Any]:
        votes = [voice.name for voice in voices[:1]]
        if order.lifters > 1:
            typed(order, code)
            order = await self._lifting.vote(order, voices)
            votes, needed = self._lifting.enough(order, voices[0].name)
            if len(votes) < needed:
                return {"lifted": False, "votes": votes, "needed": needed, "order": order.id}
        await self.lift(order, votes, because)
        return {"lifted": True, "votes": votes, "order": order.id}

    async def lift(self, order: Order, by: list[str], because: str) -> None:
        """An entry, and then what it held goes on. Raises LedgerUnavailable: then it stays in force."""
        epoch = self._book.raised()
        body = {"order": order.id, "by": by, "because": _clean(because), "epoch": epoch}
        await self._recorder.record(LIFT, body)
        self._book.lifted(order.id)
        if order.what is What.PAUSE:
            self._broker.resumed(order)
        self._stopper.renew()
        async with self._one:
            await self._stopper.hold()
        log.info("halt.lift", order=order.id, by=by, epoch=epoch)

    # --- time

    async def recover(self) -> None:
        """What an earlier daemon began is done again; what it stopped and no order holds goes on."""
        self._stopper.renew()
        await self._stopper.free_all()
        await self.tick()
        for order in self._book.all():
            if order.id not in self._book.certified and order.active(self._clock.now()):
                log.info("halt.recovered", order=order.id)
                await self.attempt(order)

    async def tick(self) -> None:
        """Each second: the lease, what begins and ends by its time, and runs that are not as the orders want them."""
        self._stopper.renew()
        now = self._clock.now()
        for order in self._book.all():
            if order.over(now):
                await self.lift(order, [ITS_TIME], "")
            elif order.active(now) and order.id not in self._book.certified | self._carrying:
                if order.start is not None and order.id not in self._book.begun:
                    epoch = self._book.raised()
                    await self._recorder.record(BEGIN, {"order": order.id, "epoch": epoch})
                    self._book.begun.add(order.id)  # not before: where the disk is full it is tried again
                await self.attempt(order)
        # Also when nothing changed: what was stopped may have been told to go on by somebody else.
        if self._stopper.due() or self._stopper.wanted():
            async with self._one:
                await self._stopper.hold()

    async def keep_time(self) -> None:
        """`tick`, for as long as the daemon lives. A failure is logged and ends nothing."""
        # The lease is renewed beside it: to stop hundreds of processes may take longer than a lease is good.
        renewing = asyncio.create_task(self._forever(self._renew))
        try:
            await self._forever(self.tick)
        finally:
            renewing.cancel()

    async def _renew(self) -> None:
        self._stopper.renew()

    async def _forever(self, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await chore()
            except (InterlockError, OSError) as error:
                log.warning("halt.tick", problem=str(error))
            except Exception:
                log.exception("halt.tick.bug")
            await asyncio.sleep(1.0)

    def _reach(self, order: Order) -> Reach:
        sessions = [(s.principal, s.past.session(s.principal)) for s in self._broker.sessions.all()]
        return reach(order, sessions)

    def _shown(self, order: Order) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "id": order.id,
            **order.body(),
            "start": None if order.start is None else stamp(order.start),
            "end": None if order.end is None else stamp(order.end),
            "active": order.active(now),
            "code": order.code,
            "votes": list(order.votes),
            "certified": order.id in self._book.certified,
            "failed": self._failed.get(order.id, ""),
        }


def _only_of(order: Order) -> str:
    """The session, where it is about that one and nothing else; "" for every other."""
    return order.session if {test.field for test in order.where.tests()} <= {"agent", "session"} else ""


def _of_one(order: Order) -> bool:
    """Whether it is about one session, or one sub-agent of it: such a pause ends by the word of whoever may resume."""
    tests = tuple(order.where.tests())
    return {test.field for test in tests} <= {"agent", "session", "subagent"} and any(
        t.field == "session" for t in tests
    )


def _moment(params: dict[str, Any], name: str) -> float | None:
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise AgentError(f"{name} is no time.")
    return float(int(value))


def _clean(reason: str) -> str:
    return reason.encode("utf-8", "replace").decode()[:_REASON]
