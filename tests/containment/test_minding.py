"""A run that has no first process of Interlock's is held to the lease, its time and its memory from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from interlock.containment.minding import Bounds, End, Word, below, mind
from interlock.halt.processes import wake

TICKS = "while :; do echo tick; sleep 0.02; done"
FAMILY = f"""
import subprocess, threading, time
def keep():
    subprocess.Popen(["sh", "-c", "{TICKS}"]).wait()
threading.Thread(target=keep).start()
time.sleep(100)
"""


class Minded:
    """A command with children, minded in a thread."""

    def __init__(self, *argv: str) -> None:
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True)
        assert self.process.stdout is not None
        self.out = self.process.stdout
        os.set_blocking(self.out.fileno(), False)
        self.word = Word.GO
        self.ended: End | None = None

    def mind(self, bounds: Bounds = Bounds()) -> threading.Thread:  # noqa: B008 - it is frozen
        handle = os.pidfd_open(self.process.pid)

        def work() -> None:
            self.ended = mind(handle, self.process.pid, bounds, lambda: self.word, self.kill, look=0.05)
            os.close(handle)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def ticks(self, seconds: float) -> bool:
        self.out.read()
        time.sleep(seconds)
        return b"tick" in (self.out.read() or b"")

    def until(self, *, there: bool) -> bool:
        end = time.monotonic() + 10
        while self.ticks(0.2) != there:
            if time.monotonic() > end:
                return False
        return True


@pytest.fixture
def run() -> Iterator[Callable[..., Minded]]:
    made: list[Minded] = []

    def start(*argv: str) -> Minded:
        made.append(Minded(*argv))
        return made[-1]

    yield start
    for one in made:
        one.kill()
        one.process.wait(10)
        one.out.close()


def test_it_stands_still_without_a_lease_and_goes_on_with_one(run: Callable[..., Minded]) -> None:
    """Story: under bubblewrap a lease that lapsed while a run was at work stopped nothing (R41)."""
    one = run(sys.executable, "-c", FAMILY)
    thread = one.mind()
    assert one.until(there=True)
    one.word = Word.STAND
    assert one.until(there=False)
    for pid in below(one.process.pid):
        wake(pid)  # as somebody outside would
    assert one.until(there=False)
    one.word = Word.GO
    assert one.until(there=True)
    one.word = Word.END
    thread.join(10)
    assert one.ended is End.HALTED


def test_it_ends_when_all_of_it_uses_more_memory_than_it_may(run: Callable[..., Minded]) -> None:
    take = "x = bytearray(60 << 20); time.sleep(100)"
    hungry = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; {take}']); {take}"
    one = run(sys.executable, "-c", hungry)
    one.mind(Bounds(memory=100 << 20)).join(20)
    assert one.ended is End.OVER
    other = run("sh", "-c", "sleep 0.3; exit 3")
    other.mind(Bounds(memory=100 << 20)).join(20)
    assert (other.ended, other.process.wait(5)) == (End.BY_ITSELF, 3)


def test_its_time_ends_while_it_stands_still(run: Callable[..., Minded]) -> None:
    one = run("sh", "-c", TICKS)
    one.word = Word.STAND
    began = time.monotonic()
    one.mind(Bounds(wall=1)).join(20)
    assert one.ended is End.LATE
    assert time.monotonic() - began < 10
