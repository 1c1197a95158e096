"""The composition root: builds the house around one home directory, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import json
import os
import signal
import socket
import sys
from pathlib import Path

import structlog

from interlock import __version__
from interlock.approvals.pauses import KINDS as PAUSE_KINDS
from interlock.approvals.queue import KINDS, Queue
from interlock.broker import granting
from interlock.broker.broker import Broker
from interlock.broker.clock import Clock, seconds, stamp
from interlock.broker.gitcall import GitCall
from interlock.broker.judge import person_here
from interlock.broker.records import ALARM, SESSION_OPEN, TRAIL
from interlock.broker.undoing import Undoing
from interlock.containment import edits, gitpoint, gitundo, layers, tiers
from interlock.containment.gitpoint import GitPoints
from interlock.containment.shelf import Shelf
from interlock.containment.store import Store
from interlock.containment.tiers import Tier
from interlock.containment.undo import Restorer
from interlock.daemon.agents import AgentProcesses
from interlock.daemon.callers import Callers
from interlock.daemon.contained import Contained
from interlock.daemon.front import FrontDesk
from interlock.daemon.grants import GrantsDesk
from interlock.daemon.inbox import InboxDesk
from interlock.daemon.keeping import Keeping
from interlock.daemon.network import Network
from interlock.daemon.people import PeopleDesk
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.records import RecordsDesk
from interlock.daemon.rpc import Rpc
from interlock.daemon.rules import RuleBook
from interlock.daemon.runs import Runs
from interlock.daemon.server import Peer, Server
from interlock.daemon.settling import Settler
from interlock.daemon.undo import UndoDesk
from interlock.daemon.wire import Door, Header, Reply
from interlock.effects import sql
from interlock.effects.catalogue import packaged
from interlock.gates.hooks.service import HookService
from interlock.home import Home
from interlock.identity import keys
from interlock.identity.people import ADMINS, People, Person
from interlock.identity.people import KINDS as PEOPLE_KINDS
from interlock.ledger.blobs import BlobStore
from interlock.ledger.store import Ledger
from interlock.model.errors import DaemonRunning, InterlockError, LedgerUnavailable, StateError

log = structlog.get_logger()

_LAUNCHER = Path(sys.executable).parent / "interlock-run"
_REFRESH_SECONDS = 0.5
_EXPIRE_SECONDS = 5.0
_PRUNE_SECONDS = 3_600.0
_DRAIN_SECONDS = 5.0
_CLOCK_SLACK_SECONDS = 5.0  # a time server's ordinary correction


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
            recorder = LedgerRecorder(ledger, self._clock)
            rules = RuleBook(home.config, report=recorder.note)
            person = person_here(home.own_paths)
            people = _people(ledger, origin, person.name)
            queue = _queue(ledger, recorder, self._clock, people, BlobStore(home.state / "ledger" / "blobs"))
            agents = AgentProcesses()
            shelf, vault = Shelf(home.state / "undo"), Store(home.state / "preimages")
            git = GitCall(agents.started)
            points = GitPoints(git, shelf, vault)
            undoing = Undoing(shelf, vault, person, self._clock, points)
            tier = await asyncio.to_thread(_tier, home)
            network = Network(home.run / "egress.sock", recorder.note, possible=tier.network)
            settler = Settler(tier, person=person, own=home.directories, ledger=recorder, network=network)
            runs = Runs(settler, programs=Path(sys.executable).parent, run=home.run, tier=tier)
            broker = Broker(
                ledger=recorder,
                rules=rules,
                queue=queue,
                clock=self._clock,
                person=person,
                started=agents.started,
                undoing=undoing,
                container=runs,
            )
            settler.drifted = broker.drifted
            restorers: dict[str, Restorer] = {
                edits.KIND: edits.Edits(shelf, vault, undoing.secret),
                gitpoint.KIND: gitundo.GitUndo(git, shelf, points),
                layers.KIND: layers.Layers(tiers.candidates(home.state, os.environ)),
            }
            callers = Callers(agents)
            desk = UndoDesk(
                ledger=ledger, recorder=recorder, clock=self._clock, shelf=shelf, restorers=restorers, callers=callers
            )
            broker.sessions.restore(json.loads(e.raw)["body"] for e in ledger.entries(kinds=[SESSION_OPEN]))
            given = ((e.index, e.kind, json.loads(e.raw)["body"]) for e in ledger.entries(kinds=granting.KINDS))
            if strange := broker.grants.restore(given):
                log.warning("grants.strange", entries=strange[:100], count=len(strange))
            broker.trails.restore(json.loads(e.raw)["body"] for e in ledger.entries(kinds=[TRAIL]))
            hooks = HookService(broker, person=person.name)
            contained = Contained(
                runs, settler, rules=rules, callers=callers, ledger=ledger, recorder=recorder,
                home=person.home, socket=home.socket,
            )  # fmt: skip
            runs.asked, runs.note = contained.asked, contained.note
            front = FrontDesk(
                broker=broker, ledger=ledger, rules=rules, contained=contained, callers=callers,
                started=self._clock.stamp(), stop=self._ending.set,
            )  # fmt: skip
            crowd = PeopleDesk(people, recorder, callers, self._clock)
            inbox = InboxDesk(broker, rules, self._clock, callers, people=people, desk=crowd, signer=signer)
            rpc = Rpc([front, inbox, RecordsDesk(ledger, recorder), contained, desk, crowd, GrantsDesk(broker, ledger, rules, self._clock, callers)])
            await queue.recover()
            await desk.recover()
            await asyncio.to_thread(points.tidy, self._clock.now())
            await runs.restore()
            await network.start()
            keeping = Keeping(tiers.candidates(home.state, os.environ), shelf, vault)
            await self._serve(recorder, rules, queue, broker, _Doors(hooks, rpc, runs, agents, keeping, inbox))
        finally:
            ledger.close()

    async def _serve(
        self, recorder: LedgerRecorder, rules: RuleBook, queue: Queue, broker: Broker, doors: _Doors
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        await self._mind_the_clock(recorder, queue)
        await recorder.record("daemon.start", {"version": __version__, "pid": os.getpid()})
        _warm(rules)
        server = Server(self._home.socket, doors.serve)
        await server.start()
        log.info("daemon.up", socket=str(self._home.socket), pid=os.getpid())
        warming = asyncio.get_running_loop().run_in_executor(None, _warm_readers)
        chores = asyncio.create_task(self._chores(recorder, rules, doors))
        await warming
        _settle_memory()
        await self._ending.wait()
        log.info("daemon.draining", connections=server.busy)
        queue.release()
        await server.stop(_DRAIN_SECONDS)
        chores.cancel()
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

    async def _chores(self, recorder: LedgerRecorder, rules: RuleBook, doors: _Doors) -> None:
        """What must happen without being asked. One failing chore is logged and does not end the others."""
        waited, pruned = 0.0, 0.0
        while True:
            try:
                rules.refresh()
                await recorder.flush()
                if waited >= _EXPIRE_SECONDS:
                    waited = 0.0
                    await doors.inbox.tend()
                    await doors.runs.sweep()
                if self._clock.now() >= pruned + _PRUNE_SECONDS:
                    pruned = self._clock.now()
                    await asyncio.to_thread(doors.keeping.prune, pruned)
            except (InterlockError, OSError) as error:
                log.warning("chore.failed", problem=str(error))
            except Exception:
                # A bug in a chore must not take the guard down; decisions do not depend on chores.
                log.exception("chore.bug")
            await asyncio.sleep(_REFRESH_SECONDS)
            waited += _REFRESH_SECONDS


def _people(ledger: Ledger, origin: str, login: str) -> People:
    """Everybody, as the ledger tells. Raises LedgerTampered: who may decide must be known."""
    people = People(origin, Person(login, uid=os.geteuid(), groups=(ADMINS,)))
    people.restore((e.index, e.kind, json.loads(e.raw)["body"]) for e in ledger.entries(kinds=PEOPLE_KINDS))
    return people


def _queue(ledger: Ledger, recorder: LedgerRecorder, clock: Clock, people: People, store: BlobStore) -> Queue:
    """The requests and the paused sessions, as the ledger tells."""
    queue = Queue(recorder.record, now=clock.stamp, known=people, store=store)
    restored = ((e.index, e.kind, json.loads(e.raw)["body"]) for e in ledger.entries(kinds=KINDS))
    if strange := queue.restore(restored):
        log.warning("approvals.strange", entries=strange[:100], count=len(strange))
    queue.pauses.restore((e.index, e.kind, json.loads(e.raw)["body"]) for e in ledger.entries(kinds=PAUSE_KINDS))
    return queue


def _tier(home: Home) -> Tier:
    """What can contain a command here, tried for real: some 50 ms."""
    launcher = _LAUNCHER if _LAUNCHER.is_file() else None
    found = tiers.survey(tiers.candidates(home.state, os.environ), launcher, tiers.found("bwrap"))
    log.info("containment", tier=found.name.value, place=found.place, why=found.why)
    return found


def _settle_memory() -> None:
    """What is loaded now stays: the collector need not walk it again, which would stall a decision by tens of ms."""
    gc.collect()
    gc.freeze()
    # The ledger's thread works in bursts of microseconds; the default of 5 ms would let it hold up a whole decision.
    sys.setswitchinterval(0.0005)


class _Doors:
    """Sends each request to the room that answers it."""

    def __init__(
        self, hooks: HookService, rpc: Rpc, runs: Runs, agents: AgentProcesses, keeping: Keeping, inbox: InboxDesk
    ) -> None:
        self._hooks = hooks
        self._rpc = rpc
        self.runs = runs
        self.keeping = keeping
        self.inbox = inbox
        self._agents = agents

    async def serve(self, header: Header, payload: bytes, peer: Peer) -> Reply:
        if header.door is Door.RPC:
            return await self._rpc.serve(payload, peer)
        if header.door is Door.RUN:
            return await self.runs.serve(payload, peer)
        self._agents.saw_hook(peer.pid, header.agent)
        inside = self.runs.holds(peer.pid)
        reply = await self._hooks.serve(header.agent, payload, peer.gone, inside=inside)
        return Reply(exit=reply.exit, stdout=reply.stdout, stderr=reply.stderr)


def _warm(rules: RuleBook) -> None:
    """Load what the first decision would otherwise wait for. A refused set is not fatal here: it stops agents."""
    try:
        rules.engine("")
    except InterlockError as error:
        log.warning("policy.refused", problem=str(error))


def _warm_readers() -> None:
    """What the first commands would otherwise wait for: the SQL library, and the families of the catalogue."""
    sql.warm()
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
