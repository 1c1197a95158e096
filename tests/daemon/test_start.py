"""Starting: two at once, what the last one left, a clock that went back, a place that cannot be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Guard, allowed
from interlock.broker.clock import Clock
from interlock.containment.graves import rules as graves
from interlock.daemon import run as running
from interlock.daemon.client import alive, call
from interlock.daemon.run import run
from interlock.effects import path_rules, redact
from interlock.home import Home, locate
from interlock.model.errors import StateError


def test_many_who_start_the_daemon_at_once_get_one(cold: Guard) -> None:
    """Story: an agent's first calls come side by side, and each finds no daemon."""
    starters = [
        subprocess.Popen(
            [sys.executable, "-m", "interlock.cli.main", "up", "--detach", "--json"],
            env=cold.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        told = [starter.communicate(timeout=60) for starter in starters]
        assert [starter.returncode for starter in starters] == [0] * 4, told
        assert len({json.loads(out)["pid"] for out, _ in told}) == 1
        assert len(cold.entries("daemon.start")) == 1
    finally:
        cold.cli("down")
    assert not alive(cold.home)


@pytest.mark.parametrize("left", ["", "4711", "\x00garbage" * 1_000])
def test_what_a_dead_daemon_left_in_the_lock_is_no_obstacle(cold: Guard, left: str) -> None:
    cold.home.make()
    (cold.home.run / "daemon.lock").write_text(left)
    cold.start()
    assert cold.process is not None
    assert (cold.home.run / "daemon.lock").read_text() == str(cold.process.pid)


@pytest.mark.parametrize("name", ["run/daemon.lock", "run/daemon.sock", "state/origin", "state/ledger"])
def test_a_thing_in_the_way_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    """Story: `PermissionError` and a trace, where a sentence and exit 25 were promised."""
    home = locate({"INTERLOCK_HOME": str(tmp_path)})
    home.make()
    thing = tmp_path / name
    if name == "state/ledger":
        thing.write_text("")
    else:
        thing.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "interlock.daemon"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "INTERLOCK_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 25, done
    assert str(thing) in json.loads(done.stderr.splitlines()[-1])["message"]


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    home = locate({"INTERLOCK_HOME": str(tmp_path / "i")})
    home.make()
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (home.run / "daemon.lock").symlink_to(precious)
    umask = os.umask(0o077)  # a daemon sets it for good: here it runs in the tests' own process
    try:
        with pytest.raises(StateError, match=r"daemon\.lock"):
            run(home)
    finally:
        os.umask(umask)
    assert precious.read_text() == "precious"


def test_a_log_that_cannot_be_written_has_a_sentence(cold: Guard) -> None:
    cold.home.make()
    (cold.home.run / "daemon.log").mkdir()
    done = cold.cli("up", "--detach")
    assert done.returncode == 25
    assert "daemon.log" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_daemon_that_may_not_start_says_why_in_one_line(cold: Guard) -> None:
    """Story: `up` printed the end of a log of JSON, a trace of two pages in one line."""
    cold.home.make()
    (cold.home.state / "ledger").write_text("")
    done = cold.cli("up", "--detach")
    assert done.returncode == 25
    assert str(cold.home.state / "ledger") in done.stderr
    assert '"event"' not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_name_of_the_log_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Story: a full disk left an empty name, and no daemon ever took it again."""

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    home = Home(tmp_path / "c", tmp_path, tmp_path / "r")
    with pytest.raises(StateError, match="space"):
        running._origin(home)
    monkeypatch.undo()
    assert not (tmp_path / "origin").exists()
    assert running._origin(home) == running._origin(home)


def test_a_clock_set_back_between_two_daemons_revives_no_yes(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Story: a yes had lapsed at noon; the daemon was started again at a quarter to, on the same day."""
    wish = {"file_path": str(guard.base / "user" / "notes.txt"), "content": "x"}
    guard.said_no(guard.hook("Write", wish))
    (asked,) = call(guard.home, "inbox")
    call(guard.home, "approve", {"id": asked["id"]})
    guard.hook("Write", {**wish, "content": "y"})
    guard.stop()
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import time\nreal = time.time\ntime.time = lambda: real() - 600\n")
    guard.environment["PYTHONPATH"] = str(site)
    guard.start()
    assert call(guard.home, "inbox") == []
    assert not allowed(guard.hook("Write", wish))
    (alarm,) = guard.entries("alarm")
    assert alarm["body"]["alarm"] == "clock-set-back"
    assert {request["state"] for request in call(guard.home, "inbox", {"all": True})} >= {"lapsed", "expired"}


def test_a_yes_over_a_clock_that_is_set(cold: Guard, tmp_path: Path) -> None:
    """Set back, the clock stands still and a yes is good. Set forward, it lapses; set back again, it stays lapsed."""
    site, ahead = tmp_path / "site", tmp_path / "ahead"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        f"import time\nreal = time.time\ntime.time = lambda: real() + float(open({str(ahead)!r}).read())\n"
    )
    ahead.write_text("0")
    cold.environment["PYTHONPATH"] = str(site)
    cold.configure("[ask]\nhold_seconds = 0\n")
    cold.start()

    def approved(name: str) -> dict[str, str]:
        wish = {"file_path": str(cold.base / "user" / name), "content": "x"}
        cold.said_no(cold.hook("Write", wish))
        asked = call(cold.home, "inbox")[-1]
        call(cold.home, "approve", {"id": asked["id"]})
        return wish

    def clock(seconds: str) -> None:
        (tmp_path / "next").write_text(seconds)
        (tmp_path / "next").replace(ahead)

    wish = approved("first.txt")
    clock("-86400")
    assert allowed(cold.hook("Write", wish))
    clock("0")
    wish = approved("second.txt")
    clock("1200")
    assert not allowed(cold.hook("Write", wish))
    clock("0")
    assert not allowed(cold.hook("Write", wish))
    states = [one["state"] for one in call(cold.home, "inbox", {"all": True})]
    assert states == ["executing", "lapsed", "pending"]
    assert cold.cli("verify").returncode == 0


def test_a_clock_set_back_stands_still_within_a_daemon() -> None:
    wall = [100.0, 50.0, 99.0, 101.0]
    clock = Clock(lambda: wall.pop(0))
    assert [clock.now() for _ in range(4)] == [100.0, 100.0, 100.0, 101.0]


def test_a_daemon_inherits_nothing_that_its_starter_held(cold: Guard) -> None:
    """Story: a pipe of the agent stayed open in the daemon, and whoever read its other end waited for ever."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        subprocess.run(
            [sys.executable, "-m", "interlock.cli.main", "up", "--detach"],
            env=cold.environment,
            check=True,
            capture_output=True,
            pass_fds=(writer,),
            timeout=60,
        )
        os.close(writer)
        os.set_blocking(reader, False)
        assert os.read(reader, 1) == b""  # the end of the file: nobody holds the other end
    finally:
        os.close(reader)
        cold.cli("down")


def test_a_long_log_is_set_aside(cold: Guard) -> None:
    """Story: on a disk that was full for a week the daemon's log took the rest of it."""
    cold.home.make()
    log = cold.home.run / "daemon.log"
    with log.open("wb") as file:
        file.truncate(9 << 20)
    try:
        assert cold.cli("up", "--detach").returncode == 0
        assert log.stat().st_size < 1 << 20
        assert (cold.home.run / "daemon.log.1").exists()
    finally:
        cold.cli("down")


def test_what_the_first_command_would_wait_for_is_read_when_nobody_asks() -> None:
    """Story: the first command after a start waited while a thousand patterns of paths and secrets were compiled."""
    lists = (path_rules.packaged, redact.packaged, redact._any_hint, graves.book)
    for one in lists:
        one.cache_clear()
    running._warm_readers()
    assert [one.cache_info().currsize for one in lists] == [1] * len(lists)
