"""Hook round trip: spawn of the client to its exit, in ratios to `/bin/true` spawned the same way in the same run.

    python benchmarks/hook.py [--daemon real|echo] [--runs 400] [--client PATH] [--json] [--check]

The two programs take turns, so that a noisy machine is noisy for both. `--daemon echo` measures the client alone
(an asyncio server that says yes); `real` starts a daemon in a temporary home and asks for a read (an allow without
an fsync of its own) and for a write in the workspace (an allow that is durable first: fsyncs are measured beside it).
With `--check`: exit status 1 when a limit of the project is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from interlock.halt.lease import Lease

LIMITS = {"echo": (1.4, 3.0), "read": (2.0, 3.0)}  # ratios to /bin/true: median, p99
FSYNCS = 1.5  # what a side effect may cost beyond the read's limit, in fsyncs of this disk


def spawn(argv: list[str], environ: dict[str, str], event: bytes, sink: int) -> tuple[float, int]:
    """Seconds from spawn to exit, and the exit status."""
    read, write = os.pipe()
    os.write(write, event)  # fits the pipe
    actions = [(os.POSIX_SPAWN_DUP2, read, 0), (os.POSIX_SPAWN_DUP2, sink, 1), (os.POSIX_SPAWN_DUP2, sink, 2)]
    os.set_inheritable(read, False)
    began = time.perf_counter()
    child = os.posix_spawn(argv[0], argv, environ, file_actions=actions)
    os.close(write)
    _, status = os.waitpid(child, 0)
    took = time.perf_counter() - began
    os.close(read)
    return took, os.waitstatus_to_exitcode(status)


def compare(client: list[str], environ: dict[str, str], events: list[bytes], runs: int) -> dict[str, float]:
    """Median and p99 of both, in milliseconds, and their ratios. `events` are taken in turn."""
    sink = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
    true = shutil.which("true") or "/bin/true"
    times: dict[str, list[float]] = {"true": [], "hook": []}
    for number in range(runs + 20):
        event = events[number % len(events)]
        floor, _ = spawn([true], environ, event, sink)
        took, status = spawn(client, environ, event, sink)
        if status != 0:
            raise SystemExit(f"the hook said no (exit status {status}): {told(client, environ, event)}")
        if number >= 20:  # the first ones warm the caches
            times["true"].append(floor * 1000)
            times["hook"].append(took * 1000)
    os.close(sink)
    found = {}
    for name, values in times.items():
        values.sort()
        found[f"{name}_median_ms"] = statistics.median(values)
        found[f"{name}_p99_ms"] = values[int(len(values) * 0.99) - 1]
    found["median_ratio"] = found["hook_median_ms"] / found["true_median_ms"]
    found["p99_ratio"] = found["hook_p99_ms"] / found["true_p99_ms"]
    return found


def told(client: list[str], environ: dict[str, str], event: bytes) -> str:
    """What the hook says of this event, for the message when a run cannot go on."""
    ran = subprocess.run(client, input=event, env=environ, capture_output=True, check=False)
    return (ran.stdout + ran.stderr).decode(errors="replace")[:600]


def fsync_ms(directory: Path, runs: int = 60) -> float:
    """Median of an append of 4 KiB and an fsync, as the ledger does it."""
    path = directory / "fsync"
    times = []
    with path.open("ab", buffering=0) as file:
        for _ in range(runs):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return statistics.median(times)


def event(tool: str, tool_input: dict[str, str], cwd: Path, call: str) -> bytes:
    body = {
        "session_id": "benchmark", "transcript_path": "", "cwd": str(cwd), "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": tool_input, "tool_use_id": call,
    }  # fmt: skip
    return json.dumps(body).encode()


async def echo(path: str) -> None:
    """The smallest daemon: reads a request, says yes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readline()).split()
        await reader.readexactly(int(head[5]))
        writer.write(b"ILK1 done " + head[3] + b" 0 0 0 0\n")
        writer.close()

    Lease(Path(path).with_name("lease"), seconds=3_600).renew(0, bytes(32), {})
    server = await asyncio.start_unix_server(serve, path)
    async with server:
        await server.serve_forever()


@contextlib.contextmanager
def echo_daemon(home: Path) -> Iterator[None]:
    run = home / "run"
    run.mkdir(parents=True)
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(run / "daemon.sock")])
    try:
        while not (run / "daemon.sock").exists():
            time.sleep(0.01)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextlib.contextmanager
def real_daemon(environ: dict[str, str]) -> Iterator[None]:
    interlock = str(Path(sys.executable).parent / "interlock")
    process = subprocess.Popen([interlock, "up"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not Path(environ["INTERLOCK_HOME"], "run", "daemon.sock").exists():
            if process.poll() is not None:
                raise SystemExit("the daemon did not start")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(30)


def repository(project: Path) -> None:
    """What agents work in: who wrote each line of it is kept, and that costs something."""
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(project), *words], check=False)


def measure(client: list[str], daemon: str, runs: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as directory:
        home, project = Path(directory, "home"), Path(directory, "project")
        project.mkdir()
        (project / "file.txt").write_text("text\n")
        repository(project)
        environ = {"INTERLOCK_HOME": str(home), "HOME": directory, "PATH": os.environ["PATH"]}
        environ["INTERLOCK_NO_AUTOSTART"] = "1"
        reads = [event("Read", {"file_path": str(project / "file.txt")}, project, f"r{n}") for n in range(runs + 20)]
        if daemon == "echo":
            with echo_daemon(home):
                return {"echo": compare(client, environ, reads, runs)}
        with real_daemon(environ):
            names = [str(project / ("new.txt", "file.txt")[n % 2]) for n in range(runs + 20)]
            inputs = [{"file_path": name, "content": f"{n}"} for n, name in enumerate(names)]
            writes = [event("Write", one, project, f"w{n}") for n, one in enumerate(inputs)]
            found = {"read": compare(client, environ, reads, runs), "write": compare(client, environ, writes, runs)}
            found["write"]["fsync_ms"] = fsync_ms(home / "state")
            return found


def misses(found: dict[str, dict[str, float]]) -> list[str]:
    """The limits of the project that were missed."""
    missed = []
    for name, result in found.items():
        median, p99 = LIMITS["read"] if name == "write" else LIMITS[name]
        if name == "write":
            allowed = median * result["true_median_ms"] + FSYNCS * result["fsync_ms"]
            if result["hook_median_ms"] > allowed:
                missed.append(f"write: median {result['hook_median_ms']:.2f} ms, allowed {allowed:.2f} ms")
            continue
        if result["median_ratio"] > median:
            missed.append(f"{name}: median {result['median_ratio']:.2f} x /bin/true, allowed {median} x")
        if result["p99_ratio"] > p99:
            missed.append(f"{name}: p99 {result['p99_ratio']:.2f} x /bin/true, allowed {p99} x")
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--daemon", choices=["real", "echo"], default="real")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--client", default=str(Path(sys.executable).parent / "interlock-hook"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(echo(options.serve))
        return
    found = measure([options.client, "claude"], options.daemon, options.runs)
    missed = misses(found)
    if options.json:
        print(json.dumps({"results": found, "missed": missed}))
    else:
        for name, result in found.items():
            values = "  ".join(f"{key} {value:.2f}" for key, value in result.items())
            print(f"{name}: {values}")
        for text in missed:
            print(f"MISSED {text}")
    if options.check and missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
