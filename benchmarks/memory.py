"""The daemon's memory after many decisions.

    python benchmarks/memory.py [COUNT]

Starts a daemon in a temporary home and sends it COUNT (default 100,000) hook events of 1,000 different commands over
COUNT/1,000 sessions. The floor is the same daemon before the first event. Target: under 120 MB after 100,000.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import decision

from interlock.daemon.client import alive
from interlock.daemon.wire import Door, request
from interlock.home import locate

LIMIT_MB = 120


def resident(pid: int) -> float:
    """Resident memory of a process in MB."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def drive(path: Path, cwd: str, count: int) -> None:
    """Send `count` events, one after another, and read each answer."""
    lines = itertools.cycle(decision.commands())
    for number, line in zip(range(count), lines, strict=False):
        event = {
            "session_id": f"s{number // 1000}", "transcript_path": "", "cwd": cwd, "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": f"{line} # {number}"}, "tool_use_id": f"t{number}",
        }  # fmt: skip
        with socket.socket(socket.AF_UNIX) as hook:
            hook.connect(str(path))
            hook.sendall(request(Door.HOOK, "claude", "0" * 16, 5_000, json.dumps(event).encode()))
            while hook.recv(65_536):
                pass


def main(count: int) -> int:
    """Measure and print; 1 when the target is missed."""
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as base:
        environment = {"PATH": os.environ["PATH"], "HOME": base, "INTERLOCK_HOME": f"{base}/home"}
        home = locate(environment)
        home.make()
        (home.config / "interlock.toml").write_text("[ask]\nhold_seconds = 0\n")
        project = Path(base, "project")
        subprocess.run(["git", "init", "-q", str(project)], check=True)
        daemon = subprocess.Popen(
            [sys.executable, "-m", "interlock.daemon"], env=environment, stderr=subprocess.DEVNULL
        )
        try:
            while not alive(home):
                time.sleep(0.05)
            time.sleep(2)
            before = resident(daemon.pid)
            drive(home.socket, str(project), count)
            after = resident(daemon.pid)
        finally:
            daemon.terminate()
            daemon.wait(20)
    print(f"before the first decision {before:6.1f} MB")
    print(f"after {count:,} decisions  {after:6.1f} MB ({after / before:.2f} x)")
    return int(after > LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
