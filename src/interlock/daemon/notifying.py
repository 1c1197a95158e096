"""Messages to people, made from the ledger's entries beside the road: no call waits for one.

What is sent is a projection like every other view: the entries since the last look become questions and incidents,
each target's plan says what of it goes out, and its courier brings it. Nothing here can decide anything.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from interlock.approvals import memory
from interlock.approvals.machine import OPEN
from interlock.approvals.queue import Queue
from interlock.approvals.request import Request
from interlock.broker.clock import Clock, seconds
from interlock.broker.records import ALARM
from interlock.daemon import config as configuration
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import text
from interlock.daemon.server import Peer
from interlock.halt.book import ORDER
from interlock.halt.order import What, order_of
from interlock.ledger.store import Ledger
from interlock.model.errors import ConfigError, InterlockError, NotFound
from interlock.notify.courier import Courier, Deliver, delivery
from interlock.notify.notice import Ask, Incident, Message, trial
from interlock.notify.plan import Plan
from interlock.notify.settings import Target

log = structlog.get_logger()

KINDS = (*memory.KINDS, ORDER, ALARM)
BOMBING = "prompt-bombing"
_EVERY = 0.25  # seconds between two looks
_REFRESH = 5.0  # seconds between two looks at the configuration
_MOST = 5_000  # entries of one look


class _Way:
    """One target: what it is to hear, and who brings it."""

    def __init__(self, target: Target, deliver: Deliver, panel: str) -> None:
        self.plan = Plan(target, panel=panel, seed=secrets.token_hex(8))
        self.courier = Courier(target, deliver, still=self.plan.waits)
        self.task = asyncio.get_running_loop().create_task(self.courier.run())


class Notifier:
    """Tells people, for one daemon. `panel` gives the address of its pages, "" where there are none."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        queue: Queue,
        clock: Clock,
        callers: Callers,
        user: Path,
        organisation: Path | None = configuration.ORGANISATION,
        panel: Callable[[], str] = lambda: "",
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._clock = clock
        self._callers = callers
        self._folders = [folder for folder in (organisation, user) if folder is not None]
        self.panel = panel
        self._deliver = delivery(environ)
        self._ways: dict[str, _Way] = {}
        self._stamp: tuple[Any, ...] | None = None
        self._problem = ""
        self._read = ledger.size
        self._bombing: set[tuple[str, str]] = set()

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"notify.status": self._status, "notify.test": self._test}

    def facts(self) -> dict[str, Any]:
        """How each target does, and why the newest configuration is refused where it is."""
        return {"targets": [way.courier.facts() for way in self._ways.values()], "problem": self._problem}

    async def run(self) -> None:
        """Until cancelled. A bug here is logged and costs a message, never a decision."""
        looked = 0.0
        while True:
            try:
                if self._clock.now() >= looked + _REFRESH:
                    looked = self._clock.now()
                    self._refresh()
                await self._look()
            except (InterlockError, OSError) as error:
                log.warning("notify.failed", problem=str(error))
            except Exception:
                log.exception("notify.bug")
            await asyncio.sleep(_EVERY)

    async def _look(self) -> None:
        size = self._ledger.size
        if not self._ways:
            self._read = size
            return
        if size > self._read:
            start, self._read = self._read, min(size, self._read + _MOST)
            for index, kind, body in await asyncio.to_thread(self._entries, start, self._read):
                self._take(index, kind, body)
        for way in self._ways.values():
            for message in way.plan.due(self._clock.now()):
                way.courier.hand(message)

    def _entries(self, start: int, stop: int) -> list[tuple[int, str, dict[str, Any]]]:
        found = self._ledger.entries(start, stop, KINDS)
        return [(stored.index, stored.kind, json.loads(stored.raw)["body"]) for stored in found]

    def _take(self, index: int, kind: str, body: dict[str, Any]) -> None:
        now = self._clock.now()
        if kind == memory.ASKED:
            if (ask := self._known(index)) is not None:
                for way in self._ways.values():
                    way.plan.ask(ask, now)
        elif kind == memory.ESCALATED:
            for way in self._ways.values():
                way.plan.escalate(body["request"], body["change"]["level"], body.get("to", ""), now)
        elif kind in memory.KINDS:
            if body["change"]["state"] not in {state.value for state in OPEN}:
                for way in self._ways.values():
                    way.plan.settle(body["request"])
        elif (incident := self._incident(index, kind, body)) is not None:
            for way in self._ways.values():
                way.plan.happened(incident)

    def _known(self, index: int) -> Ask | None:
        """The question of an entry, while it still waits."""
        try:
            request = self._queue.get(index)
        except NotFound:
            return None
        return _ask(request) if request.state in OPEN else None

    def _incident(self, index: int, kind: str, body: dict[str, Any]) -> Incident | None:
        if kind == ALARM:
            who = body.get("principal", {})
            key = (str(who.get("agent", "")), str(who.get("session", "")))
            if body["alarm"] == BOMBING:
                self._bombing.add(key)
            return Incident(index, str(body["alarm"]), str(body.get("message", "")), *key)
        order = order_of(index, body)
        key = (order.agent, order.session)
        if order.by or order.what is not What.PAUSE or key in self._bombing:
            self._bombing.discard(key)  # the alarm before it says the same
            return None
        return Incident(index, "session-paused", order.reason, *key)

    # --- the configuration

    def _refresh(self) -> None:
        stamp = tuple(_look(folder / "interlock.toml") for folder in self._folders)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            wanted = configuration.notify(self._folders)
        except ConfigError as error:
            self._problem = str(error)  # what was in force stays
            return
        self._problem = ""
        panel = self.panel()
        for name in [name for name, way in self._ways.items() if way.plan.target not in wanted]:
            self._ways.pop(name).task.cancel()
        waiting = [_ask(request) for request in self._queue.live() if request.state in OPEN]
        for target in wanted:
            if target.name not in self._ways:
                way = self._ways[target.name] = _Way(target, self._deliver, panel)
                for ask in waiting:
                    way.plan.ask(ask, self._clock.now())

    # --- what people ask

    async def _status(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        self._refresh()
        return self.facts()

    async def _test(self, params: dict[str, Any], peer: Peer) -> Any:
        """Send a trial to every target, or to one; nobody but a person may have messages sent."""
        self._callers.person(peer)
        self._refresh()
        name = text(params, "to", "")
        chosen = [way for way in self._ways.values() if name in {"", way.courier.target.name}]
        if name and not chosen:
            known = ", ".join(self._ways) or "none"
            raise NotFound(f"no target is named {name!r}. Known: {known}.")
        problems = await asyncio.gather(*(self._try(way) for way in chosen))
        return [{**way.courier.facts(), "problem": problem} for way, problem in zip(chosen, problems, strict=True)]

    async def _try(self, way: _Way) -> str:
        message: Message = trial(way.courier.target.name, panel=way.plan.panel, key=secrets.token_hex(8))
        return await way.courier.now(message)


def _ask(request: Request) -> Ask:
    return Ask(
        id=request.id, tier=request.tier, agent=request.principal.agent, session=request.principal.session,
        workspace=request.workspace, effects=request.effects, asked=seconds(request.asked_at),
        decide_by=seconds(request.decide_by), alike=request.alike, groups=request.needs.groups, level=request.level,
    )  # fmt: skip


def _look(file: Path) -> tuple[int, ...]:
    try:
        facts = file.stat()
    except OSError:
        return ()
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino
