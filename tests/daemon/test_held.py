"""Hooks that are held open for a person: together, abandoned, overtaken, and when the daemon stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from conftest import AGENT, Guard, allowed
from interlock.daemon.client import Remote, call
from interlock.daemon.wire import Reply


@pytest.fixture
def patient(cold: Guard) -> Guard:
    """A daemon that holds hooks for a person."""
    cold.configure("[ask]\nhold_seconds = 30\n")
    cold.start()
    return cold


class Waiting:
    """Hooks on their way, each in a thread of its own."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._threads: list[threading.Thread] = []
        self.replies: list[Reply] = []

    def ask(self, wish: dict[str, Any], **more: Any) -> None:
        def work() -> None:
            self.replies.append(self._guard.hook("Write", wish, **more))

        thread = threading.Thread(target=work)
        thread.start()
        self._threads.append(thread)

    def end(self) -> list[Reply]:
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()
        return self.replies


def wish_for(guard: Guard, name: str = "notes.txt") -> dict[str, str]:
    return {"file_path": str(guard.base / "user" / name), "content": "x"}


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_two_identical_calls_that_wait_get_one_yes_between_them(patient: Guard) -> None:
    """Story: the second was told to wait for a decision that had been made, and used up."""
    waiting = Waiting(patient)
    waiting.ask(wish_for(patient))
    waiting.ask(wish_for(patient))
    (asked,) = until(lambda: call(patient.home, "inbox"))
    time.sleep(0.3)  # both wait
    call(patient.home, "approve", {"id": asked["id"]})
    released = [reply for reply in waiting.end() if allowed(reply)]
    (stopped,) = [reply for reply in waiting.replies if not allowed(reply)]
    assert len(released) == 1
    assert "an identical one has used it" in patient.said_no(stopped)
    assert len(patient.entries("intent")) == len(patient.entries("approval.use")) == 1


def test_a_stop_answers_every_hook_that_waits(patient: Guard) -> None:
    """Story: a daemon that stopped left the hooks it held without a word, and the ledger without their denials."""
    waiting = Waiting(patient)
    for number in range(5):
        waiting.ask(wish_for(patient, f"{number}.txt"))
    until(lambda: len(call(patient.home, "inbox")) == 5)
    time.sleep(0.3)
    began = time.monotonic()
    assert patient.stop() == 0
    assert time.monotonic() - began < 15
    assert len(waiting.end()) == 5
    for reply in waiting.replies:
        assert "A person decides on request" in patient.said_no(reply)
    patient.start()
    assert len(patient.entries("denial")) == 5
    assert len(call(patient.home, "inbox")) == 5


def test_a_yes_is_not_spent_on_a_hook_that_has_hung_up(patient: Guard) -> None:
    """Story: the agent was stopped while it waited; the yes came later, and was gone when the agent tried again."""
    wish = wish_for(patient)
    event = {
        "session_id": "session-1", "cwd": str(patient.project), "hook_event_name": "PreToolUse",
        "tool_name": "Write", "tool_input": wish, "tool_use_id": "c",
    }  # fmt: skip
    agent = subprocess.Popen(
        AGENT, env=patient.environment, stdin=subprocess.PIPE, stdout=-1, stderr=-1, start_new_session=True
    )
    assert agent.stdin is not None
    agent.stdin.write(json.dumps(event).encode())
    agent.stdin.close()
    (asked,) = until(lambda: call(patient.home, "inbox"))
    os.killpg(agent.pid, signal.SIGKILL)
    agent.wait(10)
    for stream in (agent.stdout, agent.stderr):
        assert stream is not None
        stream.close()
    until(lambda: patient.entries("denial"))
    call(patient.home, "approve", {"id": asked["id"]})
    assert not patient.entries("approval.use")
    assert allowed(patient.hook("Write", wish))


def test_rules_that_change_while_a_call_waits_make_it_another_action(patient: Guard) -> None:
    waiting = Waiting(patient)
    waiting.ask(wish_for(patient))
    (asked,) = until(lambda: call(patient.home, "inbox"))
    policies = patient.home.config / "policy"
    policies.mkdir()
    (policies / "mine.cedar").write_text(
        '@id("mine") @why("a test") @tier("4") @matches("read file /srv/x @workspace +workspace") '
        'forbid (principal, action == Interlock::Action::"read", resource) when { resource.kind == "file" };'
    )
    assert patient.cli("policy", "prove", str(policies), "--layer", "user").returncode == 0
    call(patient.home, "reload")
    with pytest.raises(Remote, match="revoked"):
        call(patient.home, "approve", {"id": asked["id"]})
    (reply,) = waiting.end()
    assert "the rules have changed since it was asked" in patient.said_no(reply)
    assert not patient.entries("approval.use")


def test_an_agents_first_calls_side_by_side_open_one_session(patient: Guard) -> None:
    """Story: two parallel first calls wrote two openings, and one of the two sessions was never closed."""
    waiting = Waiting(patient)
    for number in range(16):
        waiting.ask({"file_path": str(patient.project / f"{number}.txt"), "content": ""}, tool_use_id=f"c{number}")
    assert all(allowed(reply) for reply in waiting.end())
    assert len(patient.entries("session.open")) == 1


def test_an_agent_cannot_bury_a_person_in_questions(guard: Guard) -> None:
    """Story: each variant is a question of its own, and an agent in a loop has thousands."""
    said = [guard.said_no(guard.hook("Write", wish_for(guard, f"{number}.txt"))) for number in range(60)]
    assert "50 questions wait" in said[-1]
    assert len(call(guard.home, "inbox")) == 50
    other = guard.said_no(guard.hook("Write", wish_for(guard, "other.txt"), session_id="session-2"))
    assert "A person decides" in other
