"""The rooms of one daemon, built around its ledger and put together.

Each function builds what belongs together; `build` joins them. What the ledger remembers is restored in `restoring.py`
before anything is served.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from interlock.approvals.queue import Queue
from interlock.broker.broker import Broker
from interlock.broker.clock import Clock
from interlock.broker.config import Panel
from interlock.broker.drilling import Drills
from interlock.broker.gitcall import GitCall
from interlock.broker.halting import Halting
from interlock.broker.judge import Person, person_here
from interlock.broker.launching import Launching
from interlock.broker.sealing import Sealer
from interlock.broker.undoing import Undoing
from interlock.changes.provenance.journal import Journals
from interlock.changes.provenance.observer import Observer
from interlock.changes.provenance.state import States
from interlock.containment import edits, gitpoint, gitundo, layers, tiers
from interlock.containment.gitpoint import GitPoints
from interlock.containment.histories import Histories
from interlock.containment.shelf import Shelf
from interlock.containment.store import Store
from interlock.containment.undo import Restorer
from interlock.daemon import means, restoring
from interlock.daemon.agents import AgentProcesses, alive, environment
from interlock.daemon.attesting import Attester
from interlock.daemon.bound import BoundRuns
from interlock.daemon.callers import Callers
from interlock.daemon.contained import Contained
from interlock.daemon.desk import Desk
from interlock.daemon.front import FrontDesk
from interlock.daemon.grants import GrantsDesk
from interlock.daemon.halting import HaltDesk
from interlock.daemon.history import HistoryDesk
from interlock.daemon.inbox import InboxDesk
from interlock.daemon.incidents import IncidentDesk
from interlock.daemon.inviting import InvitingDesk
from interlock.daemon.keeping import Keeping
from interlock.daemon.lifting import Lifting
from interlock.daemon.listening import Addresses
from interlock.daemon.network import Network
from interlock.daemon.notifying import Notifier
from interlock.daemon.panel import PanelDesk
from interlock.daemon.passkeyreviews import PasskeyReviewDesk
from interlock.daemon.people import PeopleDesk
from interlock.daemon.plans import PlanDesk
from interlock.daemon.playground import PlaygroundDesk
from interlock.daemon.provenance import ProvenanceDesk
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.records import RecordsDesk
from interlock.daemon.reviewers import ReviewersDesk
from interlock.daemon.reviews import ReviewDesk
from interlock.daemon.roles import RolesDesk
from interlock.daemon.rpc import Rpc
from interlock.daemon.rules import RuleBook
from interlock.daemon.runs import Runs
from interlock.daemon.server import Peer
from interlock.daemon.sessions import SessionsDesk
from interlock.daemon.settling import Settler
from interlock.daemon.stopping import Stopper
from interlock.daemon.suggesting import SuggestionsDesk
from interlock.daemon.tokens import TokenDesk
from interlock.daemon.tracking import Tracker
from interlock.daemon.undo import UndoDesk
from interlock.daemon.verdicts import VerdictsDesk
from interlock.daemon.wire import Door, Header, Reply
from interlock.gates.hooks.service import HookService
from interlock.halt.book import Book
from interlock.halt.lease import Lease
from interlock.home import Home
from interlock.identity.keys import Ed25519Key
from interlock.identity.people import People
from interlock.ledger.blobs import BlobStore
from interlock.ledger.store import Ledger
from interlock.model.errors import InterlockError


class House(NamedTuple):
    """What the daemon's life needs of its rooms."""

    recorder: LedgerRecorder
    rules: RuleBook
    broker: Broker
    runs: Runs
    inbox: InboxDesk
    keeping: Keeping
    doors: Doors
    halt: HaltDesk
    notifier: Notifier
    panel: PanelDesk


class Ground(NamedTuple):
    """What every room stands on."""

    home: Home
    ledger: Ledger
    recorder: LedgerRecorder
    rules: RuleBook
    clock: Clock
    person: Person
    agents: AgentProcesses
    callers: Callers
    people: People
    signer: Ed25519Key


class Past(NamedTuple):
    """What undo is made of."""

    shelf: Shelf
    vault: Store
    git: GitCall
    points: GitPoints
    undoing: Undoing


class Doors:
    """Sends each request to the room that answers it."""

    def __init__(
        self, hooks: HookService, rpc: Rpc, runs: Runs, agents: AgentProcesses, *, epoch: Callable[[], int]
    ) -> None:
        self._hooks = hooks
        self._epoch = epoch
        self._rpc = rpc
        self._runs = runs
        self._agents = agents

    async def serve(self, header: Header, payload: bytes, peer: Peer) -> Reply:
        """One request."""
        epoch = self._epoch()
        if header.door is Door.RPC:
            return await self._rpc.serve(payload, peer)
        if header.door is Door.RUN:
            return msgspec.structs.replace(await self._runs.serve(payload, peer), epoch=self._epoch())
        process = self._agents.saw_hook(peer.pid, header.agent)
        inside = self._runs.holding(peer.pid)
        reply = await self._hooks.serve(
            header.agent, payload, peer.gone, inside=inside, process=process, environment=lambda: environment(peer.pid)
        )
        # An action carries the epoch under which it was released; whatever else, that of when it was asked for.
        decided = epoch if reply.epoch is None else reply.epoch
        return Reply(exit=reply.exit, stdout=reply.stdout, stderr=reply.stderr, epoch=decided)


