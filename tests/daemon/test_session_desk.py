"""Sessions as a person sees them, and as the ledger keeps them."""

from __future__ import annotations

import json

from tests.daemon.conftest import Guard

from interlock.daemon.client import call
from interlock.identity.sessions import check_close


def test_a_session_has_a_name_a_key_and_facts_and_its_close_is_signed(guard: Guard) -> None:
    (guard.project / "CLAUDE.md").write_text("be careful")
    guard.hook("Read", {"file_path": str(guard.project / "x")})
    guard.hook("", {}, event="SubagentStart", agent_id="a1", agent_type="Explore")
    guard.hook("Read", {"file_path": str(guard.project / "x")}, agent_id="a1", agent_type="Explore")
    guard.hook("Read", {"file_path": str(guard.project / "x")}, agent_id="a2")
    guard.hook("", {}, event="SubagentStop", agent_id="a1", agent_type="Explore")
    (session,) = call(guard.home, "sessions.list")
    assert session["name"].endswith("/agent/claude/session/session-1")
    assert [piece["name"] for piece in session["facts"]["prompts"]] == ["CLAUDE.md"]
    assert [(c["id"], c["type"], c["live"]) for c in session["children"]] == [
        ("a2", "", True), ("a1", "Explore", False),
    ]  # fmt: skip
    assert guard.entries("subagent.start")[0]["body"]["name"] == session["name"] + "/sub/a1"

    guard.hook("", {}, event="SessionEnd")
    (opened,), (closed,) = guard.entries("session.open"), guard.entries("session.close")
    assert opened["body"]["key"] == session["key"]
    check_close(opened["body"], closed["body"])
    assert call(guard.home, "sessions.list") == []


def test_each_daemon_gives_a_session_a_key_of_its_own(guard: Guard) -> None:
    """The private half lives in memory alone: after kill -9 nobody can sign for the old session."""
    guard.hook("Read", {"file_path": str(guard.project / "x")})
    guard.kill()
    guard.start()
    guard.hook("Read", {"file_path": str(guard.project / "x")})
    first, second = guard.entries("session.open")
    assert first["body"]["name"] == second["body"]["name"]
    assert first["body"]["key"] != second["body"]["key"]


def test_a_skill_that_comes_in_the_middle_of_a_session_is_noted(guard: Guard) -> None:
    guard.hook("Read", {"file_path": str(guard.project / "x")})
    skill = guard.project / ".claude/skills/deploy/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("how to deploy")
    guard.hook("", {}, event="ConfigChange", source="skills")
    (entry,) = guard.entries("session.facts")
    assert [piece["name"] for piece in entry["body"]["facts"]["skills"]] == ["deploy"]


def test_the_tree_is_shown(guard: Guard) -> None:
    assert "No agent is at work." in guard.cli("sessions").stdout
    guard.hook("Read", {"file_path": str(guard.project / "x")}, agent_id="a1", agent_type="Explore")
    shown = guard.cli("sessions", "--facts").stdout
    assert "claude session-1" in shown
    assert "└ a1  Explore" in shown
    assert "version unknown" in shown
    (kind,) = json.loads(guard.cli("agents", "--json").stdout)
    assert (kind["agent"], kind["sessions"], kind["children"]) == ("claude", 1, 1)
    assert "claude  1 session, 1 sub-agent" in guard.cli("agents").stdout
