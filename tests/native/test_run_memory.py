"""The bound on memory of all processes of a run together: by a cgroup where there is one, else by looking."""

from __future__ import annotations

import os
import re

import pytest

from native.runs import Sandbox

BOUND = 150  # MiB
LIMIT = [f"memory:{BOUND << 20}"]
EAT = """
import sys, time
kept = []
for n in range(4000):
    kept.append(bytearray(b"x") * (1 << 20))
    print(n, flush=True)
"""


def ended(status: int, err: str) -> bool:
    return status == 137 and f"used more than {BOUND} MiB of memory together" in err and "interlock.toml" in err


def test_a_run_that_eats_memory_is_ended_and_told_why(sandbox: Sandbox) -> None:
    ran = sandbox.python(EAT, limit=LIMIT)
    assert ended(ran.status, ran.err), ran.err
    eaten = int(ran.out.split()[-1])
    assert BOUND // 2 < eaten < BOUND + 1000  # what was taken between two looks on a busy machine
    assert len(re.findall("Interlock", ran.err)) == 1


def test_many_small_ones_count_together(sandbox: Sandbox) -> None:
    script = """
import os, time
for n in range(20):
    if os.fork() == 0:
        kept = bytearray(b"x") * (20 << 20)
        os.setsid()
        time.sleep(60)
        os._exit(0)
time.sleep(60)
"""
    ran = sandbox.python(script, limit=LIMIT)
    assert ended(ran.status, ran.err), ran.err


def test_files_in_memory_count_too(sandbox: Sandbox) -> None:
    ran = sandbox.shell("head -c 400M /dev/zero > /tmp/large; sleep 30", limit=LIMIT, fresh_bytes=str(1 << 30))
    assert ended(ran.status, ran.err), ran.err


def test_who_stays_below_is_let_be(sandbox: Sandbox) -> None:
    ran = sandbox.python(
        "kept = bytearray(b'x') * (60 << 20); import time; time.sleep(1); print(len(kept))", limit=LIMIT
    )
    assert (ran.status, ran.out, ran.err) == (0, f"{60 << 20}\n", "")


def test_memory_that_is_only_set_aside_does_not_count(sandbox: Sandbox) -> None:
    """As sanitizers and runtimes do: an rlimit would end them."""
    script = (
        "import mmap, time; kept = mmap.mmap(-1, 4 << 30, flags=0x4022); kept[0] = 1; time.sleep(0.6); print('well')"
    )
    ran = sandbox.python(script, limit=LIMIT)
    assert (ran.status, ran.out, ran.err) == (0, "well\n", "")


def test_the_data_of_each_process_can_be_bound(sandbox: Sandbox) -> None:
    ran = sandbox.python(EAT, limit=[f"data:{BOUND << 20}"])
    assert ran.status == 1
    assert "MemoryError" in ran.err


@pytest.mark.parametrize("limit", ["memory:", "memory:x", "memory:-1", f"memory:{1 << 63}"])
def test_a_bound_that_is_none_is_refused(sandbox: Sandbox, limit: str) -> None:
    ran = sandbox.run("true", limit=[limit])
    assert (ran.status, "not a number in its range" in ran.err) == (125, True)


def test_the_watch_outlives_who_ignores_all_signals(sandbox: Sandbox) -> None:
    script = "import signal\nfor n in range(1, 32):\n  if n not in (9, 19): signal.signal(n, signal.SIG_IGN)\n" + EAT
    ran = sandbox.python(script, limit=LIMIT)
    assert ended(ran.status, ran.err), ran.err
    assert os.getloadavg()  # the host is well


def test_memory_that_is_shared_without_a_file_is_not_counted(sandbox: Sandbox) -> None:
    """R35 of the register: it would be counted once for each process that has it."""
    script = """
import mmap, time
kept = mmap.mmap(-1, 300 << 20)
for _ in range(300 << 8):
    kept.write(b"x" * 4096)
time.sleep(0.6)
print("well")
"""
    ran = sandbox.python(script, limit=LIMIT)
    assert (ran.status, ran.out, ran.err) == (0, "well\n", "")
