"""Situations in which the daemon or the hook client is dead, hung, slow, or talks nonsense."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from agents.bench import Agent, Bench, Observed
from agents.fake_daemon import FakeDaemon, Fault
from interlock.drills.dialects import Asked
from interlock.drills.script import Place, Script, ToolCall, Turn


def dead_from_the_start(bench: Bench) -> Observed:
    """No daemon, and none can be started."""
    bench.init()
    bench.extra["INTERLOCK_NO_AUTOSTART"] = "1"
    return bench.run(bench.one(bench.harmless))


def dead(bench: Bench) -> Observed:
    """The daemon ends between two calls, and none can be started."""
    bench.guard()
    bench.extra["INTERLOCK_NO_AUTOSTART"] = "1"

    def end(asked: Asked, place: Place) -> None:
        if place.number == 1:
            bench.interlock("down")

    turns = (Turn("A first call.", (bench.shell("true"),)), Turn("Now.", (bench.shell(bench.harmless),)))
    return bench.run(Script(turns), end)


def killed(bench: Bench) -> Observed:
    """The daemon is killed between two calls; the client starts another, which holds the same rules."""
    pid = bench.guard()

    def kill(asked: Asked, place: Place) -> None:
        if place.number == 1:
            _kill(pid)

    turns = (Turn("A first call.", (bench.shell("true"),)), Turn("Now.", (bench.shell(bench.forbidden),)))
    return bench.run(Script(turns), kill)


def moved_after_restart(bench: Bench) -> Observed:
    """The daemon is killed; the next call names the person's documents as its working directory."""
    documents = bench.home / "Documents"
    documents.mkdir()
    pid = bench.guard()

    def kill(asked: Asked, place: Place) -> None:
        if place.number == 1:
            _kill(pid)

    here = f"touch MARKER {bench.marker}"
    if bench.agent is Agent.CODEX:
        there = ToolCall("exec_command", {"cmd": here, "workdir": str(documents), "login": False})
    else:
        there = bench.shell(f"cd {documents} && {here}")
    seen = bench.run(Script((Turn("A first call.", (bench.shell("true"),)), Turn("Now.", (there,)))), kill)
    assert not (documents / "MARKER").exists()
    return seen


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}").exists():  # its socket takes connections until it is gone
        time.sleep(0.01)


def faulty(fault: Fault) -> Callable[[Bench], Observed]:
    """The daemon answers tool calls with a fault."""

    def play(bench: Bench) -> Observed:
        bench.init()
        if fault is Fault.HOLDS:
            bench.shorten_deadline(4000)
        with FakeDaemon(bench.run_directory, fault) as daemon:
            seen = bench.run(bench.one(bench.harmless))
        assert daemon.met, "the call never reached the faulty daemon"
        return seen

    return play


def missing(bench: Bench) -> Observed:
    """The hook client is gone from its place."""
    bench.guard()
    bench.replace_client(None)
    return bench.run(bench.one(bench.harmless))


def crashing(bench: Bench) -> Observed:
    """The hook client is killed before it can answer."""
    bench.guard()
    bench.replace_client("kill -9 $$")
    return bench.run(bench.one(bench.harmless))


def babbling(bench: Bench) -> Observed:
    """Something else in the client's place prints words and ends well."""
    bench.guard()
    bench.replace_client("echo all is well")
    return bench.run(bench.one(bench.harmless))


def cut_off(bench: Bench) -> Observed:
    """The agent gives the hook one second, and Interlock needs longer."""
    bench.init()
    bench.each_hook(lambda handler: handler.update(timeout=1))
    with FakeDaemon(bench.run_directory, Fault.SILENT) as daemon:
        seen = bench.run(bench.one(bench.harmless))
    assert daemon.met
    return seen
