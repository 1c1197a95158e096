"""The daemon's life: start, refuse, crash, recover, drain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conftest import Guard, allowed
from interlock.daemon.client import alive, call
from interlock.ledger.database import FILE
from interlock.model.errors import DaemonUnreachable


def read(guard: Guard) -> bool:
    return allowed(guard.hook("Read", {"file_path": str(guard.project / "a.py")}))


def test_a_second_copy_is_refused(guard: Guard) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "interlock.daemon"], env=guard.environment, capture_output=True, text=True, check=False
    )
    assert second.returncode == 24
    assert "already runs" in second.stderr
    assert read(guard)


def test_a_stop_drains_and_says_so(guard: Guard) -> None:
    read(guard)
    assert guard.stop() == 0
    assert not guard.home.socket.exists()
    guard.start()
    assert [entry["body"]["reason"] for entry in guard.entries("session.close")] == ["the daemon stopped"]
    assert guard.entries("daemon.stop")


def test_what_was_acknowledged_survives_a_kill(guard: Guard) -> None:
    wish = {"file_path": str(guard.project / "made.txt"), "content": "x"}
    assert allowed(guard.hook("Write", wish))
    guard.kill()
    guard.start()
    assert [entry["body"]["text"] for entry in guard.entries("intent")] == [wish["file_path"]]


def test_an_open_request_survives_a_kill(guard: Guard) -> None:
    wish = {"file_path": str(guard.base / "user" / "notes.txt"), "content": "x"}
    guard.said_no(guard.hook("Write", wish))
    guard.kill()
    guard.start()
    (request,) = call(guard.home, "inbox")
    call(guard.home, "approve", {"id": request["id"]})
    guard.kill()
    guard.start()
    assert allowed(guard.hook("Write", wish))
    guard.said_no(guard.hook("Write", wish))


def test_a_socket_that_a_dead_daemon_left_is_no_obstacle(guard: Guard) -> None:
    guard.kill()
    assert guard.home.socket.exists()
    assert not alive(guard.home)
    guard.start()
    assert read(guard)


def test_a_home_with_a_very_long_path(tmp_path: Path) -> None:
    """Story: sun_path holds 108 bytes, and a company's home directories did not fit."""
    base = tmp_path / ("d" * 120)
    base.mkdir()
    guard = Guard(base)
    try:
        guard.start()
        assert read(guard)
    finally:
        guard.kill()


