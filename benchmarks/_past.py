"""A home with a long past, made in seconds: what a daemon finds whose agents have worked for a week.

Actions are those of `replay.py`, with the bodies that the daemon writes; sessions open and close under keys of their
own, and questions go through the daemon's own queue, so that each state follows from the one before. Only the clock is
turned, and nothing ran.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import time
from typing import Any, NamedTuple

from interlock.approvals.machine import State
from interlock.approvals.patience import Patience
from interlock.approvals.queue import Queue
from interlock.approvals.request import Request, Vote
from interlock.broker import records
from interlock.broker.clock import stamp
from interlock.daemon.callers import login
from interlock.home import Home
from interlock.identity import keys
from interlock.identity.people import ADMINS, People, Person
from interlock.identity.sessions import SessionIdentity
from interlock.ledger.store import Ledger
from interlock.model.action import Principal
from interlock.model.decision import Rung
from interlock.model.effect import Environment, Kind, Verb
from interlock.model.fingerprint import fingerprint
from interlock.model.grant import Pattern
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from replay import bodies

ORIGIN = "interlock/bench/0"
_DAYS = 7
_EACH_ASKS = 100  # actions for one question
_AT_ONCE = 10  # sessions side by side
_HOSTS, _SHAPES = 40, 10  # different ones that are asked about
_FLUSH = 5_000  # entries for which the disk is not waited for


class Counts(NamedTuple):
    """What is in the ledger."""

    entries: int
    actions: int
    sessions: int
    asked: int
    open: int


def fill(home: Home, *, actions: int, sessions: int, waiting: int) -> Counts:
    """Write that many actions over that many sessions, and leave so many questions open. No daemon may run there."""
    (home.state / "origin").write_text(ORIGIN + "\n")
    root = keys.load_or_create(home.state / "keys", "root", ORIGIN, environ=os.environ)
    signer = keys.load_or_create(home.state / "keys", "daemon", ORIGIN, environ=os.environ)
    with Ledger.open(home.state / "ledger", signer, ORIGIN, root=root) as ledger:
        return asyncio.run(_Week(ledger, actions, sessions).live(waiting))


class _Week:
    def __init__(self, ledger: Ledger, actions: int, sessions: int) -> None:
        self._ledger = ledger
        self._actions = actions
        self._principals = [Principal("claude", f"session-{n}", model=f"model-{n % 3}") for n in range(sessions)]
        self._identities: dict[str, tuple[SessionIdentity, int]] = {}
        self._policy = ""
        self._done = 0
        self._began = time.time() - _DAYS * 86_400
        person = Person(login(os.geteuid()), uid=os.geteuid(), groups=(ADMINS,))
        self._person = person.name
        self._queue = Queue(self._record, now=self._now, known=People(ORIGIN, person))

    def _now(self) -> str:
        """The week goes by with the actions."""
        return stamp(self._began + self._done * (_DAYS * 86_400 - 60) / self._actions)

    async def _record(self, kind: str, body: dict[str, Any]) -> int:
        durable = self._done % _FLUSH == 0  # now and then the disk is let come up
        return self._ledger.submit(kind, body, time=self._now(), durable=durable).result()

    async def live(self, waiting: int) -> Counts:
        """The whole week."""
        rng = random.Random(7)
        engine = Engine.load([layer()])
        self._policy = engine.digest  # under other rules the daemon would take back what is open
        different = bodies(engine, rng)
        asked = 0
        for number in range(self._actions):
            self._done = number
            who = self._principals[self._whose(number)]
            if who.session not in self._identities:
                await self._open(who)
            await self._act(who, *different[rng.randrange(len(different))], number)
            if number % _EACH_ASKS == 0:
                asked += 1
                await self._decided(await self._queue.ask(self._draft(who, number)), asked)
        for who in self._principals[:-_AT_ONCE]:
            await self._close(who)
        for number in range(waiting):
            await self._queue.ask(self._draft(self._principals[-1 - number % _AT_ONCE], self._actions + number))
        return Counts(self._ledger.size, self._actions, len(self._principals), asked + waiting, waiting)

    def _whose(self, number: int) -> int:
        """Some sessions side by side, then the next ones."""
        groups = max(1, len(self._principals) // _AT_ONCE)
        return number * groups // self._actions * _AT_ONCE + number % min(_AT_ONCE, len(self._principals))

    async def _act(self, who: Principal, kind: str, body: dict[str, Any], number: int) -> None:
        said = {"principal": records.principal_body(who), "call": f"call-{number}"}
        index = await self._record(kind, {**body, **said})
        if kind == records.INTENT:
            result = {"ok": number % 25 != 0, "size": number % 9_000}
            await self._record(records.OUTCOME, {**said, "result": result, "intent": index})

    async def _decided(self, request: Request, number: int) -> None:
        if number % _SHAPES == 0:  # one shape is always refused, and the others make suggestions
            await self._queue.deny(request.id, self._person, because="not today", how="uid")
            return
        vote = Vote(self._person, self._now())
        await self._queue.approve(request.id, vote, execute_by=request.decide_by)
        if await self._queue.use(request.digest):
            await self._queue.finish(request.id, ok=True)

    def _draft(self, who: Principal, number: int) -> Request:
        digest = hashlib.sha256(f"order {number}".encode()).digest()
        name = f"api-{number // _EACH_ASKS % _HOSTS}.example.com"
        shape = Pattern(
            (Verb.SEND,), Kind.HOST, name, (Environment.UNKNOWN,), via=(f"tool-{number // _EACH_ASKS % _SHAPES}",)
        )
        return Request(
            id=-1,
            digest=digest.hex(),
            fingerprint=fingerprint(digest),
            state=State.PROPOSED,
            rung=Rung.ONE,
            tier=2,
            principal=who,
            tool="Bash",
            text=f"curl -X POST https://{name}/v1/orders -d @order-{number}.json",
            effects=(f"send host {name} (irreversible)", f"read file /code/app/order-{number}.json"),
            rules=("send-data",),
            why="Held: sending data. It needs a yes from one person.",
            asked_at=self._now(),
            decide_by=stamp(time.time() + 3_600),
            policy=self._policy,
            workspace="/code/app",
            call=digest.hex(),
            alike=name,
            claim="Places the order that the test needs.",
            grantable=(shape,),
        )

    async def _open(self, who: Principal) -> None:
        identity = SessionIdentity(ORIGIN, who)
        body = {"principal": records.principal_body(who), "workspace": "/code/app", "cwd": "/code/app"}
        index = await self._record(records.SESSION_OPEN, body | identity.body() | {"facts": {}})
        self._identities[who.session] = identity, index

    async def _close(self, who: Principal) -> None:
        identity, index = self._identities[who.session]
        body = {"principal": records.principal_body(who), "opened": index, "counts": {}, "reason": "it ended"}
        body |= {"patience": Patience().body()}
        await self._record(records.SESSION_CLOSE, identity.closed(body))