async def build(home: Home, ledger: Ledger, signer: Ed25519Key, *, clock: Clock, stop: Callable[[], None]) -> House:
    """All rooms, with what the ledger remembers; what the last daemon left under way is brought to its end."""
    recorder = LedgerRecorder(ledger, clock)
    agents = AgentProcesses()
    rules = RuleBook(home.config, report=recorder.note, now=clock.now)
    person = person_here(home.own_paths)
    people = restoring.people(ledger, signer.name, person.name)
    ground = Ground(home, ledger, recorder, rules, clock, person, agents, Callers(agents, people), people, signer)
    past = _past(ground)
    histories = Histories(home.state / "histories")
    network, settler, runs = await _contain(ground, histories)
    ground.callers.inside = runs.within
    broker = Broker(
        ledger=recorder,
        rules=rules,
        queue=Queue(recorder.record, now=clock.stamp, known=people, store=BlobStore(home.state / "ledger" / "blobs")),
        clock=clock,
        halting=Halting(Book(), clock, person, recorder.record),
        started=agents.started,
        undoing=past.undoing,
        container=runs,
    )
    broker.histories = histories
    tracker = broker.tracking = settler.tracking = _tracker(ground, past)
    settler.drifted = broker.drifted
    settler.in_vain = broker.in_vain
    _bind(runs, broker, BoundRuns(run=home.run, place=home.state / "bound", tier=runs.facts), past.git)
    broker.sessions.origin = signer.name
    restoring.restore(ledger, broker)
    undo = _undo_desk(ground, past)
    crowd = PeopleDesk(people, recorder, ground.callers, clock, lambda: rules.config("").administrators)
    tokens = TokenDesk(people, broker, recorder=recorder, callers=ground.callers, clock=clock, signer=signer)
    restoring.tokens(ledger, tokens.book)
    broker.token_ended = tokens.ended
    roles = RolesDesk(broker, rules, people, callers=ground.callers, clock=clock)
    crowd.heard += [tokens.heard, roles.heard]
    inbox = InboxDesk(broker, rules, clock, ground.callers, people=people, desk=crowd, signer=signer)
    halt = _halt_desk(ground, broker, runs, crowd)
    halt.heard += [tokens.halted, roles.halted, runs.ordered]
    notifier = Notifier(ledger=ledger, queue=broker.queue, clock=clock, callers=ground.callers, user=home.config)
    inviting = InvitingDesk(people, recorder, ground.callers, clock=clock, random=secrets.token_bytes)
    crowd.heard.append(inviting.heard)
    panel = _panel_desk(ground, crowd, inviting)
    attester = Attester(
        tracker=tracker, ledger=ledger, recorder=recorder, signer=signer, clock=clock, person=person.name
    )
    reviews = ReviewDesk(
        broker, tracker, attester, ledger=ledger, recorder=recorder, callers=ground.callers, clock=clock, signer=signer
    )
    troubles = IncidentDesk(tracker, attester, ledger=ledger, recorder=recorder, callers=ground.callers, clock=clock)
    tracker.committed = attester.committed
    desks = [*_desks(ground, broker, runs, settler, stop), ProvenanceDesk(tracker, ledger, recorder, attester), reviews]
    verdicts = VerdictsDesk(tracker, ledger=ledger, recorder=recorder, callers=ground.callers, keys=home.state / "keys")
    signed = PasskeyReviewDesk(
        reviews, verdicts, tracker, people=people, callers=ground.callers, clock=clock, count=crowd.count
    )
    rpc = Rpc([*desks, troubles, verdicts, signed, crowd, inviting, tokens, roles, inbox, undo, halt, notifier, panel])
    panel.rpc, notifier.panel = rpc, panel.address
    await broker.queue.recover()
    await undo.recover()
    await asyncio.to_thread(past.points.tidy, clock.now())
    await runs.restore()
    await halt.recover()
    await network.start()
    keeping = Keeping(tiers.candidates(home.state, os.environ), past.shelf, past.vault)
    doors = Doors(
        HookService(broker, person=person.name, alive=alive), rpc, runs, agents, epoch=lambda: broker.halting.epoch
    )
    return House(recorder, rules, broker, runs, inbox, keeping, doors, halt, notifier, panel)


