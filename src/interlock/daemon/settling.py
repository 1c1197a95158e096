"""What becomes of what a contained run changed: looked at, held or committed, and recorded."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import structlog

from interlock.broker import records
from interlock.broker.attending import Recorder
from interlock.broker.config import End
from interlock.broker.contain import Wish
from interlock.broker.drift import drift, open_ended, reaches
from interlock.broker.judge import Person
from interlock.broker.programs import Unforeseen, notes, unforeseen
from interlock.broker.undoing import secrets_of
from interlock.containment import layers
from interlock.containment.change import ChangeSet, shown
from interlock.containment.histories import Histories
from interlock.containment.plan import Plan, Write
from interlock.containment.profiles import Ground, draw, profile
from interlock.containment.recovery import recover
from interlock.containment.settle import DROPPED, Settled, Workplace, clean, decide, left, settle, untouched, waiting
from interlock.containment.sight import Sight
from interlock.containment.tiers import Name, Tier
from interlock.daemon.network import Network, Tried
from interlock.daemon.tracking import Tracker
from interlock.model.action import Principal
from interlock.model.counts import many
from interlock.model.errors import NotFound, StateError

log = structlog.get_logger()

Drifted = Callable[[Principal, str, tuple[str, ...], int], Awaitable[None]]

CHANGES = "changes"
DECISION = "changes.decision"

_NOTE = "under-way"  # in a run's folder, until it is settled
_NOT_THERE = (126, 127)  # what a shell says of a program that it cannot run or find
_SHOWN = 12  # paths of each kind in an entry, and held ones in the words for the command
_LINES = 12  # differences of a run that are named; an entry has 16 KiB
_PROGRAMS = 24  # and programs that it ran, with the last part of their names
_NAMED = 80  # bytes
_NOTHING = Sight()
_MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
_RUN = re.compile(r"r[0-9]+-[0-9a-f]{8}")
_DIRECTORIES = 128  # of a workspace that are looked into for credentials
_LOOKED = 4_000  # and names in them
_MADE = frozenset({".git", "node_modules", ".venv", "venv", "target", "build", "dist", "__pycache__", ".tox", "vendor"})


class Run(msgspec.Struct, frozen=True):
    """One contained run under way. `launcher` names the process that holds it, as `process` names one."""

    id: str
    ticket: str  # "" where it was asked for by its command: it is then known by its id
    wish: Wish
    launcher: str
    place: Workplace


class Settler:
    """Lays a run's ground, and settles it."""

    def __init__(
        self,
        tier: Tier,
        *,
        person: Person,
        own: tuple[str, ...],
        ledger: Recorder,
        network: Network,
        histories: Histories,
    ) -> None:
        """`own` are Interlock's own directories: no contained command sees them."""
        self._folder = Path(tier.place)
        self._own = own
        self._network = network
        self._histories = histories
        self.drifted: Drifted | None = None  # told of runs that did what was not foreseen
        self.in_vain: Callable[[Wish], None] | None = None  # and of those that needed more than there is inside
        self.tracking: Tracker | None = None  # told before and after a run's changes come into the workspace
        self._person = person
        self._ledger = ledger
        self._tier = tier
        self._secret = secrets_of(person)
        self._busy: dict[str, asyncio.Lock] = {}  # one commit a workspace at a time

    async def begin(self, ticket: str, wish: Wish, launcher: str) -> tuple[Run, Plan]:
        """Make the run's own directories and draw its plan. Raises StateError, NotFound."""
        # A layer is two empty directories: a thread would cost more. A copy may take seconds.
        if self._tier.name is Name.OVERLAY:
            run, plan = self._begin(ticket, wish, launcher)
        else:
            run, plan = await asyncio.to_thread(self._begin, ticket, wish, launcher)
        if wish.intent < 0:  # released by nobody's session: it is one by itself
            await asyncio.to_thread(self._histories.opened, wish.workspace, run.id)
        return run, self._network.of(plan, wish.hosts)

    def _begin(self, ticket: str, wish: Wish, launcher: str) -> tuple[Run, Plan]:
        identity = f"r{int(time.time())}-{secrets.token_hex(4)}"
        chosen = profile(wish.profile, wish.own)
        try:
            copy = self._tier.name is not Name.OVERLAY and chosen.write is not Write.NONE
            place = Workplace.make(
                self._folder / identity,
                wish.workspace,
                copy=copy,
                secret=lambda path: self._secret(f"{wish.workspace}/{path}"),
            )
        except OSError as error:
            raise StateError(
                f"a contained run cannot be prepared in {self._folder}: {error.strerror}. "
                "Check its owner and the disk's space."
            ) from error
        ground = Ground(
            id=identity,
            home=os.path.realpath(self._person.home),
            workspace=wish.workspace,
            **_layer(place, copy=copy),
            own=self._own,
            show=wish.show,
            secrets=secrets_of_workspace(wish.workspace, self._secret),
            memory=_MEMORY,
            note=notes(),
        )
        run = Run(identity, ticket, wish, launcher, place)
        # What is under way is noted beside it: a daemon that starts anew finds the run, and who holds it.
        (place.folder / _NOTE).write_bytes(msgspec.json.encode(run, enc_hook=str))
        plan = draw(chosen, ground, wish.argv, wish.cwd, ())
        return run, msgspec.structs.replace(plan, keep=plan.keep + wish.keep)

    async def unsettled(self) -> list[Run]:
        """The runs that an earlier daemon left under way; commits that it did not finish are taken back."""
        return await asyncio.to_thread(lambda: list(self._unsettled()))

    def _unsettled(self) -> Iterator[Run]:
        for note in sorted(self._folder.glob(f"r*/{_NOTE}")):
            try:
                run = msgspec.json.decode(note.read_bytes(), type=Run, dec_hook=lambda kind, text: kind(text))
                for commit in note.parent.glob("commit*"):
                    recover(commit)
            except (OSError, ValueError, StateError) as error:
                log.warning("run.unreadable", run=note.parent.name, problem=str(error))
                continue
            yield run

    async def settle(self, run: Run, status: int, *, sight: Sight = _NOTHING, lost: bool = False) -> str:
        """Commit what may be, hold the rest, record it all; returns what to tell the command."""
        workspace = run.wish.workspace
        async with self._busy.setdefault(workspace, asyncio.Lock()):
            tried = await self._network.finish(run.id, sight.places)
            if not lost and untouched(run.place):
                done = Settled(ChangeSet(), (), ())
                asyncio.get_running_loop().run_in_executor(None, clean, run.place)
            else:
                if self.tracking is not None:
                    await self.tracking.settling(run.wish)
                done = await asyncio.to_thread(self._settled, run, _instead(run, lost))
                if self.tracking is not None:
                    moved = [one.source for one in done.changes if one.source and one.path in set(done.committed)]
                    await self.tracking.settled(run.wish, done.committed, moved)
            found = differences(run, done.changes, tried.refused, sight)
            body = self._body(run, status, done, lost=lost) | _seen(sight)
            if tried.attempts:
                body["network"] = tried.body()
            if found.alarms:
                body["drift"] = [records.short(line) for line in found.alarms]
            if found.lessons:
                body["lessons"] = [records.short(line) for line in found.lessons]
            index = await self._ledger.record(CHANGES, body, durable=bool(len(done.changes)) or lost)
            (run.place.folder / _NOTE).unlink(missing_ok=True)
        if found.alarms and self.drifted is not None:
            await self.drifted(run.wish.principal, workspace, found.alarms, run.wish.intent)
        again = run.wish.lifted and (bool(tried.refused) or status in _NOT_THERE)
        if again and self.in_vain is not None:
            self.in_vain(run.wish)
        return _words(done, tried, index, again=again)

    def _settled(self, run: Run, instead: tuple[str, str] | None) -> Settled:
        workspace = run.wish.workspace
        commits = self._histories.trusted(workspace)
        self._histories.acting(workspace)  # what it commits may move refs: killed in between, they are not people's
        done = settle(run.place, secret=partial(self._holds, workspace), instead=instead, commits=commits)
        self._histories.closed(workspace, run.id)
        return done

    async def held(self, run: str) -> dict[str, Any]:
        """What of a run is still held: its changes, in full."""
        place = await asyncio.to_thread(self._place, run)
        found = await asyncio.to_thread(waiting, place) if place else ()
        return {"waiting": [msgspec.to_builtins(one) for one in found]}

    async def decide(self, body: dict[str, Any], through: bool, person: str) -> dict[str, Any]:
        """A person's word on what is held of a run: the word is an entry. Raises NotFound where nothing waits."""
        place = await asyncio.to_thread(self._place, str(body["run"]))
        if place is None or await asyncio.to_thread(left, place) is None:
            raise NotFound("nothing of this run is held any more. `interlock changes --held` lists what is.")
        async with self._busy.setdefault(place.workspace, asyncio.Lock()):
            self._histories.acting(place.workspace)  # git's own files among it are the run's
            done = await asyncio.to_thread(
                decide, place, let_through=through, secret=lambda path: self._secret(f"{place.workspace}/{path}")
            )
            await asyncio.to_thread(self._histories.acted, place.workspace)
            said = {
                "principal": body["principal"],
                "run": body["run"],
                "by": person,
                "word": "commit" if through else "discard",
            }
            undo = _undo(place, str(body["run"]), only=done.transaction) if done.transaction else {"undoable": "yes"}
            facts = {"committed": _some(done.committed), "held": _reasons(done), "undo": undo}
            await self._ledger.record(DECISION, said | facts)
        settled = len(done.committed) if through else len(done.changes)
        return {"settled": settled, "left": _reasons(done)}

    def _holds(self, workspace: str, path: str) -> bool:
        """Whether a path of the workspace holds credentials."""
        return self._secret(f"{workspace}/{path}")

    def _place(self, run: str) -> Workplace | None:
        return Workplace.open(self._folder / run) if _RUN.fullmatch(run) else None

    def _body(self, run: Run, status: int, done: Settled, *, lost: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "principal": records.principal_body(run.wish.principal),
            "run": run.id,
            "tier": self._tier.name.value,
            "profile": run.wish.profile,
            "workspace": records.short(run.wish.workspace),
            "status": status,
            "totals": msgspec.to_builtins(done.changes.totals),
            "committed": _some(done.committed),
            "held": _reasons(done),
            "held_total": len(done.held),
            "undo": _undo(run.place, run.id),
        }
        if run.wish.intent >= 0:
            body["intent"] = run.wish.intent
        if lost:
            body["lost"] = True
        return body


