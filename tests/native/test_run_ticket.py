"""A ticket becomes a plan, once; the end is told, and what the daemon says of it is passed on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interlock.halt.lease import FROZEN, KILLED, Lease
from interlock.halt.processes import children
from native.daemons import EPOCH, Call, Daemon, Script
from native.runs import ENVIRONMENT, Ran, Sandbox, plan_bytes

Start = Callable[[Script], Daemon]

TICKET = "0123456789abcdef"


class Office:
    """A daemon that gives one plan and hears of its end."""

    def __init__(self, plan: bytes, **ends: object) -> None:
        self.plan = plan
        self.ends = ends
        self.heard: list[bytes] = []

    def __call__(self, call: Call) -> None:
        call.read()
        self.heard.append(call.payload)
        assert call.head[:3] == ["ILK1", "run", "-"]
        if call.payload == f"open {TICKET}\n".encode():
            call.hold(4000)
            call.done(out=self.plan)
        elif call.payload.startswith(b"open "):
            call.done(3, err=b"this ticket was never given.")
        else:
            call.done(int(str(self.ends.get("status", 0))), err=bytes(str(self.ends.get("said", "")), "utf-8"))


@pytest.fixture
def home(sandbox: Sandbox) -> Path:
    """The daemon is the user's own; the tests may be root's, whom every client trusts."""
    home = sandbox.base / "home"
    (home / "run").mkdir(parents=True)
    sandbox.own(home, home / "run")
    return home


@pytest.fixture
def start(home: Path, sandbox: Sandbox) -> Iterator[Start]:
    running: list[Daemon] = []

    def serve(script: Script) -> Daemon:
        running.append(Daemon(home, script))
        sandbox.own(home / "run/daemon.sock", home / "run/lease")
        return running[-1]

    yield serve
    for one in running:
        one.close()


def call(sandbox: Sandbox, home: Path, *words: str, env: dict[str, str] | None = None) -> Ran:
    ran = subprocess.run(
        [str(sandbox.program), *(words or ("--ticket", TICKET))], capture_output=True, check=False, timeout=60,
        env=ENVIRONMENT | {"INTERLOCK_HOME": str(home)} if env is None else env, **sandbox.identity(),
    )  # fmt: skip
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def test_a_ticket_runs_its_plan_and_the_end_is_told(sandbox: Sandbox, home: Path, start: Start) -> None:
    office = Office(plan_bytes(**sandbox.values("sh", "-c", "echo out; exit 7")), said="3 files were held.")
    start(office)
    assert call(sandbox, home) == Ran(7, "out\n", "3 files were held.\n")
    assert office.heard == [f"open {TICKET}\n".encode(), f"close {TICKET} 7\n".encode()]


def test_where_the_daemon_is_can_be_said(sandbox: Sandbox, home: Path, start: Start) -> None:
    """What a command line says stands above what an agent's shell has in its environment."""
    office = Office(plan_bytes(**sandbox.values("true", write="none", upper=None, work=None)))
    start(office)
    env = ENVIRONMENT | {"INTERLOCK_HOME": "/no/such"}
    assert call(sandbox, home, "--ticket", TICKET, "--run", str(home / "run"), env=env) == Ran(0, "", "")
    assert call(sandbox, home, "--home", str(home), "--ticket", TICKET, env=env) == Ran(0, "", "")


def test_the_end_is_told_when_everything_is_dead(sandbox: Sandbox, home: Path, start: Start) -> None:
    plan = plan_bytes(
        **sandbox.values("sh", "-c", "(setsid sh -c 'sleep 0.3; echo late > late' &); echo early > early")
    )
    seen: list[list[str]] = []

    def script(one: Call) -> None:
        one.read()
        if one.payload.startswith(b"close"):
            seen.append(sorted(os.listdir(sandbox.upper)))
        one.done(out=plan if one.payload.startswith(b"open") else b"")

    start(script)
    assert call(sandbox, home).status == 0
    assert seen == [["early"]]


