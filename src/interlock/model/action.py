"""What an agent wants to do, and what was read in it."""

from __future__ import annotations

from typing import Any

import msgspec

from interlock.model.effect import Effect
from interlock.model.warrant import Warrant


class Principal(msgspec.Struct, frozen=True):
    """Who acts: an agent of some kind, in a session, perhaps as a sub-agent, for an accountable person."""

    agent: str  # "claude", "codex", ...
    session: str  # the agent's own session id, "" where it has none
    subagent: str = ""  # the agent's id of the sub-agent, "" for the main loop
    subagent_type: str = ""
    person: str = ""  # login name of the user whose daemon this is
    model: str = ""
    roles: tuple[str, ...] = ()  # those that take away; set by the broker, never by a gate


class Action(msgspec.Struct, frozen=True):
    """One tool call, as a gate hands it to the broker.

    `tool` carries the canonical tool name (Claude's names: Bash, Read, Write, Edit, WebFetch, `mcp__server__tool` ...);
    gates of other agents translate. `input` is the tool's decoded JSON input. `cwd` is absolute.
    """

    tool: str
    input: dict[str, Any]
    cwd: str
    principal: Principal
    gate: str = "hook"
    call_id: str = ""  # the agent's id of this very call; never part of the action's digest
    permission_mode: str = ""  # what the agent says of its own mode; recorded, never trusted
    warrant: Warrant | None = None  # the capability token under which it is asked for
    variables: tuple[tuple[str, str], ...] | None = None  # of the asking process, where somebody looked; never recorded


class Trail(msgspec.Struct, frozen=True):
    """What flows into a file: labels of `interlock.model.labels.TAINTS`, () when it is known to hold nothing foreign.

    `path` is absolute and normalised; one that ends in `/` stands for everything below that directory.
    """

    path: str
    taint: tuple[str, ...] = ()


class Ran(msgspec.Struct, frozen=True):
    """A program that would run on this machine as the agent itself: its argv, and the absolute directory it runs in."""

    argv: tuple[str, ...]
    cwd: str


class Reading(msgspec.Struct, frozen=True):
    """Everything the readers said of one action.

    `commands` are the argv (unknown words as "?") of every command the reader saw, for people and for the differential
    tests. `operands` are absolute paths of files whose content the reading depends on (scripts, package.json): their
    digests go into the action's digest, so that a yes binds the content. `trails` say what the action would leave in
    files, so that a later action that reads, sends or runs one of them is judged by where its content came from. `here`
    are those of the commands that a look beforehand could repeat: known to the last word, local, unprivileged.
    """

    effects: tuple[Effect, ...]
    commands: tuple[tuple[str, ...], ...] = ()
    operands: tuple[str, ...] = ()
    summary: str = ""
    trails: tuple[Trail, ...] = ()
    here: tuple[Ran, ...] = ()
    ends: str = ""  # the directory that a shell would stand in afterwards, where it is known and another one
    failed: bool = False  # a reader broke: what was read is not to be relied on, not even by a person