def test_a_corrupt_ledger_is_refused(guard: Guard) -> None:
    read(guard)
    guard.stop()
    database = guard.home.state / "ledger" / FILE
    raw = bytearray(database.read_bytes())
    raw[100:4_000] = os.urandom(3_900)
    database.write_bytes(raw)
    refused = subprocess.run(
        [sys.executable, "-m", "interlock.daemon"], env=guard.environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode in {25, 30, 32, 34, 35}, refused
    assert "daemon.refused" in refused.stderr
    assert "ledger" in refused.stderr
    assert database.exists()


def test_a_broken_policy_leaves_the_old_one_in_force(guard: Guard) -> None:
    assert read(guard)
    policies = guard.home.config / "policy"
    policies.mkdir()
    (policies / "mine.cedar").write_text(
        '@id("x") forbid (principal, action, resource) when { resource.colour == "red" };'
    )
    _until(lambda: guard.entries("policy.refused"))
    assert read(guard)
    shown = guard.cli("status")
    assert "REFUSED" in shown.stdout
    (policies / "mine.cedar").unlink()
    _until(lambda: not call(guard.home, "status")["rule_problems"])


def test_a_new_policy_comes_into_force_without_a_restart(guard: Guard) -> None:
    assert read(guard)
    policies = guard.home.config / "policy"
    policies.mkdir()
    (policies / "mine.cedar").write_text(
        '@id("no-reading") @why("a test") @tier("4") @matches("read file /srv/x @workspace +workspace") '
        'forbid (principal, action == Interlock::Action::"read", resource) when { resource.kind == "file" };'
    )
    assert guard.cli("policy", "prove", str(policies), "--layer", "user").returncode == 0
    _until(lambda: not read(guard))
    reason = guard.said_no(guard.hook("Read", {"file_path": str(guard.project / "a.py")}))
    assert "no-reading" in reason


def test_a_project_whose_configuration_is_refused_is_stopped(guard: Guard) -> None:
    (guard.project / "interlock.toml").write_text('mode = "observe"')
    reason = guard.said_no(guard.hook("Read", {"file_path": str(guard.project / "a.py")}))
    assert "only tighten" in reason


@pytest.mark.parametrize(
    "event",
    [
        b"",
        b"{",
        b'{"hook_event_name":"PreToolUse"}',
        b'{"hook_event_name":"PreToolUse","hook_event_name":"Stop"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"null",
        b'"' + b"x" * 1_000_000 + b'"',
        json.dumps({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": "rm", "cwd": "/"}).encode(),
        json.dumps({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {}, "cwd": "../x"}).encode(),
        b'{"hook_event_name":"PreToolUse","session_id":"\\ud800","cwd":"/","tool_name":"Bash","tool_input":{"command":"ls"}}',
    ],
)
def test_an_event_that_cannot_be_read_is_a_no_and_an_alarm(shared: Guard, event: bytes) -> None:
    before = len(shared.entries("alarm"))
    reply = shared.raw(event)
    assert reply.exit == 2
    assert b"could not read" in reply.stderr
    assert len(shared.entries("alarm")) == before + 1
    assert read(shared)


def test_a_command_of_a_megabyte_gets_an_answer(guard: Guard) -> None:
    reply = guard.hook("Bash", {"command": "echo " + "a" * 1_000_000})
    assert allowed(reply) or guard.said_no(reply)
    assert read(guard)


def test_many_agents_at_once(guard: Guard) -> None:
    results: list[bool] = []

    def work(number: int) -> None:
        for turn in range(5):
            wish = {"file_path": str(guard.project / f"{number}-{turn}.txt"), "content": ""}
            results.append(allowed(guard.hook("Write", wish, session_id=f"s{number}", tool_use_id=f"{number}-{turn}")))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [True] * 60
    assert len(guard.entries("intent")) == 60
    assert len(guard.entries("session.open")) == 12


def test_without_a_daemon_a_command_says_what_to_do(cold: Guard) -> None:
    with pytest.raises(DaemonUnreachable, match="interlock up"):
        call(cold.home, "ping")
    shown = cold.cli("status")
    assert shown.returncode == 23
    assert "interlock up" in shown.stderr
    as_json = cold.cli("status", "--json")
    assert json.loads(as_json.stdout)["error"] == "daemon-unreachable"


def test_up_and_down(cold: Guard) -> None:
    try:
        up = cold.cli("up", "--detach", "--json")
        assert json.loads(up.stdout)["started"] is True, up
        again = cold.cli("up", "--detach", "--json")
        assert json.loads(again.stdout)["started"] is False
    finally:
        down = cold.cli("down")
    assert down.returncode == 0
    assert not alive(cold.home)


def _until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_lost_head_file_is_accepted_only_by_a_persons_word(guard: Guard) -> None:
    read(guard)
    guard.stop()
    (guard.home.state / "ledger.head").unlink()
    refused = guard.cli("up", "--detach")
    assert refused.returncode == 25
    assert "--accept-lost-head" in refused.stderr
    try:
        assert guard.cli("up", "--detach", "--accept-lost-head").returncode == 0
        assert guard.entries("log.head_accepted")
        assert guard.cli("verify").returncode == 0
    finally:
        guard.cli("down")


def test_a_lost_key_is_replaced_by_the_root_key(guard: Guard) -> None:
    read(guard)
    guard.stop()
    (guard.home.state / "keys" / "daemon.key").unlink()
    assert guard.cli("up", "--detach").returncode == 25
    try:
        done = guard.cli("up", "--detach", "--replace-lost-key")
        assert done.returncode == 0, done.stderr
        assert guard.entries("key.rotate")
        read(guard)
        verified = guard.cli("verify")
        assert verified.returncode == 0, verified.stdout
    finally:
        guard.cli("down")