def secrets_of_workspace(workspace: str, secret: Callable[[str], bool]) -> tuple[str, ...]:
    """The files of a workspace that hold credentials, the upper levels first: inside they are empty.

    Bounded, because every run waits for it: what lies deeper or beyond is seen (R32 of the register). Raises OSError.
    """
    found: list[str] = []
    waiting_, names = deque([workspace]), 0
    for _ in range(_DIRECTORIES):
        if not waiting_ or names >= _LOOKED:
            break
        inside = waiting_.popleft()
        try:
            with os.scandir(inside) as listed:
                entries = list(islice(listed, _LOOKED))
        except OSError:
            if inside == workspace:
                raise
            continue
        names += len(entries)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _MADE:
                    waiting_.append(entry.path)
            elif secret(entry.path):
                found.append(entry.path)
    return tuple(found)


def differences(run: Run, changes: ChangeSet, tried: tuple[str, ...], sight: Sight) -> Unforeseen:
    """What a run did that its reading did not foresee; nothing where nobody read it: a person's own command."""
    foreseen = run.wish.foreseen
    if foreseen is None:
        return Unforeseen()
    ended = open_ended(foreseen)
    outside = drift(foreseen, run.wish.workspace, (change.path for change in changes), tried)
    reached = bool(tried) or sight.unseen > 0
    ran = unforeseen(foreseen, run.wish.argv, sight, whole=not ended, reached=reached)
    asked = tuple(f"asked for a route to {place.name}" for place in sight.places if place.asked)
    if sight.unseen and not tried and not reaches(foreseen):
        outside += (f"called addresses {many(sight.unseen, 'time')} in a way that is only counted",)
    if not foreseen and not reached:  # git and others refresh what they keep: a word for the catalogue, no alarm
        return Unforeseen(ran.alarms, (*outside, *asked, *ran.lessons)[:_LINES])
    return Unforeseen((*outside, *ran.alarms)[:_LINES], (*asked, *ran.lessons)[:_LINES])


