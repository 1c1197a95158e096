"""What an action would do if it ran contained: in the sandbox, on a copy-on-write layer, without a network.

Pure. Inside, what happens to the workspace is caught and can be undone, so it is `reversible`; nothing else can be
changed. An action whose work lies elsewhere (a host, a database server, another process, the home) cannot be done
there: it is judged, and run, as it is.

INVARIANT: an effect only ever becomes more reversible here, and only where the layer really catches it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from interlock.model import labels
from interlock.model.effect import Effect, Kind, Reversibility, Verb

# Who acts with more rights, somewhere else, or with somebody at a terminal is not helped by a sandbox; and what guards,
# what holds credentials and what came over the network keeps its own rules.
_NEVER = frozenset(
    {
        labels.PRIVILEGED, labels.REMOTE, labels.INTERACTIVE, labels.GUARD, labels.SECRET, labels.DOWNLOADED,
        labels.METADATA, labels.UNKNOWN_COMMAND,
    }
)  # fmt: skip
_UNSEEN = frozenset({labels.HOME, labels.OTHER_USER, labels.SCRATCH, labels.UNPLACED})  # not there, inside
_FOREIGN = frozenset({labels.FROM_NETWORK, labels.FROM_UNTRUSTED})
_REMOTE_REF = frozenset({labels.FORCE, labels.KNOWN})
_CHANGE = frozenset({Verb.WRITE, Verb.CREATE, Verb.DELETE, Verb.OVERWRITE, Verb.CONFIGURE, Verb.GRANT})
_RUN = frozenset({Verb.EXECUTE, Verb.OPAQUE})

# What runs the agent's or the project's own text on this machine, by the first word of `Effect.via`. Where the text of
# a client of some server could not be read, its work lies at that server: it would only fail in the sandbox.
_INTERPRETERS = frozenset(
    {
        "shell", "sh", "bash", "dash", "zsh", "ksh", "eval", "source", ".", "exec", "command", "xargs", "find", "trap",
        "python", "python2", "python3", "pypy", "pypy3", "node", "nodejs", "deno", "bun", "tsx", "ts-node", "ruby",
        "perl", "php", "lua", "luajit", "tclsh", "Rscript", "julia", "awk", "gawk", "mawk", "sed", "make", "gmake",
        "ninja", "just", "task", "npm", "pnpm", "yarn", "rake", "pytest", "tox", "nox", "jest", "vitest", "env", "nice",
        "timeout",
    }
)  # fmt: skip


def inside(effects: Sequence[Effect]) -> tuple[Effect, ...] | None:
    """The effects as they would be in the sandbox; None where the action could not do its work there."""
    within: list[Effect] = []
    for effect in effects:
        caught = _within(effect)
        if caught is None:
            return None
        within.append(caught)
    return tuple(within)


def _within(effect: Effect) -> Effect | None:
    resource = effect.resource
    if not _NEVER.isdisjoint(resource.labels):
        return None
    match resource.kind:
        case Kind.FILE | Kind.DIRECTORY:
            return _file(effect)
        case Kind.CODE | Kind.PROCESS:
            return _code(effect)
        case Kind.GIT_REF | Kind.GIT_REPOSITORY:
            return _caught(effect) if effect.verb in _CHANGE and _REMOTE_REF.isdisjoint(resource.labels) else None
        case Kind.TABLE | Kind.DATABASE:
            return _caught(effect) if labels.WORKSPACE in resource.labels else None
        case Kind.SYSTEM:
            return effect if effect.verb is Verb.READ else None
        case Kind.DEVICE:
            return effect if labels.DEVICE_NULL in resource.labels else None
        case _:
            return None


def _code(effect: Effect) -> Effect | None:
    if effect.verb not in _RUN or not _FOREIGN.isdisjoint(effect.taint):
        return None
    unread = effect.verb is Verb.OPAQUE or labels.UNREAD in effect.resource.labels
    return None if unread and effect.via.partition(" ")[0] not in _INTERPRETERS else effect


def _file(effect: Effect) -> Effect | None:
    where = effect.resource.labels
    if labels.DEVICE_NULL in where:
        return effect
    if effect.verb is Verb.READ:
        return effect if _UNSEEN.isdisjoint(where) else None
    if effect.verb in _CHANGE:
        return _caught(effect) if labels.WORKSPACE in where else None
    return effect if effect.verb in _RUN and _UNSEEN.isdisjoint(where) else None


def _caught(effect: Effect) -> Effect:
    return msgspec.structs.replace(effect, reversibility=Reversibility.REVERSIBLE)
