"""Drills for those who approve, end to end."""

from __future__ import annotations

import json

from conftest import Guard
from interlock.broker.drilling import bad_questions, commitment
from interlock.daemon.client import call


def drill(guard: Guard, *words: str) -> dict[str, object]:
    done = guard.cli("reviewers", *words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_drill_is_asked_among_the_real_ones_committed_to_and_scored(guard: Guard) -> None:
    guard.hook("Read", {"file_path": str(guard.project / "a")})
    drill(guard, "drill", "--count", "3")
    asked = call(guard.home, "inbox")
    assert len(asked) == 3
    assert all(request["tool"] == "Bash" and request["principal"]["session"] == "session-1" for request in asked)
    first, second, _ = asked
    assert guard.cli("deny", str(first["id"]), "--because", "no").returncode == 0
    code = second["fingerprint"].rsplit("-", 1)[1]
    said = guard.cli("approve", str(second["id"]), "--code", code)
    score = drill(guard, "end")
    (counts,) = score["reviewers"].values()  # type: ignore[attr-defined]
    # Where two people are needed, the owner's yes does not count; it is then nobody's answer.
    assert counts == ([2, 1] if said.returncode == 0 else [1, 0])
    (begun,), (ended,) = guard.entries("drill.begin"), guard.entries("drill.end")
    assert begun["body"]["commitment"] == commitment(ended["body"]["salt"], ended["body"]["digests"])
    assert {request["digest"] for request in asked} == set(ended["body"]["digests"])
    assert call(guard.home, "inbox") == []


def test_a_yes_to_a_drill_lets_nothing_run(guard: Guard) -> None:
    """Story: a reviewer approves the drill's force push, and then an agent really wants one."""
    guard.hook("Read", {"file_path": str(guard.project / "a")})
    drill(guard, "drill", "--count", "10")
    asked = call(guard.home, "inbox")
    for request in asked:
        guard.cli("approve", str(request["id"]), "--code", request["fingerprint"].rsplit("-", 1)[1])
    for command, claim in bad_questions():
        guard.said_no(guard.hook("Bash", {"command": command, "description": claim}))
    assert guard.entries("approval.use") == []


def test_one_drill_at_a_time_and_none_to_end(guard: Guard) -> None:
    assert guard.cli("reviewers", "end").returncode == 27
    drill(guard, "drill", "--count", "1")
    assert guard.cli("reviewers", "drill").returncode == 27
    drill(guard, "end")