def _seen(sight: Sight) -> dict[str, Any]:
    """What was seen of a run, as its entry holds it: names as they were used, cleaned, up to a bound."""
    body: dict[str, Any] = {}
    if sight.observed:
        body["ran"] = {
            "programs": len(sight.programs),
            "calls": sum(program.times for program in sight.programs) + sight.more_programs,
            "first": [
                {"name": _end(one.name), "by": _end(one.by.rpartition("/")[2]), "times": one.times}
                for one in sight.programs[:_PROGRAMS]
            ],
        }
        if sight.unseen:
            body["ran"]["unseen_calls"] = sight.unseen
    if sight.bound:
        body["memory"] = {"bound": sight.bound.value} | ({"over": True} if sight.over else {})
    return body


def _end(name: str) -> str:
    """The last part of a name, which says more than the first. In JSON a control character takes six bytes."""
    text = "".join(c if c.isprintable() else "?" for c in records.clean(name))
    return text.encode()[-_NAMED:].decode("utf-8", "ignore")


def _layer(place: Workplace, *, copy: bool) -> dict[str, str]:
    return {"source": str(place.upper)} if copy else {"upper": str(place.upper), "work": str(place.work)}


def _instead(run: Run, lost: bool) -> tuple[str, str] | None:
    """The rule and the reason by which nothing of a run is committed."""
    if lost:
        return "launcher-lost", "the run did not end as it should"
    if run.wish.end is End.HOLD:
        return "look-first", "a person wants to look first"
    return ("discarded", DROPPED) if run.wish.end is End.DISCARD else None


