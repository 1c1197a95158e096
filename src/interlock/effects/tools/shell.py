"""Bash and its companions: the shell reader with the catalogue behind it."""

from __future__ import annotations

import re

import msgspec

from interlock.effects.tools.inputs import Malformed, optional, required
from interlock.model.action import Action, Reading
from interlock.model.effect import Effect, opaque
from interlock.model.world import Setting, World


def bash(action: Action, setting: Setting, world: World) -> Reading:
    """Bash, Monitor: shell text, run in the agent's directory or in the one that the call names."""
    command = action.input.get("command")
    if isinstance(command, list) and command and all(isinstance(part, str) for part in command):
        import shlex

        text = shlex.join(command)  # an argv: the words reach the program as they are
    else:
        text = required(action.input, "command", "cmd")
    other = action.input.get("cmd", command)
    if command is not None and other != command:
        raise Malformed("`command` and `cmd` say different things")
    cwd = optional(action.input, "workdir") or optional(action.input, "cwd") or action.cwd
    if not cwd.startswith("/"):
        cwd = f"{action.cwd}/{cwd}"
    return shell_text(_variables(action) + text, setting, world, cwd=cwd)


def _variables(action: Action) -> str:
    """Variables that the call brings along are read as exports before its text: LD_PRELOAD is code."""
    env = action.input.get("env")
    if not env:
        return ""
    if not isinstance(env, dict):
        raise Malformed("`env` must map names to texts")
    import shlex

    lines = []
    for name, value in env.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or not isinstance(value, str | int | float):
            raise Malformed("`env` must map names to texts")
        lines.append(f"export {name}={shlex.quote(str(value))}\n")
    return "".join(lines)


def shell_text(text: str, setting: Setting, world: World, *, cwd: str | None) -> Reading:
    """What the shell reader says of `text`. Imported late: a file tool needs no grammar."""
    from interlock.effects.catalogue import interpret
    from interlock.effects.shell import read_shell

    return read_shell(text, setting, world, interpret, cwd=cwd)


def powershell(action: Action, setting: Setting, world: World) -> Reading:
    """PowerShell: read as the text of a `pwsh -Command`; places in a text inside a text are those of the whole."""
    import shlex

    text = required(action.input, "command")
    cwd = optional(action.input, "workdir") or optional(action.input, "cwd") or action.cwd
    said = shell_text(f"pwsh -NoProfile -Command {shlex.quote(text)}", setting, world, cwd=cwd)
    effects = tuple(msgspec.structs.replace(effect, span=(0, len(text))) for effect in said.effects)
    return msgspec.structs.replace(said, effects=effects)


def write_stdin(action: Action, _setting: Setting, _world: World) -> tuple[Effect, ...]:
    """write_stdin: keystrokes into a program that runs already; nobody can say what it makes of them."""
    typed = action.input.get("chars", action.input.get("data", ""))
    if not isinstance(typed, str):
        raise Malformed("`chars` must be text")
    if not typed:
        return ()  # an empty write only waits for output
    return (opaque(typed[:200], "text typed into a running program", via=action.tool),)
