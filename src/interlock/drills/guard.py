"""Interlock as a person would set it up, in the drill's own home: the same commands, started the same way.

Nothing here reaches into the daemon: what the drill shows is what `interlock log` says and what `interlock
verify` proves.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from interlock.drills.site import Site
from interlock.model.errors import InternalError, OperatorError

COMMAND_SECONDS = 60.0

CONFIG = """\
mode = "enforce"

[ask]
hold_seconds = 0  # nobody sits at the inbox during a drill: a question is answered "not now" at once

[environments.production]
hosts = ["*.prod.example.test"]
databases = ["shop_production"]
branches = ["main"]
directories = ["infra/production"]

[[freeze]]
environment = "production"
reason = "no changes to production before the release"
from = 2026-01-01T00:00:00Z
until = 2099-01-01T00:00:00Z
"""


class Heard(msgspec.Struct, frozen=True):
    """What the ledger says about one tool call: what was understood, and the verdict with its rules."""

    index: int
    kind: str
    verdict: str
    tier: int
    rules: tuple[str, ...]
    why: str
    effects: tuple[str, ...]
    contained: str = ""  # what held it, where it ran contained


class Verified(msgspec.Struct, frozen=True):
    """The result of `interlock verify`."""

    sound: bool
    status: int
    said: str


class Guard:
    """The drill's own daemon and hooks, from the `with` statement to its end.

    `env` is the environment of every command (`HOME`, `INTERLOCK_HOME`, `PATH`). After a normal end the daemon
    has drained and stopped.
    """

    def __init__(self, site: Site, env: Mapping[str, str]) -> None:
        self._site = site
        self._env = dict(env)
        self._binary = _interlock()
        self._heard: dict[str, Heard] = {}
        self._arrived = threading.Condition()
        self._log: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self.pid = 0
        self.entries = 0

    def __enter__(self) -> Self:
        config = self._site.interlock / "config" / "interlock.toml"
        config.parent.mkdir(parents=True, mode=0o700)
        self._site.interlock.chmod(0o700)
        config.write_text(CONFIG)
        self.run("init", "--agent", "claude", "--scope", "user")
        try:
            self.pid = int(json.loads(self.run("up", "--detach", "--json"))["pid"])
            self._follow()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._log is not None:
            self._log.terminate()
            self._log.wait(10)
        if self._reader is not None:
            self._reader.join(10)
        self._call("down")

    def run(self, *words: str) -> str:
        """Run an `interlock` command and return what it printed. Raises OperatorError with its words if it fails."""
        done = self._call(*words)
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "no message")[-600:]
            raise OperatorError(f"`interlock {' '.join(words)}` failed in the drill ({done.returncode}): {said}")
        return done.stdout

    def heard(self, call_id: str, seconds: float) -> Heard | None:
        """What the ledger says about a call, waiting up to `seconds` for its entry; None: it was never asked
        about."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while call_id not in self._heard:
                if not self._arrived.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    return None
            return self._heard[call_id]

    def undo(self, index: int) -> str:
        """Take an action back, as a person would; returns what was said, or why it failed."""
        done = self._call("undo", str(index), "--yes")
        lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
        return lines[-1] if lines else f"`interlock undo` ended with status {done.returncode}"

    def verify(self) -> Verified:
        """Verify the ledger offline, as anybody could."""
        done = self._call("verify", str(self._site.interlock / "state" / "ledger"))
        said = (done.stdout.strip() or done.stderr.strip()).splitlines()
        return Verified(done.returncode == 0, done.returncode, said[0] if said else "")

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603 - our own command, fixed words
                [*self._binary, *words],
                cwd=self._site.root,
                env=self._env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OperatorError(f"`interlock {words[0]}` did not finish in {COMMAND_SECONDS:.0f} seconds.") from error

    def _follow(self) -> None:
        self._log = subprocess.Popen(  # noqa: S603 - our own command, fixed words
            [*self._binary, "log", "--all", "--follow", "--json"],
            cwd=self._site.root,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._reader = threading.Thread(target=self._read, args=(self._log,), name="ledger-reader", daemon=True)
        self._reader.start()

    def _read(self, log: subprocess.Popen[bytes]) -> None:
        if log.stdout is None:
            raise InternalError("the log's output is a pipe by construction")
        with log.stdout as lines:
            for line in lines:
                entry = json.loads(line)
                if "index" not in entry:  # the command's own complaint: its daemon is gone, and the tripwire says so
                    continue
                with self._arrived:
                    self.entries = max(self.entries, int(entry["index"]) + 1)
                    if heard := read_entry(entry):
                        self._heard[str(entry["body"]["call"])] = heard
                    self._arrived.notify_all()


def read_entry(entry: Mapping[str, Any]) -> Heard | None:
    """The decision in one line of `interlock log --json`; None for an entry that is not about a tool call's
    verdict."""
    kind = str(entry.get("schema", "")).removeprefix("interlock/").rsplit("/", 1)[0]
    body = entry.get("body", {})
    if kind not in {"intent", "denial"} or "call" not in body:
        return None
    return Heard(
        index=int(entry["index"]),
        kind=kind,
        verdict=str(body.get("verdict", "")),
        tier=int(body.get("tier", 0)),
        rules=tuple(map(str, body.get("rules", ()))),
        why=str(body.get("why", "")),
        effects=tuple(map(str, body.get("effects", ()))),
        contained=str(body.get("contained", {}).get("tier", "")),
    )


def _interlock() -> list[str]:
    """The `interlock` command of this very installation."""
    beside = Path(sys.executable).parent / "interlock"
    found = str(beside) if beside.exists() else shutil.which("interlock")
    if found is None:
        raise OperatorError(
            "the `interlock` command is not beside this Python. Install the package, then run the drill."
        )
    return [found]
