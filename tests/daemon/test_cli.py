"""The commands that talk to a daemon, as a person uses them."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Guard, housed
from interlock.daemon.client import call


def lines(guard: Guard, *words: str) -> list[dict[str, Any]]:
    done = guard.cli("log", "--json", *words)
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


def wish_for(guard: Guard, name: str = "notes.txt") -> dict[str, str]:
    return {"file_path": str(guard.base / "user" / name), "content": "x"}


def fill(guard: Guard) -> None:
    """A ledger with a little of everything: two sessions, allows, asks, denials, an outcome, an alarm."""
    path = str(guard.project / "a.py")
    guard.hook("Read", {"file_path": path}, tool_use_id="c1")
    guard.hook("Read", {"file_path": path}, event="PostToolUse", tool_use_id="c1", tool_response="x")
    guard.hook("Write", wish_for(guard))
    guard.hook("Write", {"file_path": "/etc/interlock/interlock.toml", "content": ""}, session_id="other-session")
    guard.hook("Read", {"file_path": path}, event="PostToolUse", tool_use_id="ghost", tool_response={})
    for number in range(60):
        guard.hook("Read", {"file_path": path}, tool_use_id=f"r{number}", session_id="reader")


def day(base: Path) -> Iterator[Guard]:
    with housed(base) as guard:
        guard.configure("[ask]\nhold_seconds = 0\n")
        guard.start()
        fill(guard)
        yield guard


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """A full ledger for all who only read in it."""
    yield from day(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def denied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """The same, after a person's no; for all who only read in it."""
    for guard in day(tmp_path_factory.mktemp("denied")):
        (asked,) = call(guard.home, "inbox")
        call(guard.home, "deny", {"id": asked["id"], "because": "no \x1b[31mred"})
        yield guard


def kinds(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["schema"].split("/")[1] for entry in entries]


def test_log_shows_the_last_entries_and_all_with_all(busy: Guard) -> None:
    whole = lines(busy, "--all")
    assert len(whole) > 60
    assert [entry["index"] for entry in whole] == list(range(len(whole)))
    assert len(whole) == call(busy.home, "status")["entries"]
    assert lines(busy) == whole[-50:]
    assert lines(busy, "-n", "3") == whole[-3:]
    assert lines(busy, "-n", "0") == []
    assert busy.cli("log", "-n", "-1").returncode == 2


def test_log_filters_look_back_over_what_they_choose(busy: Guard) -> None:
    """Story: `log --kind denial` looked at the last 50 entries of any kind, and said that nothing had been stopped."""
    assert kinds(lines(busy, "--kind", "denial")) == ["denial", "denial"]
    assert kinds(lines(busy, "--kind", "denial", "-n", "1")) == ["denial"]
    assert kinds(lines(busy, "--kind", "alarm", "--kind", "outcome")) == ["outcome", "alarm"]
    assert kinds(lines(busy, "--session", "other", "--kind", "denial")) == ["denial"]
    assert {entry["body"]["principal"]["session"] for entry in lines(busy, "--session", "read")} == {"reader"}
    assert lines(busy, "--agent", "codex") == []
    assert lines(busy, "--kind", "nonsense") == []


def test_log_as_lines(busy: Guard) -> None:
    shown = busy.cli("log", "--all").stdout
    assert re.search(r"denial +claude DENY Write: /etc/interlock/interlock.toml +guard-untouchable", shown)
    assert re.search(r"outcome +claude of \d+: ok", shown)
    assert re.search(r"alarm +claude a tool ran whose call never reached Interlock", shown)
    assert len(shown.splitlines()) == call(busy.home, "status")["entries"]


def test_log_follows(guard: Guard) -> None:
    follower = subprocess.Popen(
        [sys.executable, "-m", "interlock.cli.main", "log", "--follow", "--json", "--kind", "intent"],
        env=guard.environment,
        stdout=subprocess.PIPE,
    )
    assert follower.stdout is not None
    try:
        time.sleep(0.5)
        guard.hook("Read", {"file_path": str(guard.project / "followed.py")})
        assert select.select([follower.stdout], [], [], 20)[0]
        assert b"followed.py" in follower.stdout.readline()
    finally:
        follower.kill()
        follower.wait()
        follower.stdout.close()


@pytest.mark.parametrize("kind", ["log.genesis", "daemon.start", "policy.loaded", "session.open", "intent", "outcome"])
def test_why_explains_every_kind_of_entry(busy: Guard, kind: str) -> None:
    (entry, *_) = busy.entries(kind)
    done = busy.cli("why", str(entry["index"]))
    assert done.returncode == 0, done
    assert f"#{entry['index']}  {kind}" in done.stdout
    assert "{'" not in done.stdout
    as_json = json.loads(busy.cli("why", str(entry["index"]), "--json").stdout)
    assert as_json["index"] == entry["index"]
    assert as_json["proof"].startswith("c2sp.org/tlog-proof@v1")


@pytest.mark.parametrize("kind", ["denial", "approval.request", "approval.decision", "alarm"])
def test_why_explains_what_was_stopped_asked_and_noticed(denied: Guard, kind: str) -> None:
    (entry, *_) = denied.entries(kind)
    done = denied.cli("why", str(entry["index"]))
    assert done.returncode == 0, done
    assert "\x1b" not in done.stdout


