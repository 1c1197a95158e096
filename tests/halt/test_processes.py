"""Who stands still, by the kernel's word."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from built import once
from interlock.halt import processes
from interlock.halt.processes import AWAITING, children, end, go_on, look, stop

_FORKING = """
#include <signal.h>
#include <unistd.h>
int main(void) {
    if (vfork() == 0) { raise(SIGSTOP); _exit(0); }
    for (;;) pause();
}
"""


@pytest.fixture
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A process that has started a child by vfork, which was stopped before it became anything."""

    def build(target: Path) -> bool:
        source = target.with_suffix(".c")
        source.write_text(_FORKING)
        return subprocess.run(["cc", "-o", target, source], check=False).returncode == 0

    program = once(tmp_path_factory, "forking", build)
    assert program is not None
    process = subprocess.Popen([program])
    until(lambda: [look(child)[0] for child in children(process.pid)] == ["T"])
    assert look(process.pid)[0] == "D"
    yield process.pid
    process.kill()
    process.wait(10)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_who_waits_for_a_stopped_child_of_its_vfork_stands_still(forking: int) -> None:
    """Story: a pause met a shell just as it started a program; the kernel called it busy, and its run was silent."""
    began = time.monotonic()
    seen = stop([forking])
    assert time.monotonic() - began < 1.0
    assert [one.state for one in seen] == [AWAITING, "T"]
    assert all(one.stopped and not one.gone for one in seen)
    os.kill(seen[1].pid, signal.SIGCONT)  # what lets the child go on stops the parent
    until(lambda: look(forking)[0] == "T")
    go_on([forking])
    until(lambda: look(forking)[0] == "S")


def test_it_is_ended_at_once(forking: int) -> None:
    began = time.monotonic()
    assert all(one.gone for one in end([forking]))
    assert time.monotonic() - began < 1.0


def test_whose_stop_is_not_pending_is_busy(forking: int) -> None:
    assert not processes._awaits(forking)
    os.kill(forking, signal.SIGSTOP)
    until(lambda: processes._awaits(forking))  # the kernel says where it waits once another has had the processor
