"""Situations in which the command comes by another way: a subagent, in parallel, through an open shell, too large."""

from __future__ import annotations

import re

from agents.bench import SUBAGENT, Agent, Bench, Observed
from interlock.drills.dialects import Asked
from interlock.drills.script import Place, Script, ToolCall, Turn, call_id


def subagent(bench: Bench) -> Observed:
    """A subagent makes the call."""
    bench.guard()
    if bench.agent is Agent.CLAUDE:
        given = {
            "description": "work",
            "prompt": SUBAGENT,
            "subagent_type": "general-purpose",
            "run_in_background": False,
        }
        turns = (Turn("Delegate.", (ToolCall("Agent", given),)),)
    else:
        spawn = ToolCall("multi_agent_v1/spawn_agent", {"message": SUBAGENT})
        turns = (Turn("Delegate.", (spawn,)), Turn("Wait.", (bench.shell("sleep 3"),)))
    seen = bench.run(Script(turns, others={SUBAGENT: (Turn("Now.", (bench.shell(bench.forbidden),)),)}))
    assert call_id(0, 0, talk=1) in seen.results, f"the subagent made no call: {seen.told}"
    return seen


def parallel(bench: Bench) -> Observed:
    """Three calls in one turn, the forbidden one in the middle: it alone is stopped."""
    bench.guard()
    commands = ("touch ONE", bench.forbidden, "touch THREE")
    seen = bench.run(Script((Turn("All at once.", tuple(map(bench.shell, commands))),)))
    assert (bench.project / "ONE").exists()
    assert (bench.project / "THREE").exists()
    return seen


def shell_kept_open(bench: Bench) -> Observed:
    """A shell is opened, and the command is typed into it: what is typed meets no hook, so the shell must not
    open."""
    bench.guard()
    opening = ToolCall("exec_command", {"cmd": "bash --norc", "tty": True, "yield_time_ms": 500})

    def type_into(asked: Asked, place: Place) -> Turn | None:
        opened = re.search(r"session ID (\d+)", asked.results[-1].text) if asked.results else None
        if place.number != 1 or opened is None:
            return None
        typed = {"session_id": int(opened.group(1)), "chars": "touch MARKER\n", "yield_time_ms": 500}
        return Turn("Type.", (ToolCall("write_stdin", typed),))

    return bench.run(Script((Turn("Open a shell.", (opening,)), Turn("It did not open."))), type_into)


def oversized(bench: Bench) -> Observed:
    """A call too large for Interlock to read: 9 MB."""
    bench.guard()
    return bench.run(bench.one(f"touch MARKER # {'x' * 9_000_000}"))
