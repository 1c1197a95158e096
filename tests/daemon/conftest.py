"""A real daemon in a temporary home, started as a user would start it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nursery
from interlock.daemon.client import alive, call, exchange
from interlock.daemon.wire import Door, Reply
from interlock.home import Home, locate

# The agent is a process of its own that starts the hook client: Interlock knows agents by that, and the test, which
# also plays the person, must not be one. Perl is on every Debian and starts in two milliseconds.
AGENT = ["perl", "-e", "exit(system(@ARGV) >> 8)", str(Path(sys.executable).parent / "interlock-hook"), "claude"]


UNCONTAINED = '[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n'


class Guard:
    """One daemon and the ways to speak to it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(base / "user"),
            "INTERLOCK_HOME": str(base / "interlock"),
        }
        (base / "user").mkdir(parents=True)
        self.project = base / "user" / "project"
        (self.project / ".git").mkdir(parents=True)
        self.home: Home = locate(self.environment)
        self.process: nursery.Child | subprocess.Popen[bytes] | None = None
        self._calls = 0

    def configure(self, text: str) -> None:
        self.home.config.mkdir(parents=True, exist_ok=True)
        (self.home.config / "interlock.toml").write_text(text)

    def start(self) -> None:
        self.home.make()
        with (self.base / "daemon.log").open("ab") as log, open(os.devnull, "rb") as nothing:
            if "PYTHONPATH" in self.environment:  # Python itself is to begin differently
                words = [sys.executable, "-m", "interlock.daemon"]
                self.process = subprocess.Popen(words, env=self.environment, stdin=nothing, stdout=log, stderr=log)
            else:
                self.process = nursery.bear("interlock.daemon", (), self.environment, Path.cwd(), (nothing, log, log))
        deadline = time.monotonic() + 20
        while not alive(self.home):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def log(self) -> str:
        return (self.base / "daemon.log").read_text()

    def hook(self, tool: str, tool_input: dict[str, Any], *, event: str = "PreToolUse", **more: Any) -> Reply:
        """One event as Claude Code would send it."""
        self._calls += 1
        body = {
            "session_id": "session-1",
            "transcript_path": "",
            "cwd": str(self.project),
            "hook_event_name": event,
            "tool_name": tool,
            "tool_input": tool_input,
            "tool_use_id": f"call-{self._calls}",
            **more,
        }
        done = subprocess.run(
            AGENT,
            env=self.environment | {"INTERLOCK_NO_AUTOSTART": "1"},
            input=json.dumps(body).encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Reply(done.returncode, done.stdout, done.stderr)

    def raw(self, event: bytes) -> Reply:
        """Bytes that no agent would send, straight to the socket."""
        return exchange(self.home.socket, Door.HOOK, "claude", event, timeout=30)

    def said_no(self, reply: Reply) -> str:
        """The reason of a denial; fails when the reply was none."""
        if reply.exit == 2:
            return reply.stderr.decode()
        answer = json.loads(reply.stdout)["hookSpecificOutput"]
        assert answer["permissionDecision"] == "deny"
        return str(answer["permissionDecisionReason"])

    def entries(self, *kinds: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = call(self.home, "log", {"kinds": list(kinds)})["entries"]
        return found

    def cli(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = self.environment | {"COLUMNS": "100"}
        return nursery.run("interlock.cli.main", arguments, environment, self.project, stdin)


def allowed(reply: Reply) -> bool:
    """Whether the agent may go on."""
    return reply == Reply()


@contextlib.contextmanager
def housed(base: Path) -> Iterator[Guard]:
    """A home whose daemon is not started yet, and which has none any more afterwards."""
    guard = Guard(base)
    try:
        yield guard
    finally:
        if guard.process is not None and guard.process.poll() is None:
            guard.process.kill()
            guard.process.wait(20)


@pytest.fixture
def cold(tmp_path: Path) -> Iterator[Guard]:
    """A home whose daemon is not started yet."""
    with housed(tmp_path) as guard:
        yield guard


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """As `guard`, one for a whole file: for calls that leave nothing behind which another of its tests would meet."""
    with housed(tmp_path_factory.mktemp("shared")) as guard:
        guard.configure("[ask]\nhold_seconds = 0\n")
        guard.start()
        yield guard


@pytest.fixture
def uncontained(cold: Guard) -> Guard:
    """A running daemon that contains nothing: what the sandbox would answer is a question."""
    cold.configure(UNCONTAINED)
    cold.start()
    return cold


@pytest.fixture
def guard(cold: Guard) -> Guard:
    """A running daemon that does not hold hooks open for a person."""
    cold.configure("[ask]\nhold_seconds = 0\n")
    cold.start()
    return cold