def _reasons(done: Settled) -> list[dict[str, str]]:
    return [
        {"path": records.short(shown(held.path)), "rule": held.rule, "why": records.short(held.why)}
        for held in done.held[:_SHOWN]
    ]


def _undo(place: Workplace, run: str, *, only: str = "") -> dict[str, Any]:
    """As the entries of actions say it, so that one command undoes both: the run's commits, or the `only` one."""
    names = [Path(only).name] if only else sorted(commit.name for commit in place.folder.glob("commit*"))
    return {"undoable": "yes"} | ({"points": [f"{layers.KIND}:{run}.{name}" for name in names]} if names else {})


def _some(paths: tuple[str, ...]) -> dict[str, Any]:
    return {"total": len(paths), "first": [records.short(shown(path)) for path in paths[:_SHOWN]]}


_AGAIN = "Should that be the reason that it failed, make the same call again: the user is asked, and it runs outside.\n"


def _words(done: Settled, tried: Tried, index: int, *, again: bool) -> str:
    """What the command's reader must know; nothing where everything was committed and nothing was missed.

    `again`: the same call is a question next time.
    """
    said = ""
    if tried.refused:
        named = ", ".join(dict.fromkeys(records.short(host) for host in tried.refused[:_SHOWN]))
        said = f"interlock: this ran contained, without a way to {named}. " + (
            _AGAIN
            if again
            else "If it needs the network, ask the user: "
            "they can run it, or name the host in [containment] hosts of interlock.toml.\n"
        )
    elif again:
        said = f"interlock: this ran contained, where not every program of this machine is seen. {_AGAIN}"
    if not done.held:
        return said
    if all(held.why == DROPPED for held in done.held):
        dropped = many(len(done.held), "change was", "changes were")
        return f"{said}interlock: {dropped} dropped, as asked: `interlock changes show {index}`.\n"
    reasons = [f"  {reason['path']}: {reason['why']}" for reason in _reasons(done)]
    more = [f"  and {len(done.held) - _SHOWN} more"] if len(done.held) > _SHOWN else []
    return said + "\n".join(
        [
            f"interlock: {len(done.held)} of this command's changes are held for a person, and not in the workspace:",
            *reasons,
            *more,
            f"Do not try another way: a person sees them with `interlock changes show {index}` and lets them through "
            f"with `interlock changes commit {index}`.",
            "",
        ]
    )
