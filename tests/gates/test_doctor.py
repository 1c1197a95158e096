"""init, doctor and uninstall as a person runs them, with a daemon that plays every part."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from interlock.cli import doctor, init, uninstall
from interlock.gates.hooks import registry
from interlock.gates.install.canary import judge
from interlock.model.errors import NotGuarded
from native.conftest import ROOT, hatch_build
from native.daemons import Call, Daemon


class Shell:
    """A person's terminal: commands of ours in a home of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {
            "HOME": str(root / "home"), "INTERLOCK_HOME": str(root / "ih"), "PATH": str(root / "bin"),
            "INTERLOCK_NO_AUTOSTART": "1",
        }  # fmt: skip
        for name in ("home", "bin", "project"):
            (root / name).mkdir()
        self.settings = root / "home/.claude/settings.json"

    def run(self, command: Any, *words: str) -> Result:
        result = CliRunner(env=self.env).invoke(command, [*words, "--project", str(self.root / "project")])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def doctor(self) -> tuple[int, dict[str, Any]]:
        result = self.run(doctor.command, "--agent", "claude", "--json")
        return result.exit_code, json.loads(result.stdout)

    def agent(self, name: str, text: str) -> None:
        program = self.root / "bin" / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    found = Shell(tmp_path)
    hook = tmp_path / "venv" / "interlock-hook"
    hook.parent.mkdir()
    hatch_build.write_python_client(ROOT / "src/interlock/gates/hooks/client.py", hook)
    hook.chmod(0o755)
    (hook.parent / "python3").symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setattr(sys, "executable", str(hook.parent / "python3"))
    for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    found.agent("claude", "echo '2.1.323 (Claude Code)'")
    return found


Serve = Callable[[bool], Daemon]


@pytest.fixture
def serve(shell: Shell) -> Iterator[Serve]:
    running: list[Daemon] = []

    def start(deny: bool) -> Daemon:
        def script(call: Call) -> None:
            call.read()
            if call.head[1] == "rpc":  # whether messages reach people
                call.done(out=b'{"targets": [], "problem": ""}')
                return
            gate = registry.gate(call.head[2])
            assert gate is not None
            event = gate.parse(call.payload)
            reply = gate.deny(event, "Interlock: no.") if deny else gate.allow(event)
            call.done(reply.exit, reply.stdout, reply.stderr)

        running.append(Daemon(shell.root / "ih", script))
        return running[-1]

    yield start
    for one in running:
        one.close()


def test_from_nothing_to_guarded_and_back(shell: Shell, serve: Serve) -> None:
    daemon = serve(True)
    code, seen = shell.doctor()
    assert (code, seen["guarded"]) == (NotGuarded.exit, False)
    assert "hooks in" in shell.run(init.command).stdout
    code, seen = shell.doctor()
    assert (code, seen["guarded"]) == (0, True)
    assert seen["agents"][0]["version"] == "2.1.323"
    canary = next(call for call in daemon.calls if call.head[1] == "hook")
    assert canary.head[2] == "claude"
    event = json.loads(canary.payload)
    assert event["session_id"].startswith("interlock-doctor-")
    assert str(shell.root / "ih/state") in event["tool_input"]["command"]
    assert "deleted" in shell.run(uninstall.command).stdout
    assert not shell.settings.exists()
    assert shell.doctor()[0] == NotGuarded.exit
    assert "No hooks" in shell.run(uninstall.command).stdout


def test_init_and_uninstall_as_data(shell: Shell) -> None:
    made = json.loads(shell.run(init.command, "--json").stdout)
    assert made["agents"][0]["files"] == [{"path": str(shell.settings)}]
    gone = json.loads(shell.run(uninstall.command, "--json").stdout)
    assert gone["changed"][0]["what"] == "deleted"
    assert gone["purged"] == []


def test_a_purge_leaves_nothing_and_asks_first(shell: Shell) -> None:
    shell.run(init.command)
    state = shell.root / "ih" / "state"
    assert state.exists()
    refused = shell.run(uninstall.command, "--purge")
    assert refused.exit_code != 0
    assert state.exists()
    shell.run(uninstall.command, "--purge", "--yes")
    assert not state.exists()
    assert not shell.settings.exists()


def test_a_daemon_that_lets_the_canary_through_is_no_guard(shell: Shell, serve: Serve) -> None:
    serve(False)
    shell.run(init.command)
    code, seen = shell.doctor()
    assert code == NotGuarded.exit
    assert "let through" in seen["agents"][0]["problems"][0]


def test_no_daemon_is_told_apart_from_a_guard(shell: Shell) -> None:
    """The client says no all by itself; that must not look like a guard that works."""
    shell.run(init.command)
    code, seen = shell.doctor()
    assert code == NotGuarded.exit
    assert "everything is refused" in seen["agents"][0]["problems"][0]