def test_a_plan_that_cannot_be_built_is_told_too(sandbox: Sandbox, home: Path, start: Start) -> None:
    office = Office(plan_bytes(**sandbox.values("true", cwd="/home/none")))
    start(office)
    ran = call(sandbox, home)
    assert (ran.status, ran.out) == (125, "")
    assert ran.err.startswith("Interlock did not run this: the directory /home/none")
    assert office.heard[1] == f"close {TICKET} 125\n".encode()
    office.plan, office.heard = b"nonsense\0", []
    assert call(sandbox, home).status == 125
    assert office.heard[1] == f"close {TICKET} 125\n".encode()


def test_a_ticket_that_was_used_runs_nothing(sandbox: Sandbox, home: Path, start: Start) -> None:
    start(Office(b""))
    ran = call(sandbox, home, "--ticket", "ffff")
    assert ran == Ran(125, "", "Interlock did not run this: this ticket was never given.\n")


@pytest.mark.parametrize("ticket", ["", "A", "a b", "x" * 65, "a\n"])
def test_what_is_no_ticket_is_not_sent(sandbox: Sandbox, home: Path, start: Start, ticket: str) -> None:
    office = Office(b"")
    start(office)
    assert call(sandbox, home, "--ticket", ticket).status == 125
    assert office.heard == []


@pytest.mark.parametrize("words", [["--ticket"], ["--ticket", "a", "--run"], ["--what", "a"], ["ls"], []])
def test_a_wrong_call_runs_nothing(sandbox: Sandbox, home: Path, words: list[str]) -> None:
    ran = call(sandbox, home, *(words or ["--home", "/x"]))
    assert ran.status == 125
    assert "called in a wrong way" in ran.err


def test_without_a_daemon_nothing_runs(sandbox: Sandbox, home: Path) -> None:
    ran = call(sandbox, home)
    assert (ran.status, ran.out) == (125, "")
    assert "its daemon cannot be reached" in ran.err


@pytest.mark.parametrize(
    "raw", ["", "HTTP/1.1 200 OK\r\n\r\n", "ILK1 done {n} 0 9 0 7\nabc", "ILK1 done {n} 999 0 0 7\n"]
)
def test_garbage_runs_nothing(sandbox: Sandbox, home: Path, start: Start, raw: str) -> None:
    def script(one: Call) -> None:
        one.read()
        one.send(raw.replace("{n}", one.nonce).encode())

    start(script)
    ran = call(sandbox, home)
    assert (ran.status, ran.out) == (125, "")
    assert ran.err.startswith("Interlock did not run this: its daemon ")


def test_a_success_that_was_not_taken_over_is_no_success(sandbox: Sandbox, home: Path, start: Start) -> None:
    """Story: `build && deploy` must not go on when what was built was thrown away."""
    plan = plan_bytes(**sandbox.values("sh", "-c", "exit $(cat code)"))
    sandbox.write("code", "0")

    def script(one: Call) -> None:
        one.read()
        if one.payload.startswith(b"open"):
            one.done(out=plan)

    start(script)
    ran = call(sandbox, home)
    assert ran.status == 123
    assert ran.err.startswith("Interlock has not taken over what the command changed: its daemon hung up")


@pytest.mark.parametrize(("own", "told"), [("0", 123), ("4", 4)])
def test_a_failed_commit_is_no_success_either(sandbox: Sandbox, home: Path, start: Start, own: str, told: int) -> None:
    office = Office(plan_bytes(**sandbox.values("sh", "-c", f"exit {own}")), status=5, said="the disk is full.")
    start(office)
    assert call(sandbox, home) == Ran(told, "", "the disk is full.\n")


