"""The daemon's life: one a home, its ledger opened, its house built, served, and taken down in order."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path

import structlog

from interlock import __version__
from interlock.approvals.queue import Queue
from interlock.broker.clock import Clock, seconds, stamp
from interlock.broker.records import ALARM
from interlock.containment.graves import rules as graves
from interlock.daemon.house import House, build
from interlock.daemon.memory import give_back
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.rules import RuleBook
from interlock.daemon.server import Server
from interlock.effects import hosts, path_rules, redact, sql
from interlock.effects.catalogue import api_table, packaged
from interlock.effects.catalogue.readers import powershell
from interlock.effects.sql import names
from interlock.effects.tools import mcp_words
from interlock.home import Home
from interlock.identity import keys
from interlock.ledger.store import Ledger
from interlock.model.errors import DaemonRunning, InterlockError, LedgerUnavailable, StateError

log = structlog.get_logger()

_REFRESH_SECONDS = 0.5
_EXPIRE_SECONDS = 5.0
_PRUNE_SECONDS = 3_600.0
_TRIM_SECONDS = 30.0
_DRAIN_SECONDS = 5.0
_IDLE_SECONDS = 2.0
_CLOCK_SLACK_SECONDS = 5.0  # a time server's ordinary correction
# The lists that decisions look things up in; each is read, and its patterns compiled, by the first who asks.
_LISTS = (
    path_rules.packaged, partial(redact.redact, "no credential"), hosts.packaged, names.packaged, mcp_words.packaged,
    api_table.packaged, graves.book,
)  # fmt: skip


def run(home: Home, *, lost_head: bool = False, lost_key: bool = False) -> None:
    """Run until told to stop. Raises DaemonRunning, StateError, LedgerForked and kin when it may not start.

    `lost_head` and `lost_key` are a person's word that the head file, or the daemon's key, is gone for a known reason;
    both become entries of the ledger.
    """
    os.umask(0o077)
    home.make()
    lock = _lock(home)
    try:
        asyncio.run(_Daemon(home, lost_head=lost_head, lost_key=lost_key).live())
    finally:
        os.close(lock)


def _lock(home: Home) -> int:
    file = home.run / "daemon.lock"
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StateError(f"cannot open {file}: {error.strerror}. Check its owner, or remove it.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise DaemonRunning(f"a daemon already runs for {home.state}. `interlock status` shows it.") from error
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except OSError as error:
        # Only a note for people: on a full disk the guard comes up nevertheless.
        log.warning("daemon.lock.unnoted", problem=error.strerror)
    return descriptor


class _Daemon:
    def __init__(self, home: Home, *, lost_head: bool, lost_key: bool) -> None:
        self._home = home
        self._lost_head = lost_head
        self._lost_key = lost_key
        self._clock = Clock()
        self._ending = asyncio.Event()

    async def live(self) -> None:
        home = self._home
        origin = _origin(home)
        root = keys.load_or_create(home.state / "keys", "root", origin, environ=os.environ)
        signer = keys.load_or_create(home.state / "keys", "daemon", origin, environ=os.environ)
        ledger = Ledger.open(
            home.state / "ledger", signer, origin, root=root, lost_head=self._lost_head, lost_key=self._lost_key
        )
        try:
            house = await build(home, ledger, signer, clock=self._clock, stop=self._ending.set)
            await self._serve(house)
            await asyncio.to_thread(house.runs.leave)
        finally:
            ledger.close()

    async def _serve(self, house: House) -> None:
        recorder, broker = house.recorder, house.broker
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        await self._mind_the_clock(recorder, broker.queue)
        await recorder.record("daemon.start", {"version": __version__, "pid": os.getpid()})
        _warm(house.rules)
        server = Server(self._home.socket, house.doors.serve)
        await server.start()
        house.panel.start()
        log.info("daemon.up", socket=str(self._home.socket), pid=os.getpid())
        # The ledger's thread works in bursts of microseconds; the default of 5 ms would let it hold up a decision.
        sys.setswitchinterval(0.0005)
        chores = (self._chores(house), house.halt.keep_time(), house.notifier.run(), _warm_up(server))
        tasks = [asyncio.create_task(task) for task in chores]
        await self._ending.wait()
        log.info("daemon.draining", connections=server.busy)
        broker.queue.release()
        await server.stop(_DRAIN_SECONDS)
        await asyncio.to_thread(house.panel.stop)
        for task in tasks:
            task.cancel()
        try:
            for session in broker.sessions.all():
                await broker.close(session.principal, "the daemon stopped", stopping=True)
            await recorder.record("daemon.stop", {"reason": "asked to stop"})
        except LedgerUnavailable as error:
            # Nothing was released that the ledger does not have; that the daemon stopped is seen by its silence.
            log.warning("daemon.stop.unrecorded", problem=str(error))
        log.info("daemon.down")

    async def _mind_the_clock(self, recorder: LedgerRecorder, queue: Queue) -> None:
        """A clock that was set back while no daemon ran would give every yes in the ledger its time again."""
        last, now = recorder.last_stamp(), self._clock.now()
        if last is None or seconds(last) <= now + _CLOCK_SLACK_SECONDS:
            return
        message = "the clock was set back since the last entry: no open question and no unused yes counts any more"
        await recorder.record(ALARM, {"alarm": "clock-set-back", "message": message, "was": last, "now": stamp(now)})
        await queue.expire(everything=True)

    async def _chores(self, house: House) -> None:
        """What must happen without being asked. One failing chore is logged and does not end the others."""
        waited, pruned, trimmed = 0.0, 0.0, 0.0
        while True:
            try:
                house.rules.refresh()
                await house.recorder.flush()
                if waited >= _EXPIRE_SECONDS:
                    waited = 0.0
                    await house.inbox.tend()
                    await house.runs.sweep()
                if self._clock.now() >= pruned + _PRUNE_SECONDS:
                    pruned = self._clock.now()
                    await asyncio.to_thread(house.keeping.prune, pruned)
                if self._clock.now() >= trimmed + _TRIM_SECONDS:
                    trimmed = self._clock.now()
                    await asyncio.to_thread(give_back)
            except (InterlockError, OSError) as error:
                log.warning("chore.failed", problem=str(error))
            except Exception:
                # A bug in a chore must not take the guard down; decisions do not depend on chores.
                log.exception("chore.bug")
            await asyncio.sleep(_REFRESH_SECONDS)
            waited += _REFRESH_SECONDS


def _settle_memory() -> None:
    """What is loaded now stays: the collector need not walk it again, which would stall a decision by tens of ms."""
    gc.collect()
    gc.freeze()


async def _warm_up(server: Server) -> None:
    """Load in advance what is loaded on demand, once nobody asks: beside a first call it would only be in its way."""
    await asyncio.sleep(_IDLE_SECONDS)
    while server.busy:
        await asyncio.sleep(_IDLE_SECONDS)
    await asyncio.get_running_loop().run_in_executor(None, _warm_readers)
    _settle_memory()


def _warm(rules: RuleBook) -> None:
    """Load what the first decision would otherwise wait for. A refused set is not fatal here: it stops agents."""
    try:
        rules.engine("")
    except InterlockError as error:
        log.warning("policy.refused", problem=str(error))


def _warm_readers() -> None:
    """What the first commands would otherwise wait for: SQL's library, PowerShell's, the lists, the families."""
    sql.warm()
    powershell.warm()
    for read in _LISTS:
        read()
    for shelf in packaged().shelves:
        try:
            shelf.families()
        except InterlockError as error:
            log.warning("catalogue.refused", problem=str(error))


def _origin(home: Home) -> str:
    """The log's name, made once: host and a random part, so that two logs never share one."""
    file = home.state / "origin"
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"cannot read {file}: {error}. Put it back from a backup, and check its owner.") from error
    name = f"interlock/{socket.gethostname()[:60]}/{os.urandom(6).hex()}"
    _write_once(file, name + "\n")
    return name


def _write_once(file: Path, text: str) -> None:
    """The whole text or nothing: a name that a full disk cut in two would be another log's."""
    new = file.with_name(f"{file.name}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as output:
            output.write(text.encode())
            output.flush()
            os.fsync(descriptor)
        new.rename(file)
    except OSError as error:
        raise StateError(f"cannot write {file}: {error.strerror}. Check its directory and the disk's space.") from error
