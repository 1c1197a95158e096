"""A daemon on a machine where only bubblewrap makes namespaces: its runs are held to lease and memory all the same."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from conftest import Guard
from daemon.test_contained import rewritten, run
from daemon.test_halt_runs import Running
from interlock.containment import tiers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(tiers.found("bwrap") is None, reason="bubblewrap is not installed"),
]

# The launcher is not found, as on a system whose policy lets nobody but bubblewrap make namespaces.
_WITHOUT = "import pathlib, interlock.daemon.means as means; means._LAUNCHER = pathlib.Path('/no/launcher')\n"


@pytest.fixture
def bubble(cold: Guard, tmp_path: Path) -> Guard:
    place = tmp_path / "begins"
    place.mkdir()
    (place / "sitecustomize.py").write_text(_WITHOUT)
    cold.environment["PYTHONPATH"] = str(place)
    cold.configure('[containment]\nshell = "always"\n[containment.profiles.build]\nlimits = { memory = 200000000 }\n')
    cold.start()
    del cold.environment["PYTHONPATH"]
    return cold


def test_a_run_stands_still_when_the_daemon_is_lost(bubble: Guard) -> None:
    """Story: R41 said that under bubblewrap a lease that lapses stops nothing."""
    running = Running(bubble)
    try:
        running.at_work()
        assert bubble.process is not None
        bubble.process.send_signal(signal.SIGSTOP)
        running.ticks(6.5)  # the lease lasts five seconds
        assert running.ticks(1.0) == 0
        bubble.process.send_signal(signal.SIGCONT)
        running.at_work()
    finally:
        running.end()


def test_a_run_that_takes_too_much_memory_is_ended_and_says_so(bubble: Guard) -> None:
    command = rewritten(
        bubble.hook("Bash", {"command": "python3 -c 'import time; x = bytearray(300 << 20); time.sleep(60)'"})
    )
    assert "contained --ticket" in command
    done = run(bubble, command)
    assert done.returncode == 137
    assert "MiB of memory together" in done.stderr
    (changes,) = bubble.entries("changes")
    assert changes["body"]["memory"] == {"bound": "watch", "over": True}
