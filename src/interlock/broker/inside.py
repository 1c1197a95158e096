"""What an action would do if it ran contained: in the sandbox, on a copy-on-write layer, without a network.

Pure. Inside, what happens to the workspace is caught and can be undone, so it is `reversible`; nothing else can be
changed. An action whose work lies elsewhere (a host, a database server, another process, the home) cannot be done
there: it is judged, and run, as it is.

INVARIANT: an effect only ever becomes more reversible here, and only where the layer really catches it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from interlock.broker.elsewhere import names_another_place, names_no_file, says_work_elsewhere
from interlock.effects.catalogue.words import word_list
from interlock.model import labels
from interlock.model.effect import Effect, Kind, Reversibility, Verb

# Who acts with more rights or somewhere else is not helped by a sandbox; and what guards, what holds credentials and
# what came over the network keeps its own rules.
_NEVER = frozenset({labels.PRIVILEGED, labels.REMOTE, labels.GUARD, labels.SECRET, labels.DOWNLOADED, labels.METADATA})
_UNSEEN = frozenset({labels.HOME, labels.OTHER_USER, labels.SCRATCH, labels.UNPLACED})  # not there, inside
_FOREIGN = frozenset({labels.FROM_NETWORK, labels.FROM_UNTRUSTED})
_REMOTE_REF = frozenset({labels.FORCE, labels.KNOWN})
_CHANGE = frozenset({Verb.WRITE, Verb.CREATE, Verb.DELETE, Verb.OVERWRITE, Verb.CONFIGURE, Verb.GRANT})
_RUN = frozenset({Verb.EXECUTE, Verb.OPAQUE})
_OPEN = frozenset({labels.UNREAD, labels.UNKNOWN_COMMAND, labels.INTERACTIVE})

# By the first word of `Effect.via`. Where the text of a client of some server could not be read, its work lies at that
# server: it would only fail in the sandbox.
_WITH_FILES = word_list("works-with-files")
_FOR_TYPING = word_list("open-for-typing")


def inside(effects: Sequence[Effect], text: str, workspace: str) -> tuple[Effect, ...] | None:
    """The effects as they would be in the sandbox; None where the action could not do its work there.

    `text` is the whole action's: where a part of it could not be read, its words say whether it works elsewhere.
    """
    if any(map(_unread, effects)) and names_another_place(text, workspace):
        return None
    within: list[Effect] = []
    for effect in effects:
        caught = _within(effect, text)
        if caught is None:
            return None
        within.append(caught)
    return tuple(within)


def _within(effect: Effect, text: str) -> Effect | None:
    resource = effect.resource
    if not _NEVER.isdisjoint(resource.labels):
        return None
    match resource.kind:
        case Kind.FILE | Kind.DIRECTORY:
            return _file(effect)
        case Kind.CODE | Kind.PROCESS:
            return _code(effect, text)
        case Kind.GIT_REF | Kind.GIT_REPOSITORY:
            return _caught(effect) if effect.verb in _CHANGE and _REMOTE_REF.isdisjoint(resource.labels) else None
        case Kind.TABLE | Kind.DATABASE:
            return _caught(effect) if labels.WORKSPACE in resource.labels else None
        case Kind.SYSTEM:
            return _environment(effect, text)
        case Kind.DEVICE:
            return effect if labels.DEVICE_NULL in resource.labels else None
        case _:
            return None


def _unread(effect: Effect) -> bool:
    """Whether something runs of which the reading knows less than what it does."""
    return effect.verb is Verb.OPAQUE or not _OPEN.isdisjoint(effect.resource.labels)


def _code(effect: Effect, text: str) -> Effect | None:
    if effect.verb not in _RUN or not _FOREIGN.isdisjoint(effect.taint):
        return None
    if not _unread(effect):
        return effect
    if labels.INTERACTIVE in effect.resource.labels:
        return effect if effect.resource.name.partition(" ")[0] in _FOR_TYPING else None
    if labels.UNKNOWN_COMMAND in effect.resource.labels:
        return None if says_work_elsewhere(effect.resource.name, text) else effect
    if names_no_file(f"{effect.via} {effect.resource.name} {text if '<' in text else ''}"):
        return None  # `make deploy`, a script of that name, a text with such a word
    return effect if effect.via.partition(" ")[0] in _WITH_FILES else None


def _environment(effect: Effect, text: str) -> Effect | None:
    """The environment is scrubbed inside: who asks for a credential in it, or another program's, finds nothing."""
    if effect.verb is not Verb.READ or names_no_file(text):
        return None
    return effect if effect.via.partition(" ")[0] in _WITH_FILES else None


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