def test_why_of_nothing_says_where_to_look(guard: Guard) -> None:
    done = guard.cli("why", "4711", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]) == (26, "not-found")
    assert "interlock log" in json.loads(done.stdout)["message"]


def test_inbox_all_also_shows_what_is_over(guard: Guard) -> None:
    guard.hook("Write", wish_for(guard))
    (asked,) = json.loads(guard.cli("inbox", "--json").stdout)
    guard.cli("deny", str(asked["id"]), "--because", "not now")
    assert guard.cli("inbox").stdout == "Nothing waits for you.\n"
    assert json.loads(guard.cli("inbox", "--json").stdout) == []
    (over,) = json.loads(guard.cli("inbox", "--all", "--json").stdout)
    assert (over["id"], over["state"], over["because"]) == (asked["id"], "denied", "not now")
    shown = guard.cli("inbox", "--all").stdout
    assert "denied" in shown
    assert "not now" in shown
    assert "interlock approve" not in shown
    assert guard.cli("inbox", "4711").returncode == 26


def test_what_an_agent_wrote_cannot_drive_the_terminal_of_who_decides(guard: Guard) -> None:
    guard.hook("Write", wish_for(guard, "a\x1b]0;owned\x07\u202etxt.exe"))
    for words in (["inbox"], ["log"], ["status"], ["inbox", "--all"]):
        shown = guard.cli(*words).stdout
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", shown), words


def test_a_grave_yes_is_typed_from_the_fingerprint_in_a_terminal(guard: Guard) -> None:
    """Tier 3 on a terminal: the card is shown, and the code is asked for."""
    wish = {"command": f"rm -rf {guard.base}/user/documents"}
    guard.said_no(guard.hook("Bash", wish))
    (asked,) = call(guard.home, "inbox")
    assert asked["tier"] >= 3
    code = asked["fingerprint"].rsplit("-", 1)[1]
    shown = in_a_terminal(guard, ["approve", str(asked["id"])], code + "\n")
    assert asked["fingerprint"] in shown
    assert "rm -rf" in shown
    assert "Approved." in shown
    answer = json.loads(guard.hook("Bash", wish).stdout)["hookSpecificOutput"]
    assert answer["permissionDecision"] == "allow"


def test_a_wrong_code_is_no_yes(guard: Guard) -> None:
    guard.said_no(guard.hook("Bash", {"command": f"rm -rf {guard.base}/user/documents"}))
    (asked,) = call(guard.home, "inbox")
    assert "type the last part of its fingerprint" in in_a_terminal(guard, ["approve", str(asked["id"])], "\n")
    for code in ("", "00000000"):
        done = guard.cli("approve", str(asked["id"]), "--code", code, "--json")
        assert (done.returncode, json.loads(done.stdout)["error"]) == (27, "refused")
    assert not guard.entries("approval.decision")


def in_a_terminal(guard: Guard, words: list[str], typed: str) -> str:
    """What a person sees who types this at the command's first question."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "interlock.cli.main", *words],
        env=guard.environment | {"COLUMNS": "100", "TERM": "dumb"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        close_fds=True,
    )
    os.close(terminal)
    shown, asked = b"", False
    try:
        while select.select([controller], [], [], 20)[0]:
            try:
                shown += os.read(controller, 4_096)
            except OSError:  # the other end is closed
                break
            if not asked and b"to approve" in shown:
                asked = True
                os.write(controller, typed.encode())
        process.wait(20)
    finally:
        process.kill()
        os.close(controller)
    return shown.decode()


def test_down_returns_when_the_home_is_free(guard: Guard) -> None:
    """Story: `interlock down && interlock verify` met a ledger that was still being closed."""
    assert json.loads(guard.cli("down", "--json").stdout) == {"stopped": True}
    assert guard.process is not None
    assert guard.process.wait(1) == 0
    guard.start()


def test_a_refused_configuration_is_shown_and_not_in_the_way(cold: Guard) -> None:
    """Story: with a mistake in interlock.toml even `status` and `inbox` only repeated the mistake."""
    cold.configure('colour = "red"\n')
    cold.start()
    shown = cold.cli("status")
    assert shown.returncode == 0, shown
    assert "REFUSED rules" in shown.stdout
    assert "colour" in shown.stdout
    assert "every agent is stopped" in shown.stdout
    assert "colour" in cold.said_no(cold.hook("Read", {"file_path": str(cold.project / "a.py")}))


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("log", {"start": "0"}),
        ("log", {"tail": [1]}),
        ("log", {"kinds": "intent"}),
        ("log", {"kinds": [{}]}),
        ("log", {"start": 2**70}),
        ("entry", {"id": "x"}),
        ("entry", {"id": True}),
        ("approve", {}),
    ],
)
def test_a_call_with_wrong_parameters_is_answered(shared: Guard, method: str, params: dict[str, Any]) -> None:
    """Story: a wrong parameter was a bug in the daemon's log, and a connection hung up on."""
    with pytest.raises(Exception, match=r"integer|texts"):
        call(shared.home, method, params)
    assert "request.failed" not in shared.log()
