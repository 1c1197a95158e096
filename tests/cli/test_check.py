"""`interlock check`: every way in, and every way it can be wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nursery

MINE = (
    '@id("mine") @why("a test") @tier("4") @matches("read file /srv/x @workspace +workspace") '
    'forbid (principal, action == Interlock::Action::"read", resource) when { resource.kind == "file" };'
)


def interlock(
    tmp_path: Path, *words: str, stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The command in a home of its own; `test_main.py` starts it as users do."""
    (tmp_path / "user").mkdir(exist_ok=True)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "user"), "INTERLOCK_HOME": str(tmp_path / "i")}
    return nursery.run("interlock.cli.main", words, env, cwd or tmp_path, stdin)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "user" / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def event(project: Path, **more: Any) -> str:
    body = {"session_id": "s", "cwd": str(project), "hook_event_name": "PreToolUse", "tool_use_id": "c"}
    return json.dumps(body | more)


def test_an_event_of_codex(tmp_path: Path, project: Path) -> None:
    wish = {"command": ["bash", "-lc", "rm -rf ~/documents"]}
    for tool, tool_input in (("Bash", {"command": "rm -rf ~/documents"}), ("shell", wish)):
        told = event(project, tool_name=tool, tool_input=tool_input, turn_id="t")
        done = interlock(tmp_path, "check", "--hook", "codex", "--json", stdin=told)
        assert done.returncode == 10, done
        assert answer(done)["verdict"] == "ask"
    patch = "*** Begin Patch\n*** Delete File: a.py\n*** End Patch"
    told = event(project, tool_name="apply_patch", tool_input={"command": patch})
    done = interlock(tmp_path, "check", "--hook", "codex", "--json", stdin=told)
    assert done.returncode in {0, 10}, done
    assert "a.py" in " ".join(answer(done)["effects"])


def test_an_event_that_is_no_tool_call(tmp_path: Path, project: Path) -> None:
    done = interlock(tmp_path, "check", "--hook", "codex", stdin=event(project, hook_event_name="Stop"))
    assert done.returncode == 65
    assert "no tool call" in done.stderr


@pytest.mark.parametrize("text", ["", "{", "null", "[" * 100_000, '{"a": 1, "a": 2}'])
def test_an_event_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    for agent in ("claude", "codex"):
        done = interlock(tmp_path, "check", "--hook", agent, "--json", stdin=text)
        assert (done.returncode, answer(done)["error"]) == (65, "agent-input")


def test_a_folder_of_policies(tmp_path: Path, project: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    assert interlock(tmp_path, "check", "--policy", str(folder), "--", "cat", "a.py", cwd=project).returncode == 0
    (folder / "a.cedar").write_text(MINE)
    done = interlock(tmp_path, "check", "--json", "--policy", str(folder), "--", "cat", "a.py", cwd=project)
    assert done.returncode == 11, done
    assert answer(done)["rules"] == ["mine"]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (MINE[:-10], "a.cedar"),
        (MINE.replace("resource.kind", "resource.colour"), "colour"),
        (MINE.replace("read file /srv/x", "write file /srv/x"), "mine"),
        (MINE.replace('@tier("4")', ""), "tier"),
        ('@id("x") permit (principal, action, resource);', "x"),
    ],
    ids=["syntax", "unknown attribute", "failing example", "no tier", "bare permit"],
)
def test_a_policy_that_is_refused(tmp_path: Path, project: Path, policy: str, said: str) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "a.cedar").write_text(policy)
    done = interlock(tmp_path, "check", "--policy", str(folder), "--", "ls", cwd=project)
    assert done.returncode == 21, done
    assert not done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    as_json = interlock(tmp_path, "check", "--json", "--policy", str(folder), "--", "ls", cwd=project)
    assert (as_json.returncode, answer(as_json)["error"], answer(as_json)["exit"]) == (21, "policy", 21)


