"""Grants end to end: who may give one, what a strong one needs, and that a restart keeps them."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import AGENT, Guard, allowed
from interlock.daemon.client import call


def note(guard: Guard, name: str) -> dict[str, str]:
    return {"file_path": str(guard.base / "user" / "notes" / name), "content": "x"}


def granted(guard: Guard, *more: str) -> int:
    pattern = str(guard.base / "user" / "notes" / "*")
    given = guard.cli(
        "grant", "--verb", "create", "--kind", "file", "--name", pattern, "--environment", "machine", "--yes",
        "--session", "session-1", "--json", *more,
    )  # fmt: skip
    assert given.returncode == 0, given.stderr
    return int(json.loads(given.stdout)["id"])


def test_what_was_granted_passes_and_its_intent_names_the_grant(guard: Guard) -> None:
    number = granted(guard)
    assert allowed(guard.hook("Write", note(guard, "a")))
    (intent,) = guard.entries("intent")
    assert intent["body"]["grants"] == [number]
    assert intent["body"]["rules"] == ["granted"]


def test_what_was_granted_to_a_killed_session_stays_ended_when_the_order_is_lifted(guard: Guard) -> None:
    granted(guard)
    assert allowed(guard.hook("Write", note(guard, "a")))
    other = {"what": "kill", "where": 'session = "session-2"', "reason": "not this one"}
    call(guard.home, "halt.order", other)
    assert allowed(guard.hook("Write", note(guard, "b")))
    order = call(guard.home, "halt.order", {"what": "kill", "where": 'session = "session-1"'})["order"]
    call(guard.home, "halt.lift", {"id": order["id"], "kill": True})
    guard.said_no(guard.hook("Write", note(guard, "c")))
    (ended,) = guard.entries("grant.revoke")
    assert ended["body"]["because"] == f"order {order['id']} ended what it was for"


def test_a_restart_keeps_grants_and_their_uses(guard: Guard) -> None:
    granted(guard, "--uses", "2")
    assert allowed(guard.hook("Write", note(guard, "a")))
    guard.kill()
    guard.start()
    assert allowed(guard.hook("Write", note(guard, "b")))
    guard.said_no(guard.hook("Write", note(guard, "c")))


def test_calls_side_by_side_share_the_uses(guard: Guard) -> None:
    granted(guard, "--uses", "3")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: guard.hook("Write", note(guard, f"n{i}")), range(8)))
    assert sum(map(allowed, answers)) == 3


def test_an_agent_cannot_grant(guard: Guard) -> None:
    """Neither through its hook, nor by a script of its own that runs the command."""
    words = ["grant", "--verb", "create", "--kind", "file", "--name", "/home/x/*", "--session", "session-1", "--yes"]
    guard.said_no(guard.hook("Bash", {"command": shlex.join(["interlock", *words])}))
    below = 'cat event | "$1" claude; shift; exec "$@"'
    event = {"session_id": "s", "cwd": str(guard.project), "hook_event_name": "PreToolUse", "tool_name": "Read"}
    event |= {"tool_input": {"file_path": str(guard.project / "a")}, "tool_use_id": "c"}
    (guard.project / "event").write_text(json.dumps(event))
    done = subprocess.run(
        ["sh", "-c", below, "agent", AGENT[3], sys.executable, "-m", "interlock.cli.main", *words],
        env=guard.environment, cwd=guard.project, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 27
    assert "an agent cannot decide" in done.stderr
    assert not guard.entries("grant.give")


def test_a_strong_grant_needs_its_code(guard: Guard) -> None:
    words = ["grant", "--verb", "publish", "--kind", "git_ref", "--name", "origin/release-*", "--session", "session-1"]
    refused = guard.cli(*words, "--strong", "--json", "--code", "00000000")
    assert refused.returncode == 27
    assert "fingerprint" in refused.stdout + refused.stderr
    assert call(guard.home, "grants", {"all": True}) == []
    draft = json.loads(guard.cli(*words, "--strong", "--show", "--json").stdout)
    given = guard.cli(*words, "--strong", "--json", "--code", draft["fingerprint"].rsplit("-", 1)[1])
    assert json.loads(given.stdout)["rung"] == "one_strong"


@pytest.mark.parametrize("words", [["abc"], ["--for", "soon"], ["--verb", "create"]], ids=" ".join)
def test_what_cannot_be_taken_is_usage(guard: Guard, words: list[str]) -> None:
    assert guard.cli("grant", *words).returncode == 2
