"""The incident drill: a guarded agent does useful work, then tries the incidents of record, and everything is
looked at for real."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from interlock.drills import incidents, install, launch, story
from interlock.drills.dialects import Asked
from interlock.drills.guard import Guard
from interlock.drills.incidents import Step
from interlock.drills.model_server import ModelServer
from interlock.drills.screen import Screen
from interlock.drills.script import Place, call_id
from interlock.drills.site import Sink, Site, build
from interlock.drills.tripwires import Tripwires, set_up
from interlock.model.errors import OperatorError

# The whole conversation takes some twenty seconds on two busy cores; an agent that hangs is a failure, not a wait.
AGENT_SECONDS = 150.0
# The ledger's line about a call is there before the agent is answered; this is for the reader to catch up.
HEARD_SECONDS = 3.0


class Agent(StrEnum):
    """Which agent the drill drives."""

    CLAUDE = "claude"
    SCRIPTED = "scripted"


class Chosen(msgspec.Struct, frozen=True):
    """The agent that will run: the words that start it, and how to name it."""

    words: tuple[str, ...]
    title: str


def run(screen: Screen, *, agent: Agent | None, keep: bool = False, parent: Path | None = None) -> bool:
    """Run the drill and say whether it went as it must.

    Args:
        agent: which one; None: Claude Code where it can be had, else the built-in one.
        keep: leave the drill's folder behind, for a look at the ledger and the project.
        parent: where that folder is made (default: the system's temporary directory).

    Raises:
        OperatorError: the drill could not be set up (no git, the daemon does not start, the agent asked for
        cannot be had).
    """
    started = time.monotonic()
    chosen = choose(agent, screen)
    site = build(parent)
    try:
        ending = _play(screen, site, chosen, started)
    except BaseException:
        if not keep:
            shutil.rmtree(site.root, ignore_errors=True)
        raise
    screen.end(ending, str(site.root) if keep else "")
    if not keep:
        shutil.rmtree(site.root, ignore_errors=True)
    return ending.good


def choose(agent: Agent | None, screen: Screen) -> Chosen:
    """Find or install the agent. Raises OperatorError if the one asked for cannot be had."""
    if agent is not Agent.SCRIPTED:
        try:
            found = install.agents(codex=False, say=screen.say).claude
            if found is not None:
                return Chosen((str(found),), f"{_version(found)}, the real one, from npm")
        except OperatorError as error:
            if agent is Agent.CLAUDE:
                raise
            screen.say(f"Claude Code cannot be had here: {error} The built-in scripted agent takes its place.")
    words = (sys.executable, "-m", "interlock.drills.scripted_agent")
    return Chosen(words, "the built-in scripted agent, through the same hooks as Claude Code")


def _version(binary: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the binary just installed
            [binary, "--version"],
            env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OperatorError(f"Claude Code was installed and does not start: {error}.") from error
    number = done.stdout.split()
    if done.returncode != 0 or not number:
        raise OperatorError(f"Claude Code was installed and does not start (status {done.returncode}).")
    return f"Claude Code {number[0]}"


class _Play:
    """The drill under way: called by the scripted model between the agent's steps."""

    def __init__(self, screen: Screen, planned: tuple[Step, ...], guard: Guard) -> None:
        self._screen = screen
        self._planned = planned
        self._guard = guard
        self.wires: Tripwires | None = None
        self.told: list[story.Told] = []
        self._shown = -1

    def watch(self, asked: Asked, place: Place) -> None:
        """The agent has asked its model for the turn at `place`: the one before is over."""
        number = place.number
        if number <= self._shown or self.wires is None:
            return
        self._shown = number
        if number > 0:
            self._conclude(number - 1, asked, self.wires)
        if number < len(self._planned):
            self._screen.asked(number, self._planned[number])

    def _conclude(self, number: int, asked: Asked, wires: Tripwires) -> None:
        step, identifier = self._planned[number], call_id(number, 0)
        heard = self._guard.heard(identifier, HEARD_SECONDS)
        result = next((result for result in asked.results if result.call_id == identifier), None)
        undone = self._guard.undo(heard.index) if heard is not None and heard.contained else ""
        looks = tuple(wires.look(name) for name in step.wires)
        told = story.judge(number, step, heard, result, looks, undone)
        self.told.append(told)
        self._screen.told(told)


def _play(screen: Screen, site: Site, chosen: Chosen, started: float) -> story.Ending:
    env = _environment(site, chosen)
    with Guard(site, env) as guard:
        planned = incidents.steps(site, guard.pid)
        play = _Play(screen, planned, guard)
        with ModelServer(incidents.script(planned), play.watch) as server, Sink(site) as sink:
            play.wires = set_up(site, sink, server, guard.pid)
            screen.begin(chosen.title, site)
            trouble = _agent(site, chosen, server.url, env)
            looks = play.wires.all()
        ledger = guard.verify()
        return story.Ending(
            tuple(play.told), planned, looks, ledger, guard.entries, time.monotonic() - started, trouble
        )


def _agent(site: Site, chosen: Chosen, url: str, env: Mapping[str, str]) -> str:
    """Run the agent to its end; returns its own trouble, or nothing."""
    extra = {"INTERLOCK_HOME": env["INTERLOCK_HOME"]}
    start = launch.claude(chosen.words, home=site.home, cwd=site.project, url=url, path=env["PATH"], extra=extra)
    with subprocess.Popen(  # noqa: S603 - the agent under drill, in an environment made for it
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
            _end(process)
            return f"the agent did not finish in {AGENT_SECONDS:.0f} seconds"
        except BaseException:  # Ctrl-C reaches us and not the agent, which has a session of its own
            _end(process)
            raise
    if process.returncode != 0:
        return f"the agent ended with status {process.returncode}: {said.decode('utf-8', 'replace')[-300:]}"
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the agent and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _environment(site: Site, chosen: Chosen) -> dict[str, str]:
    """What the drill's commands and its agent see; nothing of the person's own environment but the way to
    programs."""
    installed = site.root / "installed"
    installed.mkdir()
    if len(chosen.words) == 1:  # `interlock init` asks the agent on PATH for its version
        (installed / "claude").symlink_to(chosen.words[0])
    path = f"{site.bin}:{installed}:{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    return {"HOME": str(site.home), "INTERLOCK_HOME": str(site.interlock), "PATH": path, "LANG": "C.UTF-8"}