def test_a_policy_folder_that_is_not_there(tmp_path: Path) -> None:
    assert interlock(tmp_path, "check", "--policy", "/nowhere", "--", "ls").returncode == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode = ", "not TOML"),
        ("known_hostz = []", "Did you mean `known_hosts`"),
        ("mode = 'off'", "mode"),
        ("[environments.prod]\nhosts = []", "unknown environment"),
        ("[[freeze]]\nreason = 'x'\nuntil = 2026-01-01T00:00:00", "zone"),
        ("a = " + "[" * 5_000, "TOML|deep"),
        ("mode = 'enforce' # " + "x" * (1 << 20), "1 MiB"),
    ],
    ids=["syntax", "unknown key", "value", "environment", "zone", "deep", "large"],
)
def test_a_configuration_that_is_refused(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "i" / "config"
    config.mkdir(parents=True)
    (config / "interlock.toml").write_text(text)
    done = interlock(tmp_path, "check", "--json", "--", "ls")
    assert (done.returncode, answer(done)["error"]) == (20, "config")
    assert any(word in answer(done)["message"] for word in said.split("|"))
    assert "interlock.toml" in answer(done)["message"]


def test_a_configuration_that_is_not_utf8(tmp_path: Path) -> None:
    config = tmp_path / "i" / "config"
    config.mkdir(parents=True)
    (config / "interlock.toml").write_bytes(b'mode = "\xff"')
    done = interlock(tmp_path, "check", "--", "ls")
    assert done.returncode == 20
    assert "UTF-8" in done.stderr


def test_a_projects_key_cannot_drive_the_terminal(tmp_path: Path, project: Path) -> None:
    """Story: the refusal of a project's configuration quotes its key, and the key is an escape sequence."""
    (project / "interlock.toml").write_text('"\\u001b]0;owned\\u0007" = 1\n')
    done = interlock(tmp_path, "check", "--", "ls", cwd=project)
    assert done.returncode == 20
    assert "\x1b" not in done.stderr
    assert "<U+001B>" in done.stderr


def test_a_fifo_for_a_configuration_is_refused_at_once(tmp_path: Path, project: Path) -> None:
    os.mkfifo(project / "interlock.toml")
    done = interlock(tmp_path, "check", "--", "ls", cwd=project)
    assert done.returncode == 20
    assert "no regular file" in done.stderr


def test_a_batch_that_is_not_there(tmp_path: Path) -> None:
    done = interlock(tmp_path, "check", "--batch", "/nowhere.jsonl", "--json")
    assert (done.returncode, answer(done)["error"]) == (2, "usage")


def test_a_batch_answers_every_line_in_its_place(tmp_path: Path) -> None:
    long = "x" * (9 << 20)
    lines = ['{"id": 1, "tool": "Read", "input": {"file_path": "a"}}', "", long, '{"id": 3}', "\ufeff{}",
             '{"id": [1, {"a": 2}], "tool": "Bash", "input": {"command": "ls"}, "cwd": "/"}']  # fmt: skip
    done = interlock(tmp_path, "check", "--batch", "-", stdin="\n".join(lines))
    assert done.returncode == 65
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["id"] for line in found] == [1, None, 3, None, [1, {"a": 2}]]
    assert [line["verdict"] for line in found][1:4] == ["deny"] * 3


def test_a_directory_that_was_removed_under_the_shell(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        ["bash", "-c", 'cd gone && rmdir "$PWD" && exec "$0" -m interlock.cli.main check -- ls', sys.executable],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "INTERLOCK_HOME": str(tmp_path / "i")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr


def test_what_could_not_be_read_is_named_with_its_place_and_the_reason(tmp_path: Path) -> None:
    done = interlock(tmp_path, "check", "--json", "--shell", "ls; $CMD foo")
    (unread,) = answer(done)["unread"]
    assert unread == {"text": "$CMD foo", "why": "the name of the command is not known before it runs", "span": [4, 12]}
    assert "(characters 4 to 12)" in interlock(tmp_path, "check", "--shell", "ls; $CMD foo").stdout
