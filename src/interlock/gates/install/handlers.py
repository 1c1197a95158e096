"""What is written into an agent's configuration: one handler for each event, and how to know one as ours. Pure.

Two forms. With `args` the agent starts the client without a shell, which is faster; a client that is missing or dies
is then caught by `onFailure: "block"`, which Claude Code has since 2.1.295. Everywhere else a line of shell turns every
end that is not an answer (missing: 127, not executable: 126, killed: 128+n) into the agent's no.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import msgspec

from interlock.model.errors import OperatorError

HOOK_NAME = "interlock-hook"
ON_FAILURE_SINCE = (2, 1, 295)  # Claude Code; older versions ignore the member (measured: 2.1.197)

ASKING_SECONDS = 600  # a hook may hold while a person decides; the default of both agents, written down
TELLING_SECONDS = 30
MARGIN_MS = 10_000  # the client answers before the agent loses patience: a timeout lets the tool run

CLAUDE_ASKING = ("PreToolUse", "UserPromptSubmit", "ConfigChange")
CLAUDE_TELLING = (
    "PostToolUse", "PostToolUseFailure", "PostToolBatch", "SessionStart", "SessionEnd", "SubagentStart",
    "SubagentStop", "Stop",
)  # fmt: skip
CODEX_ASKING = ("PreToolUse", "UserPromptSubmit")
CODEX_TELLING = ("PostToolUse", "SessionStart", "SessionEnd", "SubagentStart", "SubagentStop", "Stop")
# Events whose entries take a matcher; for the others agents ignore or refuse it.
MATCHED = frozenset({"PreToolUse", "PostToolUse", "PostToolUseFailure", "ConfigChange"})

_GONE = "Interlock stopped this: its hook client does not run. Run `interlock doctor`, or `interlock init` again."


class Hook(msgspec.Struct, frozen=True):
    """How the client is called: its path, and the directory of its daemon, so that no environment can redirect it."""

    path: str
    pin: tuple[str, str]  # ("--home", dir) or ("--run", dir)


def asking(agent: str) -> tuple[str, ...]:
    """Events at which something can be stopped."""
    return {"claude": CLAUDE_ASKING, "codex": CODEX_ASKING}[agent]


def telling(agent: str) -> tuple[str, ...]:
    """Events that only tell."""
    return {"claude": CLAUDE_TELLING, "codex": CODEX_TELLING}[agent]


def entries(agent: str, hook: Hook, version: tuple[int, ...] | None) -> dict[str, dict[str, Any]]:
    """Event name -> the entry to append to the event's list. `version` of the agent, None when it is not known."""
    if not hook.path.startswith("/") or "\n" in hook.path:
        raise OperatorError(f"the hook client must be named by an absolute path, not {hook.path!r}")
    shell = not (agent == "claude" and version is not None and version >= ON_FAILURE_SINCE)
    found: dict[str, dict[str, Any]] = {}
    for event in asking(agent) + telling(agent):
        stops = event in asking(agent)
        matcher = {"matcher": "*"} if event in MATCHED else {}
        found[event] = matcher | {"hooks": [_handler(agent, hook, stops=stops, shell=shell)]}
    return found


def _handler(agent: str, hook: Hook, *, stops: bool, shell: bool) -> dict[str, Any]:
    seconds = ASKING_SECONDS if stops else TELLING_SECONDS
    words = [agent, "--deadline", str(seconds * 1000 - MARGIN_MS), *hook.pin]
    handler: dict[str, Any] = {"type": "command"}
    if shell:
        line = shlex.join([hook.path, *words])
        handler["command"] = _guarded(line, stops=stops)
    else:
        handler |= {"command": hook.path, "args": words}
    handler["timeout"] = seconds
    if stops and agent == "claude":
        handler["onFailure"] = "block"
    return handler


def _guarded(line: str, *, stops: bool) -> str:
    # A status 2 on Stop would send the agent on; there the fault is only told.
    return f"{line}; s=$?; case $s in 0|2) exit $s;; esac; echo {shlex.quote(_GONE)} >&2; exit {2 if stops else 1}"


def called(handler: Any) -> tuple[str, list[str]] | None:
    """(path, arguments) of the client when the handler is one of ours, in either form; None when it is not."""
    if not isinstance(handler, dict) or not isinstance(handler.get("command"), str):
        return None
    command, args = handler["command"], handler.get("args")
    if isinstance(args, list):
        words = [command, *(word for word in args if isinstance(word, str))]
    else:
        try:
            words = shlex.split(command.split("; s=$?;")[0])
        except ValueError:
            return None
    if not words or Path(words[0]).name != HOOK_NAME:
        return None
    return words[0], words[1:]


def faithful(agent: str, event: str, handler: dict[str, Any], hook: Hook) -> str:
    """What is wrong with a handler that looks like ours; "" when it calls the right client in the right way.

    An agent that may write the file could keep the name and change the rest: another program of that name, another
    daemon, an `exit 0` at the end, a condition.
    """
    found = called(handler)
    if found is None:
        return "it does not call the hook client"
    path, words = found
    if path != hook.path:
        return f"it calls {path}, not {hook.path}"
    if words[:1] != [agent]:
        return f"it does not say that the agent is {agent}"
    pins = [(words[i], words[i + 1]) for i in range(len(words) - 1) if words[i] in ("--home", "--run")]
    if pins not in ([], [hook.pin]):
        return f"it asks the daemon of {pins[0][1]}, not of {hook.pin[1]}"
    plain = isinstance(handler.get("args"), list) and handler["command"] == path
    line = shlex.join([path, *words])
    stops = event in asking(agent)
    if not plain and handler["command"] not in (line, _guarded(line, stops=stops)):
        return "its command holds more than the call of the client"
    extra = set(handler) - {"type", "command", "args", "timeout", "onFailure", "statusMessage"}
    if extra:
        return f"it has the member {min(extra)!r}, which may keep it from running"
    timeout = handler.get("timeout", TELLING_SECONDS)
    if not isinstance(timeout, int | float) or timeout * 1000 < MARGIN_MS:
        return "its timeout is too short: the tool would run before an answer"
    return ""


def is_ours(handler: Any) -> bool:
    """Whether the handler calls Interlock's client."""
    return called(handler) is not None