def _tracker(ground: Ground, past: Past) -> Tracker:
    def kept(digest: str) -> bytes | None:
        return past.vault.get(digest) if digest in past.vault else None

    observer = Observer(States(ground.home.state / "provenance"), Journals(), past.undoing.secret, kept)
    return Tracker(observer, past.git, ground.ledger, ground.recorder)


def _past(ground: Ground) -> Past:
    shelf, vault = Shelf(ground.home.state / "undo"), Store(ground.home.state / "preimages")
    git = GitCall(ground.agents.started)
    points = GitPoints(git, shelf, vault)
    return Past(shelf, vault, git, points, Undoing(shelf, vault, ground.person, ground.clock, points))


async def _contain(ground: Ground, histories: Histories) -> tuple[Network, Settler, Runs]:
    home, recorder = ground.home, ground.recorder
    tier, groups = await asyncio.to_thread(means.ready, home)
    network = Network(home.run / "egress.sock", recorder.note, possible=tier.network)
    settler = Settler(
        tier, person=ground.person, own=home.directories, ledger=recorder, network=network, histories=histories
    )
    runs = Runs(settler, programs=Path(sys.executable).parent, run=home.run, tier=tier, groups=groups)
    return network, settler, runs


def _bind(runs: Runs, broker: Broker, bound: BoundRuns, git: GitCall) -> None:
    """Approved commands are started by the launcher as well."""
    runs.bound, broker.launching = bound, Launching(Sealer(git), bound)
    bound.launch, bound.landed = broker.launch, broker.landed


def _undo_desk(ground: Ground, past: Past) -> UndoDesk:
    restorers: dict[str, Restorer] = {
        edits.KIND: edits.Edits(past.shelf, past.vault, past.undoing.secret),
        gitpoint.KIND: gitundo.GitUndo(past.git, past.shelf, past.vault, past.points),
        layers.KIND: layers.Layers(tiers.candidates(ground.home.state, os.environ)),
    }
    return UndoDesk(
        ledger=ground.ledger, recorder=ground.recorder, clock=ground.clock, shelf=past.shelf, restorers=restorers,
        callers=ground.callers,
    )  # fmt: skip


def _halt_desk(ground: Ground, broker: Broker, runs: Runs, crowd: PeopleDesk) -> HaltDesk:
    stopper = Stopper(
        book=broker.halting.book, clock=ground.clock, lease=Lease(ground.home.run / "lease"), runs=runs.live,
        sessions=broker.sessions.all, config=ground.rules.config, group=runs.group,
    )  # fmt: skip
    runs.halted = stopper.halted
    return HaltDesk(
        broker=broker, stopper=stopper, ledger=ground.ledger, recorder=ground.recorder, callers=ground.callers,
        signer=ground.signer, lifting=Lifting(broker.halting.book, ground.people, ground.recorder, crowd.count),
        config=ground.rules.config,
    )  # fmt: skip


def _panel_desk(ground: Ground, crowd: PeopleDesk, inviting: InvitingDesk) -> PanelDesk:
    try:
        settings = ground.rules.config("").panel
    except InterlockError:
        settings = Panel()  # a configuration that is refused stops agents; people must still be able to look
    addresses = Addresses(ground.home.state / "panel.port", ground.home.run / "panel.sock")
    return PanelDesk(
        addresses, callers=ground.callers, recorder=ground.recorder, settings=settings, people=ground.people,
        counted=crowd.count, ledger=ground.home.state / "ledger", inviting=inviting,
    )  # fmt: skip


def _desks(ground: Ground, broker: Broker, runs: Runs, settler: Settler, stop: Callable[[], None]) -> list[Desk]:
    ledger, recorder, rules, clock, callers = (
        ground.ledger, ground.recorder, ground.rules, ground.clock, ground.callers,
    )  # fmt: skip
    contained = Contained(
        runs, settler, rules=rules, callers=callers, ledger=ledger, recorder=recorder,
        halting=broker.halting, socket=ground.home.socket,
    )  # fmt: skip
    runs.asked, runs.note = contained.asked, contained.note
    grants = GrantsDesk(broker, ledger, rules, clock, callers)
    return [
        FrontDesk(
            broker=broker, ledger=ledger, rules=rules, contained=contained, callers=callers,
            started=clock.stamp(), stop=stop,
        ),
        RecordsDesk(ledger, recorder),
        SessionsDesk(broker), PlanDesk(broker, callers),
        contained,
        grants,
        SuggestionsDesk(broker, ledger, rules, clock, grants),
        HistoryDesk(ledger, recorder, clock, ground.person.name),
        PlaygroundDesk(ledger, ground.home.config, ground.person),
        ReviewersDesk(broker, Drills(broker.queue, recorder.record, clock), callers),
    ]  # fmt: skip
