"""The whole drill, with the real daemon: it passes with the guard in place, and fails, loudly, without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from interlock.cli.drill import command
from interlock.daemon.client import alive
from interlock.drills import drill
from interlock.drills.screen import JsonLines
from interlock.home import locate

pytestmark = pytest.mark.slow

UNGUARDED = "import interlock.drills.scripted_agent as agent; agent.SETTINGS = (); agent.main()"


def events(printed: list[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in printed:
        event = json.loads(line)
        found.setdefault(event["event"], []).append(event)
    return found


def run(tmp_path: Path, *, keep: bool = False) -> tuple[bool, dict[str, list[dict[str, Any]]]]:
    printed: list[str] = []
    good = drill.run(JsonLines(printed.append), agent=drill.Agent.SCRIPTED, keep=keep, parent=tmp_path)
    return good, events(printed)


def test_guarded_all_work_passes_all_incidents_stop_and_nothing_is_left_behind(tmp_path: Path) -> None:
    good, told = run(tmp_path)
    assert good, [step for step in told["told"] if not step["good"]]
    end = told["end"][0]
    assert end["ledger"]["sound"]
    assert end["incidents"]["stopped"] == end["incidents"]["planned"] >= 10
    assert end["work"]["passed"] == end["work"]["planned"] >= 10
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_asks_nobody_fails_the_drill_and_the_losses_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded = drill.Chosen((sys.executable, "-c", UNGUARDED), "an agent without hooks")
    monkeypatch.setattr(drill, "choose", lambda agent, screen: unguarded)
    monkeypatch.setattr(drill, "HEARD_SECONDS", 0.2)
    good, told = run(tmp_path)
    assert not good
    lost = {wire["name"] for wire in told["end"][0]["tripwires"] if not wire["intact"]}
    assert {"state", "database", "home", "hooks"} <= lost  # with its home the agent loses its project, and stops there
    assert told["end"][0]["incidents"]["stopped"] == 0


def test_an_agent_that_dies_fails_the_drill_with_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dying = drill.Chosen((sys.executable, "-c", "raise SystemExit('no model today')"), "an agent that dies")
    monkeypatch.setattr(drill, "choose", lambda agent, screen: dying)
    good, told = run(tmp_path)
    assert not good
    assert "no model today" in told["end"][0]["trouble"]


def test_kept_it_leaves_its_folder_and_no_daemon(tmp_path: Path) -> None:
    _, told = run(tmp_path, keep=True)
    (root,) = tmp_path.iterdir()
    assert told["end"][0]["kept"] == str(root)
    assert (root / "interlock" / "state" / "ledger").is_dir()
    assert not alive(locate({"INTERLOCK_HOME": str(root / "interlock")}))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_no_daemon_and_no_folder(number: signal.Signals, tmp_path: Path) -> None:
    words = [str(Path(sys.executable).parent / "interlock"), "drill", "--agent", "scripted", "--json"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "begin":
                root = Path(event["root"])
            if event["event"] == "told":
                process.send_signal(number)
                break
        process.stdout.read()
        assert process.wait(30) in {130, 128 + number}
    assert root.parent == tmp_path
    assert not root.exists()
    assert not alive(locate({"INTERLOCK_HOME": str(root / "interlock")}))


def test_the_command_fails_with_status_1_and_prints_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "run", lambda screen, **options: False)
    assert CliRunner().invoke(command, ["--agent", "scripted"]).exit_code == 1
    monkeypatch.setattr(drill, "run", lambda screen, **options: True)
    assert CliRunner().invoke(command, ["--json"]).exit_code == 0
    assert CliRunner().invoke(command, ["--agent", "other"]).exit_code == 2
