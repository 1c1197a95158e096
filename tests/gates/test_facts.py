"""What an agent is made of, read from the files that it reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.gates.hooks.claude import ClaudeGate
from interlock.gates.hooks.codex import CodexGate
from interlock.gates.hooks.facts import facts
from interlock.gates.hooks.protocol import HookEvent
from interlock.ledger.entry import MAX_ENTRY_BYTES
from interlock.model.agent import NOTHING_KNOWN, AgentFacts


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "user"
    (home / "project").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


def event(home: Path, agent: str = "claude", transcript: str = "", **more: str) -> HookEvent:
    body = {"hook_event_name": "SessionStart", "session_id": "s", "cwd": str(home / "project"),
            "transcript_path": transcript, **more}  # fmt: skip
    return (ClaudeGate() if agent == "claude" else CodexGate()).parse(json.dumps(body).encode())


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(found: AgentFacts) -> dict[str, list[str]]:
    return {sort: [p.name for p in getattr(found, sort)] for sort in ("prompts", "skills", "servers", "settings")}


def test_claudes_instructions_skills_servers_and_settings_are_named(user: Path) -> None:
    put(user / ".claude/CLAUDE.md", "be kind")
    put(user / "project/CLAUDE.md", "be careful")
    put(user / ".claude/skills/deploy/SKILL.md", "how to deploy")
    put(user / "project/.claude/skills/review/SKILL.md", "how to review")
    put(user / "project/.claude/skills/not-one/README.md", "no skill")
    put(user / ".claude/settings.json", "{}")
    put(user / ".claude.json", json.dumps({
        "mcpServers": {"github": {"command": "gh-mcp"}},
        "projects": {str(user / "project"): {"mcpServers": {"db": {"url": "http://localhost:1"}}}},
    }))  # fmt: skip
    put(user / "project/.mcp.json", json.dumps({"mcpServers": {"shop": {"command": "shop-mcp"}}}))
    transcript = put(user / ".claude/projects/p/s.jsonl", '{"type":"user","version":"2.1.29"}\n')
    found = facts(event(user, transcript=str(transcript), model="claude-opus-4"), "")
    assert names(found) == {
        "prompts": ["user CLAUDE.md", "CLAUDE.md"],
        "skills": ["deploy", "review"],
        "servers": ["db", "github", "shop"],
        "settings": ["user settings.json"],
    }
    assert (found.version, found.model, found.unknown) == ("2.1.29", "claude-opus-4", ())


def test_codexs_too(user: Path) -> None:
    put(user / ".codex/config.toml", '[mcp_servers.docs]\ncommand = "docs-mcp"\n')
    put(user / "project/AGENTS.md", "be careful")
    record = put(user / "rollout.jsonl", '{"type":"session_meta","payload":{"cli_version":"0.169.0"}}\n')
    found = facts(event(user, "codex", str(record), model="gpt-5"), "")
    assert names(found) == {
        "prompts": ["AGENTS.md"], "skills": [], "servers": ["docs"], "settings": ["user config.toml"],
    }  # fmt: skip
    assert (found.version, found.model) == ("0.169.0", "gpt-5")


def test_what_cannot_be_seen_is_said_to_be_unknown(user: Path) -> None:
    assert facts(event(user), "").unknown == ("version", "model")
    assert "skills" in NOTHING_KNOWN.unknown


def test_a_changed_byte_of_any_file_of_a_skill_is_another_skill(user: Path) -> None:
    put(user / ".claude/skills/deploy/SKILL.md", "how to deploy")
    script = put(user / ".claude/skills/deploy/scripts/run.sh", "echo 1")
    before = facts(event(user), "").skills
    script.write_text("echo 2")
    assert facts(event(user), "").skills != before
    script.write_text("echo 1")
    assert facts(event(user), "").skills == before
    script.rename(script.with_name("other.sh"))
    assert facts(event(user), "").skills != before


def test_the_value_of_a_servers_secret_cannot_be_guessed_from_its_digest(user: Path) -> None:
    def with_token(token: str) -> AgentFacts:
        config = {"mcpServers": {"github": {"command": "gh-mcp", "env": {"TOKEN": token}}}}
        put(user / "project/.mcp.json", json.dumps(config))
        return facts(event(user), "")

    assert with_token("a").servers == with_token("b").servers
    put(user / "project/.mcp.json", json.dumps({"mcpServers": {"github": {"command": "other"}}}))
    assert facts(event(user), "").servers != with_token("a").servers


def test_a_thousand_skills_with_long_names_fit_an_entry(user: Path) -> None:
    import msgspec

    for number in range(300):
        put(user / f".claude/skills/{'ä' * 90}{number}/SKILL.md", "x")
        put(user / f".claude/agents/{'ü' * 90}{number}.md", "x")
    put(user / "project/.mcp.json", json.dumps({"mcpServers": {f"{'ö' * 90}{n}": {} for n in range(300)}}))
    found = facts(event(user), "")
    assert found.more > 700
    assert len(msgspec.json.encode(found)) < MAX_ENTRY_BYTES - 5_000


@pytest.mark.parametrize("garbage", ["{", "[]", '{"mcpServers": 7}', "[" * 20_000])
def test_garbage_in_its_files_is_no_reason_to_fail(user: Path, garbage: str) -> None:
    put(user / "project/.mcp.json", garbage)
    put(user / ".claude.json", garbage)
    put(user / ".codex/config.toml", garbage)
    assert facts(event(user), "").servers == ()
    assert facts(event(user, "codex"), "").servers == ()


def test_a_pipe_in_place_of_a_file_holds_nobody_up(user: Path) -> None:
    import os

    os.mkfifo(user / "project/CLAUDE.md")
    put(user / ".claude/skills/trap/SKILL.md", "x")
    os.mkfifo(user / ".claude/skills/trap/pipe")
    assert [p.name for p in facts(event(user), "").skills] == ["trap"]
