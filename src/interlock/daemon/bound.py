"""Bound runs, from a person's yes to their end: tickets, plans, and what the launcher said of the end.

    prepared --open--> launched --close--> done
        \\--too old--> dropped    \\--launcher gone--> failed

INVARIANT: a ticket is opened once, and what is opened was read, judged and sealed anew in that moment.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from interlock.broker.contain import Wish
from interlock.broker.launching import Held, Launched
from interlock.containment.bound import BoundPlan
from interlock.containment.settle import Workplace
from interlock.containment.tiers import Tier
from interlock.daemon.agents import process
from interlock.daemon.server import Peer
from interlock.daemon.settling import Run
from interlock.model.errors import NotFound, Refused, StateError

log = structlog.get_logger()

_WAITING = 1_000  # approved and not started yet
_PATIENCE_SECONDS = 600.0  # the yes itself may lapse before
_FOLDERS = ("empty", "work", "copies")
_TRIED = 256  # workspaces of which it is remembered whether an overlay can lie on them
_TRIAL_SECONDS = 10.0
_NOTE = "under-way"
_LOST = 137  # the status of a run whose launcher was killed

Launch = Callable[[Held], Awaitable[Launched]]
Landed = Callable[[int, int, bool], Awaitable[None]]
"""Told of the end: the request, the status, and whether something was not as approved, so that nothing ran."""


class Running(msgspec.Struct, frozen=True):
    """One bound run under way. `launcher` names the process that holds it."""

    request: int
    launcher: str
    folder: Path
    wish: Wish


class BoundRuns:
    """All bound runs of one daemon. `run` is where its socket is, `place` where the folders of the runs go."""

    def __init__(self, *, run: Path, place: Path, tier: Tier, now: Callable[[], float] = time.monotonic) -> None:
        self._program = Path(sys.executable).parent / "interlock-run"
        self._starts = [str(self._program), "--run", str(run)]
        self._place = place
        self._tier = tier
        self._now = now
        self._waiting: OrderedDict[str, tuple[float, Held]] = OrderedDict()
        self._live: dict[str, Running] = {}
        self._tried: dict[tuple[str, str], bool] = {}
        self.launch: Launch | None = None
        self.landed: Landed | None = None

    def able(self) -> str:
        """Why nothing can be bound here, "" where it can be."""
        facts = dict(self._tier.facts)
        if facts.get("userns") != "yes" and os.geteuid() != 0:
            return "this machine gives no namespaces to its users"
        return "" if self._program.is_file() and "launcher" in facts else "the launcher is not installed"

    def holds(self, workspace: str) -> bool:
        """Whether an overlay can lie on it: the run's folder must be on the same mount, and nothing mounted inside.

        Not every file system can be the upper layer of one, and none says so: it is tried, once a workspace.
        """
        if not workspace or dict(self._tier.facts).get("overlay") != "yes":
            return False
        with suppress(OSError, StateError, subprocess.SubprocessError):
            self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
            real = os.path.realpath(workspace)
            mount = _mount(real)
            if mount != _mount(str(self._place)) or _mounts_below(real):
                return False
            if (real, mount) not in self._tried:
                while len(self._tried) >= _TRIED:
                    self._tried.pop(next(iter(self._tried)))
                self._tried[real, mount] = self._try(real)
            return self._tried[real, mount]
        return False

    def _try(self, workspace: str) -> bool:
        """One real run there, of nothing."""
        folder, found = self._folder(), os.stat(workspace)
        node = (found.st_dev, found.st_ino)
        plan = BoundPlan(
            id=folder.name, argv=("sh", "-c", ":"), program="/bin/sh", cwd=workspace, cwd_node=node,
            folder=str(folder), root=workspace, root_node=node,
        )  # fmt: skip
        try:
            (folder / "plan").write_bytes(plan.encode())
            command = [str(self._program), "--bound-plan", str(folder / "plan")]
            ran = subprocess.run(  # noqa: S603 - the launcher beside this program
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TRIAL_SECONDS, check=False
            )
            if ran.returncode != 0:
                log.info("bound.no-overlay", workspace=workspace, problem=ran.stderr.decode("utf-8", "replace")[:500])
            return ran.returncode == 0
        finally:
            _remove(folder)

    def prepare(self, held: Held) -> str:
        """The command that has this launched, once."""
        while len(self._waiting) >= _WAITING:
            self._waiting.popitem(last=False)
        ticket = secrets.token_hex(16)
        self._waiting[ticket] = (self._now() + _PATIENCE_SECONDS, held)
        return shlex.join([*self._starts, "--bound", ticket])

    async def open(self, ticket: str, peer: Peer) -> bytes:
        """The plan of what may start now. Raises Refused."""
        launcher = launcher_of(peer)
        until, held = self._waiting.pop(ticket, (0.0, None))
        if held is None or until < self._now() or self.launch is None:
            raise Refused(
                "this ticket was used, is too old, or was never given; nothing ran. "
                "Make the call again: a yes that is still unused is used then."
            )
        folder = self._folder()  # first: where there is no ground for a run, no yes is spent on it
        try:
            launched = await self.launch(held)
        except BaseException:
            _remove(folder)
            raise
        run = self._live[ticket] = Running(launched.request, launcher, folder, launched.wish)
        # Noted beside it: a daemon that starts anew must not take the ground away from under a run that goes on.
        (folder / _NOTE).write_bytes(msgspec.json.encode((ticket, run), enc_hook=str))
        return msgspec.structs.replace(launched.plan, id=folder.name, folder=str(folder)).encode()

    async def close(self, ticket: str, status: int, peer: Peer, *, drifted: bool) -> None:
        """The end of a run, as its launcher says it. Raises NotFound."""
        run = self._live.get(ticket)
        if run is None or not launches(run.launcher, peer):
            raise NotFound("no bound run of this ticket is under way below this process.")
        del self._live[ticket]
        await self._land(run, status, drifted=drifted)

    def live(self) -> tuple[Run, ...]:
        """The runs under way, as orders to halt look at all runs."""
        return tuple(
            Run(run.folder.name, ticket, run.wish, run.launcher, Workplace(run.folder, run.wish.workspace, 0))
            for ticket, run in self._live.items()
        )

    async def sweep(self) -> None:
        """End the runs whose launcher is gone, and drop tickets that nobody used."""
        for ticket, (until, _) in tuple(self._waiting.items()):
            if until < self._now():
                del self._waiting[ticket]
        for ticket, run in tuple(self._live.items()):
            if process(int(run.launcher.partition(" ")[0] or 0)) != run.launcher:
                del self._live[ticket]
                await self._land(run, _LOST, drifted=False)

    async def restore(self) -> None:
        """Take over what an earlier daemon opened: runs whose launcher lives go on, the others have failed."""
        for note in sorted(self._place.glob(f"b*/{_NOTE}")):
            try:
                ticket, run = msgspec.json.decode(note.read_bytes(), type=tuple[str, Running], dec_hook=_path)
            except (OSError, msgspec.DecodeError) as error:
                log.warning("bound.unreadable", run=note.parent.name, problem=str(error))
                continue
            self._live[ticket] = run
        await self.sweep()
        under_way = {run.folder for run in self._live.values()}
        for folder in self._place.glob("b*"):
            if folder not in under_way:
                _remove(folder)

    async def _land(self, run: Running, status: int, *, drifted: bool) -> None:
        asyncio.get_running_loop().run_in_executor(None, _remove, run.folder)
        if self.landed is not None:
            await self.landed(run.request, status, drifted)

    def _folder(self) -> Path:
        folder = self._place / f"b{int(time.time())}-{secrets.token_hex(4)}"
        try:
            folder.mkdir(mode=0o700, parents=True)
            for name in _FOLDERS:
                (folder / name).mkdir(mode=0o700)
        except OSError as error:
            raise StateError(
                f"a bound run cannot be prepared in {self._place}: {error.strerror}. "
                "Check its owner and the disk's space."
            ) from error
        return folder.resolve()


def launcher_of(peer: Peer) -> str:
    """The name of the process that opens a run. Raises Refused: whose end cannot be seen holds no run."""
    launcher = process(peer.pid)
    if not launcher or not peer.lives():
        raise Refused("nothing ran: the launcher ended, or it runs in a container where it cannot be seen.")
    return launcher


def launches(launcher: str, peer: Peer) -> bool:
    """Whether it is the run's launcher that speaks.

    Its ticket stands in a command line that the command itself can read. Whoever else could say that a run is over
    would take it out of the reach of orders to halt while it goes on.
    """
    return bool(launcher) and process(peer.pid) == launcher


def _mount(path: str) -> str:
    """The mount that a path lies on, as the kernel numbers them."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        with open(f"/proc/self/fdinfo/{fd}") as file:
            return next(line for line in file if line.startswith("mnt_id:"))
    finally:
        os.close(fd)


def _mounts_below(path: str) -> bool:
    for sign in "\\ \t\n":  # as proc(5) writes them there
        path = path.replace(sign, f"\\{ord(sign):03o}")
    with open("/proc/self/mountinfo") as file:
        return any(line.split(" ", 5)[4].startswith(f"{path}/") for line in file)


def _path(kind: type, text: str) -> Path:
    del kind
    return Path(text)


def _remove(folder: Path) -> None:
    # The overlay leaves a directory behind into which nobody may look.
    with suppress(OSError):
        (folder / "work" / "work").chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