def test_a_signal_to_the_launcher_is_an_end_as_well(sandbox: Sandbox, home: Path, start: Start) -> None:
    office = Office(plan_bytes(**sandbox.values("sh", "-c", "echo ready; exec sleep 100")))
    start(office)
    env = ENVIRONMENT | {"INTERLOCK_HOME": str(home)}
    with subprocess.Popen(
        [str(sandbox.program), "--ticket", TICKET], stdout=subprocess.PIPE, env=env, **sandbox.identity()
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 143
    assert office.heard[1] == f"close {TICKET} 143\n".encode()


@pytest.mark.parametrize("what", [FROZEN, KILLED])
def test_a_run_that_was_halted_while_its_plan_was_on_its_way_does_not_start(
    sandbox: Sandbox, home: Path, start: Start, what: int
) -> None:
    values = sandbox.values("sh", "-c", "echo ran")
    office = Office(plan_bytes(**values))
    served = start(office)
    served.lease.renew(EPOCH, bytes(32), {str(values["id"]): what})
    ran = call(sandbox, home)
    assert ran.status == 125
    assert "a person has halted it" in ran.err
    assert "ran" not in ran.out
    assert office.heard[-1] == f"close {TICKET} 125\n".encode()


def test_nothing_starts_without_a_lease(sandbox: Sandbox, home: Path, start: Start) -> None:
    served = start(Office(plan_bytes(**sandbox.values("sh", "-c", "echo ran"))))
    served.lease.path.unlink()
    ran = call(sandbox, home)
    assert ran.status == 125
    assert ran.out == ""
    assert "nothing is started that its daemon could not stop" in ran.err


def lapse(lease: Lease) -> None:
    """As of a daemon that was last heard too long ago."""
    lease._length, length = 0, lease._length
    lease.renew(EPOCH, bytes(32), {})
    lease._length = length


class Ticking:
    """A run that tells, many times a second, that it is at work."""

    def __init__(self, sandbox: Sandbox, home: Path, start: Start, tty: str) -> None:
        values = sandbox.values("sh", "-c", "while :; do echo tick; sleep 0.02; done", tty=tty)
        self.lease, self.id = start(Office(plan_bytes(**values))).lease, str(values["id"])
        command = [str(sandbox.program), "--ticket", TICKET]
        env = ENVIRONMENT | {"INTERLOCK_HOME": str(home)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=env, **sandbox.identity())
        assert self.process.stdout is not None
        self._out = self.process.stdout
        os.set_blocking(self._out.fileno(), False)

    def ticks(self, seconds: float, most: float = float("inf")) -> int:
        """How often it was heard in this time; `most` ends the listening early."""
        end, found = time.monotonic() + seconds, 0
        while time.monotonic() < end and found < most:
            found += (self._out.read() or b"").count(b"tick")
            time.sleep(0.01)
        return found

    @property
    def works(self) -> bool:
        """Whether it is heard more than three times within two seconds."""
        return self.ticks(2.0, most=4) > 3

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self._out.close()


@pytest.fixture(params=["0", "1"], ids=["apart", "tty"])
def ticking(sandbox: Sandbox, home: Path, start: Start, request: pytest.FixtureRequest) -> Iterator[Ticking]:
    run = Ticking(sandbox, home, start, request.param)
    yield run
    run.end()


def test_a_run_stands_still_while_its_lease_does_not_hold_and_ends_when_it_is_killed(ticking: Ticking) -> None:
    assert ticking.works
    for hold in (
        lambda: ticking.lease.renew(EPOCH, bytes(32), {ticking.id: FROZEN}),
        lambda: lapse(ticking.lease),
    ):
        hold()
        ticking.ticks(1.0)  # it is looked at five times a second
        assert ticking.ticks(1.0) == 0
        ticking.lease.renew(EPOCH, bytes(32), {})
        assert ticking.works
    ticking.lease.renew(EPOCH, bytes(32), {ticking.id: KILLED})
    assert ticking.process.wait(10) == 137


def test_a_stop_that_pid_1_hears_of_before_its_order_is_no_stopped_job(ticking: Ticking) -> None:
    """Story: on a busy machine it said that a job had stopped; the launcher stopped too, and minded no lease."""
    assert ticking.works
    (init,) = children(ticking.process.pid)
    os.kill(init, signal.SIGSTOP)
    lapse(ticking.lease)
    ticking.ticks(1.0)  # pid 1 is told to hold, and its command is stopped meanwhile
    os.kill(init, signal.SIGCONT)
    assert ticking.ticks(1.0) == 0
    ticking.lease.renew(EPOCH, bytes(32), {})
    assert ticking.works
