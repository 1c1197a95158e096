"""How fast an order to halt is carried out, and what a look at the lease costs.

    python benchmarks/halt.py [runs of the order, default 20]

A real daemon, 20 sessions, 10 contained commands for each: from the call that gives the order to the kernel's word for
every process of theirs. Between two orders everything is resumed. The lease is looked at in Python and in C; the floor
of both is the clock alone.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from interlock.daemon.client import alive, call
from interlock.halt.lease import Lease, Reader, boottime
from interlock.home import Home, locate

SESSIONS, EACH = 20, 10
ROOT = Path(__file__).parent.parent
_LOOKS = """
#include "wire.h"
#include "lease.h"
#include <stdio.h>
#include <stdlib.h>
_Noreturn void no(const char *remedy, const char *format, ...) { (void)remedy; (void)format; exit(9); }
struct buffer reply;
int main(int count, char **words)
{
    enum { TIMES = 1000000 };
    (void)count;
    snprintf(run_directory, sizeof run_directory, "%s", words[1]);
    look_at_lease(1);
    int64_t began = boottime_ns(), sink = 0;
    for (int i = 0; i < TIMES; i++)
        sink += look_at_lease(1).why != NULL;
    int64_t looked = boottime_ns();
    for (int i = 0; i < TIMES; i++)
        sink += boottime_ns() & 1;
    printf("%f %f %d\\n", (double)(looked - began) / TIMES, (double)(boottime_ns() - looked) / TIMES, (int)(sink < 0));
}
"""


def percentile(values: list[float], part: float) -> float:
    """The value below which this part of them lies; of few values, the largest."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class World:
    """A daemon in a home of its own, and what runs below it."""

    def __init__(self, base: Path) -> None:
        self.environment = {
            "PATH": "/usr/bin:/bin", "HOME": str(base / "user"), "INTERLOCK_HOME": str(base / "interlock"),
        }  # fmt: skip
        self.project = base / "user" / "project"
        (self.project / ".git").mkdir(parents=True)
        self.home: Home = locate(self.environment)
        self.home.make()
        (self.home.config / "interlock.toml").write_text('[containment]\nshell = "always"\n')
        self.daemon = subprocess.Popen(
            [sys.executable, "-m", "interlock.daemon"], env=self.environment, stderr=subprocess.DEVNULL
        )
        self.started: list[subprocess.Popen[bytes]] = []
        while not alive(self.home):
            time.sleep(0.05)

    def start(self, session: str) -> None:
        """One contained command, and the first process of its namespace."""
        event = {
            "session_id": session, "transcript_path": "", "cwd": str(self.project), "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": "exec sleep 3600"}, "tool_use_id": os.urandom(4).hex(),
        }  # fmt: skip
        hook = ["perl", "-e", "exit(system(@ARGV) >> 8)", str(Path(sys.executable).parent / "interlock-hook"), "claude"]
        said = subprocess.run(
            hook, env=self.environment, input=json.dumps(event).encode(), capture_output=True, check=True
        )
        command = json.loads(said.stdout)["hookSpecificOutput"]["updatedInput"]["command"]
        self.started.append(subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=self.project, env=self.environment))

    def order(self, what: str) -> tuple[float, dict[str, Any], dict[str, Any]]:
        """Seconds until the answer, the answer, and the certificate's predicate."""
        began = time.monotonic()
        done = call(self.home, "halt.order", {"what": what, "where": "everything", "everything": True}, timeout=120)
        took = time.monotonic() - began
        envelope = call(self.home, "halt.certificate", {"id": done["order"]["id"]})["envelope"]
        return took, done, json.loads(base64.b64decode(envelope["payload"]))["predicate"]

    def close(self) -> None:
        """Nothing of it stays."""
        self.daemon.terminate()
        self.daemon.wait(30)
        for one in self.started:
            one.kill()
            one.wait(30)


def cpu(pid: int) -> float:
    """Milliseconds that a process has worked so far, whatever else the machine has to do."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def orders(world: World, times: int) -> tuple[list[float], int, float]:
    """Milliseconds from the order to the kernel's last word, how many processes there were, and the daemon's median
    milliseconds of work from the order to its answer.
    """
    for number in range(SESSIONS * EACH):
        world.start(f"session-{number % SESSIONS}")
    while len(call(world.home, "status")["contained"]["running"]) < SESSIONS * EACH:
        time.sleep(0.1)
    time.sleep(2.0)
    took: list[float] = []
    worked: list[float] = []
    seen = 0
    for _ in range(times):
        before = cpu(world.daemon.pid)
        _, done, said = world.order("pause")
        worked.append(cpu(world.daemon.pid) - before)
        assert done["silent"] == 0, said["silent"]
        seen = len(said["processes"])
        took.append((said["confirmed"]["boottime"] - said["ordered"]["boottime"]) / 1e6)
        call(world.home, "halt.lift", {"id": done["order"]["id"]}, timeout=120)
        time.sleep(0.5)
    return took, seen, statistics.median(worked)


def looks(folder: Path) -> dict[str, float]:
    """Microseconds a look, in both languages, and of the clock alone."""
    Lease(folder / "lease", seconds=600).renew(1, bytes(32), {})
    reader, times = Reader(folder / "lease"), 100_000
    began = time.perf_counter()
    for _ in range(times):
        reader.fresh()
    looked = time.perf_counter()
    for _ in range(times):
        boottime()
    clock = time.perf_counter() - looked
    (folder / "looks.c").write_text(_LOOKS)
    native = ROOT / "native"
    sources = [folder / "looks.c", native / "lease.c", native / "wire.c"]
    subprocess.run(["cc", "-O2", f"-I{native}", "-o", folder / "looks", *sources], check=True)
    c, c_clock, _ = subprocess.run(
        [folder / "looks", folder], capture_output=True, text=True, check=True
    ).stdout.split()
    return {
        "python": (looked - began) / times * 1e6, "python, the clock alone": clock / times * 1e6,
        "c": float(c) / 1e3, "c, the clock alone": float(c_clock) / 1e3,
    }  # fmt: skip


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        for name, value in looks(Path(folder)).items():
            print(f"a look at the lease, {name:<24} {value:7.2f} us")
        world = World(Path(folder))
        try:
            took, seen, worked = orders(world, times)
        finally:
            world.close()
    what = f"{SESSIONS} sessions, {SESSIONS * EACH} commands, {seen} processes, {times} times"
    print(f"order to kernel-confirmed stop, {what}:")
    print(f"  median {statistics.median(took):.0f} ms   p99 {percentile(took, 0.99):.0f} ms   worst {max(took):.0f} ms")
    print(f"  of that the daemon works {worked:.0f} ms (with the certificate; the rest is disk, kernel and other work)")


if __name__ == "__main__":
    main()