def test_a_client_that_is_gone_is_seen(shell: Shell, serve: Serve) -> None:
    serve(True)
    shell.run(init.command)
    text = shell.settings.read_text()
    shell.settings.write_text(text.replace(str(shell.root / "venv"), str(shell.root / "gone")))
    code, seen = shell.doctor()
    assert code == NotGuarded.exit
    assert any("it calls" in note for note in seen["agents"][0]["not_covered"])


def test_an_old_agent_gets_the_line_of_shell_and_a_note(shell: Shell, serve: Serve) -> None:
    serve(True)
    shell.agent("claude", "echo '2.1.197 (Claude Code)'")
    shell.agent("gemini", "exit 0")
    assert "lets a tool run when a hook times out" in shell.run(init.command).stdout
    handler = json.loads(shell.settings.read_text())["hooks"]["PreToolUse"][0]["hooks"][0]
    assert "args" not in handler
    code, seen = shell.doctor()
    assert code == 0
    assert any("times out" in note for note in seen["agents"][0]["not_covered"])
    assert seen["without_gate"] == ["gemini"]


@pytest.mark.parametrize("fault", ["gone", "not-executable", "killed", "status-1"])
def test_the_line_of_shell_turns_every_fault_of_the_client_into_a_no(shell: Shell, fault: str) -> None:
    import subprocess

    shell.agent("claude", "echo '2.1.197 (Claude Code)'")
    shell.run(init.command)
    hooks = json.loads(shell.settings.read_text())["hooks"]
    hook = shell.root / "venv" / "interlock-hook"
    if fault == "gone":
        hook.unlink()
    elif fault == "not-executable":
        hook.chmod(0o644)
    else:
        hook.write_text("#!/bin/sh\n" + ("kill -9 $$" if fault == "killed" else "exit 1"))
    for event, status in (("PreToolUse", 2), ("UserPromptSubmit", 2), ("ConfigChange", 2), ("Stop", 1)):
        command = hooks[event][0]["hooks"][0]["command"]
        ran = subprocess.run(["/bin/sh", "-c", command], input=b"{}", capture_output=True, check=False)
        assert ran.returncode == status, event
        assert b"Interlock stopped this" in ran.stderr


def test_a_dry_run_writes_nothing(shell: Shell) -> None:
    result = shell.run(init.command, "--dry-run")
    assert "would write" in result.stdout
    assert '"PreToolUse"' in result.stdout
    assert not shell.settings.exists()
    assert not (shell.root / "ih").exists()
    shell.run(init.command)
    assert "would be deleted" in shell.run(uninstall.command, "--dry-run").stdout
    assert shell.settings.exists()


def test_one_bad_file_changes_none(shell: Shell) -> None:
    from interlock.model.errors import OperatorError

    codex = shell.root / "home/.codex/hooks.json"
    codex.parent.mkdir()
    codex.write_text("{,")
    with pytest.raises(OperatorError, match="not valid JSON"):
        shell.run(init.command)
    assert not shell.settings.exists()


def test_no_agent_at_all(shell: Shell) -> None:
    from interlock.model.errors import UsageError

    (shell.root / "bin/claude").unlink()
    with pytest.raises(UsageError):
        shell.run(init.command)
    result = shell.run(doctor.command)
    assert result.exit_code == NotGuarded.exit
    assert "No agent was found" in result.stdout


@pytest.mark.parametrize(
    ("status", "out", "err", "guarded", "words"),
    [
        (2, '{"hookSpecificOutput":{"permissionDecision":"deny","permissionDecisionReason":"R"}}', "R", True, "denied"),
        (0, '{"hookSpecificOutput":{"permissionDecision":"deny","permissionDecisionReason":"R"}}', "", True, "denied"),
        (0, "", "", False, "let through"),
        (0, '{"hookSpecificOutput":{"permissionDecision":"allow"}}', "", False, "let through"),
        (0, "[]", "", False, "let through"),
        (2, "", "Interlock stopped this: x", False, "everything is refused"),
        (2, "", "", False, "no words"),
        (1, "", "boom", False, "would go on"),
        (
            2,
            '{"hookSpecificOutput":{"permissionDecision":"deny",'
            '"permissionDecisionReason":"Interlock cannot answer safely, so: disk full"}}',
            "",
            False,
            "disk full",
        ),
    ],
)
def test_what_an_answer_to_a_canary_means(status: int, out: str, err: str, guarded: bool, words: str) -> None:
    verdict = judge(status, out.encode(), err.encode())
    assert verdict.guarded is guarded
    assert words in verdict.text
