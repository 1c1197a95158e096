"""What a contained run really did, against what was foreseen: a difference is an alarm and a lesson.

Pure. A reading that holds code it could not follow (a test run, a script of the project, opaque text) foresaw anything
in the workspace, but no host. Of a command that no family knows nothing was foreseen, so a host is no difference: its
next call is a question (`Session.outside`). What a reading knew to the last word must have changed nothing else.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Sequence

from interlock.model import labels
from interlock.model.effect import Effect, Kind, Verb

_CHANGES = frozenset({Verb.WRITE, Verb.CREATE, Verb.DELETE, Verb.OVERWRITE, Verb.CONFIGURE, Verb.GRANT})
_REACHES = frozenset({Verb.SEND, Verb.FETCH, Verb.INSTALL, Verb.PUBLISH, Verb.DEPLOY})
_GIT = frozenset({Kind.GIT_REF, Kind.GIT_REPOSITORY})
_KEPT = frozenset({".git/index"})  # git writes down there what it has looked at, whatever it was asked
_MOST = 20  # differences that are named


def drift(foreseen: Sequence[Effect], workspace: str, changed: Iterable[str], tried: Iterable[str]) -> tuple[str, ...]:
    """The differences, each a line for people.

    Args:
        foreseen: the effects of the reading.
        workspace: its absolute path; `changed` are paths relative to it.
        tried: hosts that the run asked for or connected to.
    """
    meant = [path for path in changed if path not in _KEPT and not open_ended(foreseen)]
    found = [f"changed {path}" for path in meant if not _foreseen(posixpath.join(workspace, path), workspace, foreseen)]
    if not reaches(foreseen):
        found += [f"tried to reach {host}" for host in dict.fromkeys(tried)]
    return tuple(found[:_MOST])


def reaches(foreseen: Iterable[Effect]) -> bool:
    """Whether the reading said that hosts would be called, or knew nothing of the command."""
    return any(effect.verb in _REACHES or labels.UNKNOWN_COMMAND in effect.resource.labels for effect in foreseen)


def open_ended(foreseen: Sequence[Effect]) -> bool:
    """Whether the reading holds code that may do whatever a run can."""
    return any(
        effect.verb is Verb.OPAQUE
        or (
            effect.verb is Verb.EXECUTE
            and (effect.resource.kind is Kind.CODE or not _RUNS.isdisjoint(effect.resource.labels))
        )
        for effect in foreseen
    )


_RUNS = frozenset({labels.PROJECT, labels.UNREAD, labels.UNKNOWN_COMMAND})


def _foreseen(path: str, workspace: str, effects: Sequence[Effect]) -> bool:
    inside_git = path.startswith(f"{workspace}/.git/")
    for effect in effects:
        if effect.verb not in _CHANGES:
            continue
        kind, name = effect.resource.kind, effect.resource.name
        if kind in _GIT and (inside_git or effect.verb in {Verb.OVERWRITE, Verb.DELETE}):
            return True
        if kind in {Kind.FILE, Kind.DIRECTORY, Kind.SECRET, Kind.DATABASE, Kind.TABLE} and _covers(name, path):
            return True
    return False


def _covers(name: str, path: str) -> bool:
    """Whether a path is the named one, lies in it, holds it (a directory made or emptied on the way), or matches it."""
    return (
        path.startswith(name)  # what lies in it, and what a program keeps beside it: `app.db-journal`, `main.py~`
        or name.startswith(path + "/")
        or fnmatch.fnmatchcase(path, name.replace("**/", "*"))
    )
