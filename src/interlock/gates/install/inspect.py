"""Whether an agent's configuration makes it ask Interlock, judged from the files as the agent reads them.

Pure but for the reader that is handed in. The rules were measured on Claude Code 2.1 and Codex 0.169: hooks of all
scopes add up; `disableAllHooks` outside the managed settings drops every hook that is not managed; one handler of an
unknown kind loses every hook of its file in Codex.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from interlock.gates.install import handlers
from interlock.gates.install.places import Places, hooks_files
from interlock.model.errors import OperatorError

Read = Callable[[Path], bytes | None]


class Found(msgspec.Struct, frozen=True):
    """One handler of ours that the agent will run for `event`."""

    event: str
    scope: str
    path: str
    handler: dict[str, Any]


class Guard(msgspec.Struct, frozen=True):
    """What an agent's configuration says. Guarded when `problems` is empty."""

    agent: str
    handlers: tuple[Found, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def of(self, event: str) -> tuple[Found, ...]:
        """Our handlers for one event."""
        return tuple(found for found in self.handlers if found.event == event)


def look(agent: str, at: Places, read: Read, hook: handlers.Hook) -> Guard:
    """The guard that the files give to `agent` by calling the client `hook`. Never raises for what the files hold."""
    documents: dict[str, tuple[Path, dict[str, Any]]] = {}
    problems: list[str] = []
    notes: list[str] = []
    for scope, path in hooks_files(agent, at).items():
        try:
            raw = read(path)
            if raw is not None:
                documents[scope] = path, _parsed(raw, path)
        except OperatorError as error:
            notes.append(str(error))
    switched_off: list[str] = []
    if agent == "claude":
        switched_off = _switched_off(documents, notes)
        problems += switched_off
    if agent == "codex":
        problems += _codex_problems(documents, at, read)
    found: list[Found] = []
    for scope, (path, body) in documents.items():
        for item in _ours(scope, path, body):
            wrong = handlers.faithful(agent, item.event, item.handler, hook)
            if wrong:
                notes.append(f"{path}: the {item.event} hook is not Interlock's: {wrong}.")
            else:
                found.append(item)
    problems += [
        f"no {event} hook of Interlock is in {_names(agent, at)}."
        for event in handlers.asking(agent)
        if not switched_off and not any(item.event == event for item in found)
    ]
    missing = [event for event in handlers.telling(agent) if not any(item.event == event for item in found)]
    if missing and not problems:
        notes.append(f"not told about: {', '.join(missing)} (run `interlock init` again).")
    return Guard(agent, tuple(found), tuple(problems), tuple(notes))


def _parsed(raw: bytes, path: Path) -> dict[str, Any]:
    if not raw.strip():
        return {}
    form = "TOML" if path.suffix == ".toml" else "JSON"
    try:
        body = tomllib.loads(raw.decode()) if form == "TOML" else json.loads(raw)
    except (ValueError, RecursionError):
        raise OperatorError(f"{path} is not valid {form}: the agent does not take hooks from it.") from None
    if not isinstance(body, dict):
        raise OperatorError(f"{path} does not hold a JSON object: the agent does not take hooks from it.")
    return body


def _ours(scope: str, path: Path, body: dict[str, Any]) -> list[Found]:
    hooks = body.get("hooks")
    found: list[Found] = []
    for event, groups in hooks.items() if isinstance(hooks, dict) else ():
        for group in groups if isinstance(groups, list) else ():
            if not isinstance(group, dict) or group.get("matcher", "*") not in ("*", "", None):
                continue
            inner = group.get("hooks")
            found += [
                Found(event, scope, str(path), handler)
                for handler in (inner if isinstance(inner, list) else ())
                if handlers.is_ours(handler) and handler.get("type") == "command"
            ]
    return found


def _switched_off(documents: dict[str, tuple[Path, dict[str, Any]]], notes: list[str]) -> list[str]:
    managed_path, managed = documents.get("managed", (None, {}))
    problems: list[str] = []
    if managed.get("disableAllHooks") is True:
        problems.append(f"{managed_path} sets disableAllHooks: no hook runs.")
    dropped = managed.get("allowManagedHooksOnly") is True
    if dropped:
        notes.append(f"{managed_path} sets allowManagedHooksOnly: only hooks of scope managed run.")
    for scope in ("user", "project", "local"):
        path, body = documents.get(scope, (None, {}))
        switch = _switch(scope, body)
        if switch:
            dropped = True
            text = f"{path} sets {switch}: hooks outside the managed settings do not run."
            (notes if "managed" in documents else problems).append(text)
    for scope in ("user", "project", "local"):
        path, body = documents.get(scope, (None, {}))
        wrong = _refused_by_claude(body)
        if wrong:
            notes.append(f"{path}: {wrong}; Claude Code drops the hooks of this file.")
        if wrong or dropped:
            documents.pop(scope, None)
    return problems


_CLAUDE_TYPES = frozenset({"command", "http", "mcp_tool", "prompt", "agent"})


def _switch(scope: str, body: dict[str, Any]) -> str:
    """What in a settings file switches off every hook that is not managed (measured: 2.1.323); "" for nothing."""
    if body.get("disableAllHooks") is True:
        return "disableAllHooks"
    env = body.get("env")
    # Of a project's shared settings Claude Code does not take this variable; of the user's it does.
    simple = scope != "project" and isinstance(env, dict) and env.get("CLAUDE_CODE_SIMPLE")
    return "CLAUDE_CODE_SIMPLE" if simple else ""


def _refused_by_claude(body: dict[str, Any]) -> str:
    """What makes Claude Code drop all hooks of a settings file (measured: 2.1.323); "" when nothing is known to."""
    for member in ("permissions", "env", "hooks"):
        if not isinstance(body.get(member, {}), dict):
            return f"`{member}` is not an object"
    strange = sorted(_kinds(body) - _CLAUDE_TYPES)
    return f"it has a handler of the unknown type {strange[0]!r}" if strange else ""


def _codex_problems(documents: dict[str, tuple[Path, dict[str, Any]]], at: Places, read: Read) -> list[str]:
    problems: list[str] = []
    managed = documents.get("managed", (None, {}))[1]
    if managed.get("allow_managed_hooks_only") is True:
        documents.pop("user", None)
        documents.pop("project", None)
    pinned = managed.get("features")
    for path, body in documents.values():
        problems += [
            f"{path} has a handler of type {kind!r}: Codex may drop every hook of that file."
            for kind in sorted(_kinds(body) - {"command"})
        ]
        extra = sorted(set(body) - {"hooks", "description"})
        if extra and path.suffix == ".json":
            problems.append(f"{path} has the unknown member {extra[0]!r}: Codex refuses the whole file.")
    for config in (at.codex / "config.toml", at.project / ".codex" / "config.toml"):
        raw = read(config)
        if raw is None:
            continue
        try:
            features = tomllib.loads(raw.decode()).get("features")
        except (ValueError, RecursionError):
            problems.append(f"{config} is not valid TOML.")
            continue
        if isinstance(pinned, dict) and pinned.get("hooks") is True:
            continue
        if isinstance(features, dict) and (features.get("hooks") is False or features.get("codex_hooks") is False):
            problems.append(f"{config} switches hooks off (features.hooks = false).")
    return problems


def _kinds(body: dict[str, Any]) -> set[str]:
    hooks = body.get("hooks")
    listed = hooks.values() if isinstance(hooks, dict) else ()
    groups = [group for groups in listed if isinstance(groups, list) for group in groups if isinstance(group, dict)]
    inner = [group["hooks"] for group in groups if isinstance(group.get("hooks"), list)]
    return {str(handler.get("type")) for found in inner for handler in found if isinstance(handler, dict)}


def _names(agent: str, at: Places) -> str:
    return ", ".join(str(path) for path in hooks_files(agent, at).values())


def read_file(path: Path) -> bytes | None:
    """The reader for real files: bounded, None when nothing is there. Raises OperatorError: it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4 * 1024 * 1024)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}") from None
