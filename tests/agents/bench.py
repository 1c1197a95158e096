"""One cell's own world: a home, a project, an Interlock, a real agent with a scripted model."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from interlock.drills import launch
from interlock.drills.dialects import Asked
from interlock.drills.install import Agents
from interlock.drills.model_server import ModelServer
from interlock.drills.script import Place, Script, ToolCall, ToolResult, Turn

AGENT_SECONDS = 90.0
CLIENT = Path(sys.executable).parent / "interlock-hook"
INTERLOCK = Path(sys.executable).parent / "interlock"
SUBAGENT = "MARK-OF-THE-SUBAGENT"


class Agent(StrEnum):
    """The real agents under test."""

    CLAUDE = "claude"
    CODEX = "codex"


class Observed(msgspec.Struct, frozen=True):
    """What happened: whether the marked command ran, and what the model was told about each call."""

    ran: bool
    results: dict[str, ToolResult]
    said: str = ""  # the agent's own output, for the message of a failing test

    @property
    def told(self) -> str:
        """Everything that the model was told, as one text."""
        return "\n".join(result.text for result in self.results.values())


Watch = Callable[[Asked, Place], Turn | None]


class Bench:
    """A world for one cell; `close` ends its daemon and removes it."""

    def __init__(self, agent: Agent, agents: Agents) -> None:
        self.agent = agent
        self._agents = agents
        self.root = Path(tempfile.mkdtemp(prefix="conformance-"))
        self.home = self.root / "home"
        self.project = self.root / "project"
        self.interlock_home = self.root / "interlock"
        self.marker = self.project / "MARKER"
        for folder in (self.home, self.project, self.interlock_home / "config"):
            folder.mkdir(parents=True, mode=0o700)
        binary = agents.claude if agent is Agent.CLAUDE else agents.codex
        assert binary is not None
        (self.root / "installed").mkdir()
        (self.root / "installed" / agent.value).symlink_to(binary)  # `interlock init` asks the agent its version
        self.extra: dict[str, str] = {}
        self.inside = False  # whether the agent as a whole runs contained
        self.flags: tuple[str, ...] = ()
        self._resume = ""
        self.trusted = True  # Codex: whether its hooks may run without having been trusted in its dialog
        self.configure(hold_seconds=0)

    # --- Interlock

    @property
    def run_directory(self) -> Path:
        """Where the daemon's socket is."""
        return self.interlock_home / "run"

    @property
    def settings(self) -> Path:
        """The file in which this agent's user-level hooks stand."""
        return self.home / (".claude/settings.json" if self.agent is Agent.CLAUDE else ".codex/hooks.json")

    def configure(self, *, hold_seconds: int, wait: str = "hold") -> None:
        """Write `interlock.toml`: how long a question waits for a person before the agent hears "not now", and how."""
        text = f'[ask]\nhold_seconds = {hold_seconds}\n[approvals]\nwait = "{wait}"\n'
        (self.interlock_home / "config" / "interlock.toml").write_text(text)

    def interlock(self, *words: str) -> str:
        """Run an `interlock` command as the person would; it must succeed."""
        done = subprocess.run(
            [INTERLOCK, *words],
            env=self._env(),
            cwd=self.project,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"interlock {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def init(self, scope: str = "user") -> None:
        """Install the hooks as a person would, from the project."""
        (self.home / f".{self.agent.value}").mkdir(exist_ok=True)
        self.interlock("init", "--agent", self.agent.value, "--scope", scope)

    def up(self) -> int:
        """Start the real daemon; returns its process id."""
        return int(json.loads(self.interlock("up", "--detach", "--json"))["pid"])

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The ledger's entries of one kind."""
        return [json.loads(line) for line in self.interlock("log", "--kind", kind, "--json").splitlines()]

    def waiting(self) -> list[int]:
        """The numbers of the questions that wait for a person."""
        return [int(question["id"]) for question in json.loads(self.interlock("inbox", "--json"))]

    def guard(self) -> int:
        """Install the hooks and start the daemon."""
        self.init()
        return self.up()

    def each_hook(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change every installed handler of a tool call, as a mistake or an attacker could."""
        settings = json.loads(self.settings.read_text())
        handlers = [handler for group in settings["hooks"]["PreToolUse"] for handler in group["hooks"]]
        assert handlers
        for handler in handlers:
            change(handler)
        self.settings.write_text(json.dumps(settings))

    def replace_client(self, text: str | None) -> None:
        """Put something else in the client's place for tool calls: a shell script, or None for nothing at all."""
        other = self.root / "other" / "interlock-hook"
        other.parent.mkdir()
        if text is not None:
            other.write_text(f"#!/bin/sh\n{text}\n")
            other.chmod(0o755)

        def change(handler: dict[str, Any]) -> None:
            assert str(CLIENT) in handler["command"], "the installed hook does not name the client by its path"
            handler["command"] = handler["command"].replace(str(CLIENT), str(other))

        self.each_hook(change)

    def shorten_deadline(self, milliseconds: int) -> None:
        """Let the client give up after this long."""

        def change(handler: dict[str, Any]) -> None:
            if "args" in handler:
                handler["args"][handler["args"].index("--deadline") + 1] = str(milliseconds)
            else:
                shorter = re.sub(r"--deadline \d+", f"--deadline {milliseconds}", handler["command"])
                assert shorter != handler["command"]
                handler["command"] = shorter

        self.each_hook(change)

    def trust_project(self) -> None:
        """Let Codex take configuration from the project, as a person does in its dialog."""
        config = self.home / ".codex" / "config.toml"
        config.write_text(f'[projects."{self.project}"]\ntrust_level = "trusted"\n')

    # --- the agent

    def shell(self, command: str) -> ToolCall:
        """A shell command, in this agent's own tool."""
        if self.agent is Agent.CLAUDE:
            return ToolCall("Bash", {"command": command, "description": "a command"})
        return ToolCall("exec_command", {"cmd": command, "login": False})

    @property
    def harmless(self) -> str:
        """A command that every rule allows, leaving the marker."""
        return "touch MARKER"

    @property
    def forbidden(self) -> str:
        """A command that leaves the marker and then acts against Interlock itself: no rule set allows it.

        Not by `rm -f`, which Codex refuses by itself: only Interlock may be the one that stops it.
        """
        return f"touch MARKER; echo forged > {self.interlock_home}/state/forged"

    @property
    def asked(self) -> str:
        """A command that leaves the marker and then calls a host that nobody knows: a question for a person."""
        return "touch MARKER; curl -s -m 2 http://unknown-host.example.test:9/"

    def one(self, command: str) -> Script:
        """A script with one shell command."""
        return Script((Turn("One command.", (self.shell(command),)),))

    def run(self, script: Script, watch: Watch | None = None) -> Observed:
        """Run the agent through a script, to its end."""
        with ModelServer(script, watch) as server:
            start = self._launch(server.url)
            if self.inside:
                port = server.url.rpartition(":")[2].strip("/")
                held = [
                    str(INTERLOCK),
                    "run",
                    "--agent",
                    "--host",
                    f"localhost:{port}",
                    "--keep",
                    "SCRIPTED_MODEL_KEY",
                    "--",
                    *start.argv,
                ]
                env = {name: value.replace("127.0.0.1", "localhost") for name, value in start.env.items()}
                start = msgspec.structs.replace(start, argv=tuple(held), env=env)
            with subprocess.Popen(
                start.argv,
                cwd=start.cwd,
                env=start.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process:
                try:
                    said, _ = process.communicate(timeout=AGENT_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    raise
        return Observed(self.marker.exists(), server.results(), said.decode("utf-8", "replace")[-4000:])

    def close(self) -> None:
        """End the daemon, remove the world."""
        subprocess.run([INTERLOCK, "down"], env=self._env(), cwd="/", capture_output=True, timeout=60, check=False)
        for _ in range(3):  # an agent's own background process may still write
            shutil.rmtree(self.root, ignore_errors=True)
            if not self.root.exists():
                return
            time.sleep(0.3)

    def resumed(self, said: str) -> None:
        """From now on this agent goes on with the session that it named in what it `said`."""
        assert self.agent is Agent.CLAUDE
        self._resume = str(json.loads(said[said.index("{") :])["session_id"])

    def _launch(self, url: str) -> launch.Launch:
        extra = {"INTERLOCK_HOME": str(self.interlock_home), **self.extra}
        where = {"home": self.home, "cwd": self.project, "url": url, "path": self._env()["PATH"], "extra": extra}
        if self.agent is Agent.CLAUDE:
            start = launch.claude((str(self._agents.claude),), **where)  # type: ignore[arg-type]  # the keys above
            argv = start.argv
            if self._resume:  # the call that was put aside is the prompt
                argv = (*(word for word in argv if word != "Follow the plan."), "--resume", self._resume)
            return launch.Launch((*argv, *self.flags), start.env, start.cwd)
        start = launch.codex((str(self._agents.codex),), **where)  # type: ignore[arg-type]  # the keys above
        words = [word for word in start.argv[:-1] if self.trusted or word != "--dangerously-bypass-hook-trust"]
        return launch.Launch((*words, *self.flags, start.argv[-1]), start.env, start.cwd)

    def _env(self) -> dict[str, str]:
        own = f"{self.root / 'bin'}:{self.root / 'installed'}:{CLIENT.parent}"
        path = f"{own}:{os.environ.get('PATH', '/usr/bin:/bin')}"
        return {"HOME": str(self.home), "INTERLOCK_HOME": str(self.interlock_home), "PATH": path, "LANG": "C.UTF-8"}
