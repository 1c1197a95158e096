"""A session is its own agent's: another process neither ends it nor plans for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import AGENT, Guard

CLIENT = AGENT[-2:]

# An agent that lives on: each line of its input is an event for a hook client, or a command, that it starts.
LIVES_ON = """
import json, subprocess, sys
for line in sys.stdin:
    words, given = json.loads(line)
    done = subprocess.run(words, input=given, capture_output=True, text=True)
    print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
"""


class LivingAgent:
    """One process that starts what it is told to."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        environment = guard.environment | {"INTERLOCK_NO_AUTOSTART": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", LIVES_ON], env=environment, cwd=guard.project, stdin=-1, stdout=-1, text=True
        )

    def run(self, words: list[str], given: str = "") -> tuple[int, str, str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([words, given]), file=self.process.stdin, flush=True)
        code, out, err = json.loads(self.process.stdout.readline())
        return code, out, err

    def event(self, name: str, session: str, **more: Any) -> tuple[int, str, str]:
        body = {"session_id": session, "transcript_path": "", "cwd": str(self.guard.project), "hook_event_name": name}
        return self.run(CLIENT, json.dumps(body | more))

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def two(guard: Guard) -> Iterator[tuple[LivingAgent, LivingAgent]]:
    agents = LivingAgent(guard), LivingAgent(guard)
    for number, agent in enumerate(agents):
        agent.event("SessionStart", f"s-{number}", source="startup")
    yield agents
    for agent in agents:
        agent.end()


def test_another_process_does_not_end_a_session(guard: Guard, two: tuple[LivingAgent, LivingAgent]) -> None:
    """Story: a process that was started elsewhere said that the session had ended, and its pattern was forgotten."""
    first, second = two
    assert second.event("SessionEnd", "s-0", reason="other")[0] == 0
    (alarm,) = guard.entries("alarm")
    assert (alarm["body"]["alarm"], alarm["body"]["principal"]["session"]) == ("end-from-elsewhere", "s-0")
    assert guard.entries("session.close") == []
    first.event("SessionEnd", "s-0", reason="other")
    assert [one["body"]["principal"]["session"] for one in guard.entries("session.close")] == ["s-0"]
    # Resumed by another process after its own has ended, a session is that one's.
    second.end()
    first.event("SessionStart", "s-1", source="resume")
    first.event("SessionEnd", "s-1", reason="other")
    assert [one["body"]["principal"]["session"] for one in guard.entries("session.close")] == ["s-0", "s-1"]


def test_an_agent_plans_for_its_own_session_alone(guard: Guard, two: tuple[LivingAgent, LivingAgent]) -> None:
    """Story: one agent put a plan before people in another one's name."""
    first, _ = two
    step = {"steps": [{"tool": "Read", "input": {"file_path": "x"}}], "cwd": str(guard.project)}
    ask = (
        "import json, sys; from interlock.daemon.client import call; from interlock.home import locate\n"
        "try: print(call(locate(), 'plan.submit', json.load(sys.stdin)))\n"
        "except Exception as error: print(error)"
    )
    _, said, _ = first.run([sys.executable, "-c", ask], json.dumps({**step, "session": "s-1"}))
    assert "an agent plans for its own sessions alone" in said
    _, said, err = first.run([sys.executable, "-c", ask], json.dumps({**step, "session": "s-0"}))
    assert "'verdict': 'allow'" in said, err
    assert len(guard.entries("approval.plan")) == 1
