"""A whole agent inside (`interlock run --agent`): orders about its session stop the run, with all that it started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.conftest import Guard
from daemon.test_halt_runs import certificate, order, wait_for
from interlock.daemon.client import call
from interlock.halt.processes import look

pytestmark = pytest.mark.slow  # a daemon and a run for some seconds

HOOK = Path(sys.executable).parent / "interlock-hook"
# An agent as far as halts can tell: it has hooks, children, a child of a child, and one that left its session.
SCRIPT = """
import json, os, subprocess, sys, time
event = {"session_id": "inside-1", "cwd": os.getcwd(), "hook_event_name": "PreToolUse", "tool_name": "Read",
         "tool_input": {"file_path": os.getcwd() + "/a"}, "tool_use_id": "call-1", "transcript_path": ""}
done = subprocess.run([sys.argv[1], "claude"], input=json.dumps(event).encode(), capture_output=True)
print("hook", done.returncode, done.stderr.decode(), flush=True)
subprocess.Popen(["sh", "-c", "sh -c 'while :; do echo tick; sleep 0.05; done' & wait"])
subprocess.Popen(["sh", "-c", "while :; do echo tick; sleep 0.05; done"], start_new_session=True)
while True:
    print("tick", flush=True)
    time.sleep(0.05)
"""


class Inside:
    """The agent at work, by its output."""

    def __init__(self, guard: Guard) -> None:
        (guard.project / "agent.py").write_text(SCRIPT)
        argv = [sys.executable, str(guard.project / "agent.py"), str(HOOK)]
        wish = {"argv": argv, "cwd": str(guard.project), "agent": True, "hosts": ["model.example"]}
        command = call(guard.home, "run", wish | {"keep": ["INTERLOCK_HOME"]})["command"]
        self.out = guard.base / "agent.out"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=guard.project, env=guard.environment, stdout=out, stderr=out
            )

    def ticks(self, seconds: float) -> int:
        """How much it said within this time."""
        before = self.out.stat().st_size
        time.sleep(seconds)
        return self.out.stat().st_size - before


@pytest.fixture
def inside(cold: Guard) -> Iterator[Inside]:
    cold.configure("[ask]\nhold_seconds = 0\n")
    subprocess.run(["git", "init", "-q", str(cold.project)], check=True)
    cold.start()
    agent = Inside(cold)
    yield agent
    agent.process.kill()
    agent.process.wait(20)


@pytest.mark.skipif(not HOOK.is_file(), reason="no hook client: no C compiler at installation")
def test_an_agent_inside_is_frozen_let_go_and_killed_with_all_that_it_started(cold: Guard, inside: Inside) -> None:
    wait_for(lambda: b"tick" in inside.out.read_bytes() or inside.process.poll() is not None)
    assert b"hook 0" in inside.out.read_bytes(), inside.out.read_text()[:2_000]
    wait_for(lambda: inside.ticks(0.3))
    assert [one["session"] for one in call(cold.home, "sessions.list")] == ["inside-1"]

    paused = order(cold, "pause", 'session = "inside-1"', reason="let me look")
    assert (paused["silent"], paused["reach"]["sessions"]) == (0, [["claude", "inside-1"]])
    said = certificate(cold, paused["order"]["id"])["processes"]
    # The agent, its three shells, and whatever sleeps at that moment.
    assert len(said) >= 4
    assert {one["state"] for one in said} <= {"T", "F"}
    assert all(look(one["pid"])[1] == one["started"] for one in said)
    inside.ticks(0.5)  # what was under way
    assert inside.ticks(1.5) == 0

    call(cold.home, "halt.resume", {"session": "inside-1"}, timeout=60)
    wait_for(lambda: inside.ticks(0.3))

    killed = order(cold, "kill", 'session = "inside-1"', reason="enough")
    assert killed["silent"] == 0
    ended = certificate(cold, killed["order"]["id"])["processes"]
    assert {one["pid"] for one in said if os.path.exists(f"/proc/{one['pid']}")} <= {one["pid"] for one in ended}
    assert len(ended) >= 4
    assert {one["state"] for one in ended} <= {"Z", "-"}
    assert inside.process.wait(20) != 0
    assert inside.ticks(0.5) == 0
    verified = cold.cli("verify")
    assert verified.returncode == 0, verified.stderr
