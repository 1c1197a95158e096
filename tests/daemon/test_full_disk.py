"""A full disk is answered, not suffered: no action is released, the daemon lives, and goes on when there is space.

Needs root, for a file system of its own that is small enough to fill.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Guard, allowed
from interlock.daemon.client import alive, call

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root"),
]


@pytest.fixture
def tiny(cold: Guard) -> Iterator[Guard]:
    """A daemon whose state lies on a file system of 24 MiB."""
    cold.configure("[ask]\nhold_seconds = 0\n")
    cold.home.state.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(cold.home.state)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"this machine mounts nothing: {mounted.stderr.strip()}")
    try:
        yield cold
    finally:
        if cold.process is not None and cold.process.poll() is None:
            cold.kill()
        subprocess.run(["umount", "-l", str(cold.home.state)], check=False)


def fill(guard: Guard) -> Path:
    """Take all space that is left."""
    ballast = guard.home.state / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 65_536, 4_096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


def write(guard: Guard, name: str) -> str:
    """Empty when the agent may write this file of the project, else the reason."""
    reply = guard.hook("Write", {"file_path": str(guard.project / name), "content": "x"}, session_id=f"s-{name}")
    return "" if allowed(reply) else guard.said_no(reply)


def until_refused(guard: Guard) -> None:
    """The ledger keeps some room ahead of itself: use it up."""
    for number in range(20_000):
        if write(guard, f"until-{number}.txt"):
            return
    pytest.fail("the disk does not fill")


def test_a_full_disk_is_a_no_with_a_sentence_and_ends_when_there_is_space(tiny: Guard) -> None:
    tiny.start()
    assert write(tiny, "before.txt") == ""
    ballast = fill(tiny)
    until_refused(tiny)
    # Each call is a session of its own: opening one is what fails first.
    for reason in [write(tiny, f"full-{number}.txt") for number in range(5)]:
        assert "so this is not run" in reason
        assert "disk" in reason
        assert "interlock status" in reason
    assert tiny.process is not None
    assert tiny.process.poll() is None
    shown = tiny.cli("status")
    assert shown.returncode == 0, shown
    assert "takes no entries" in shown.stdout
    reads = tiny.hook("Read", {"file_path": str(tiny.project / "a.py")}, session_id="reader")
    assert "disk" in tiny.said_no(reads)

    ballast.unlink()
    deadline = time.monotonic() + 15
    while write(tiny, "after.txt"):
        assert time.monotonic() < deadline, tiny.log()
        time.sleep(0.2)
    assert call(tiny.home, "status")["ledger_healthy"]
    assert tiny.stop() == 0
    verified = tiny.cli("verify", "--json")
    assert verified.returncode == 0, verified.stdout
    texts = [entry for entry in json.loads(verified.stdout)["problems"] if "hash" in entry]
    assert not texts


def test_a_daemon_that_stops_on_a_full_disk_stops(tiny: Guard) -> None:
    """Story: the last entry could not be written, and the stop was a crash."""
    tiny.start()
    assert write(tiny, "before.txt") == ""
    fill(tiny)
    until_refused(tiny)
    assert tiny.stop() == 0
    assert "daemon.stop.unrecorded" in tiny.log()


def test_a_daemon_that_cannot_begin_says_why_and_begins_later(tiny: Guard) -> None:
    ballast = fill(tiny)
    refused = tiny.cli("up", "--detach")
    assert refused.returncode == 25, refused
    assert "space" in refused.stderr or "disk" in refused.stderr
    assert not alive(tiny.home)
    ballast.unlink()
    tiny.start()
    assert write(tiny, "after.txt") == ""
