"""Which changed paths git does not keep: what would be lost if the change went wrong. Asked only when somebody looks.

git runs with everything off that a repository could make it execute, with an environment of our own, and is only asked
what its index holds. A workspace that is no repository keeps nothing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from enum import StrEnum

from interlock.containment.change import ChangeSet
from interlock.containment.descent import split

_OFF = tuple(
    word
    for setting in ("core.fsmonitor=false", "core.hooksPath=/dev/null", "protocol.allow=never", "core.pager=cat")
    for word in ("-c", setting)
)
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
}
_SECONDS = 10


class Keeping(StrEnum):
    """What git has of a path."""

    TRACKED = "tracked"
    IGNORED = "ignored"
    UNTRACKED = "untracked"


def keeping(workspace: str, changes: ChangeSet, *, most: int = 5_000) -> dict[str, Keeping]:
    """For the paths of what was there before (changed, deleted, renamed): whether git's index has them.

    A directory counts as tracked when git has anything below it. Beyond `most` paths the rest is not asked about.
    Returns nothing when git cannot say.
    """
    asked = [change.source or change.path for change in changes if change.before.kind != "none"][:most]
    if not asked:
        return {}
    try:
        known = set(_git(workspace, ("ls-files", "-z", "--cached"), ()))
    except (OSError, subprocess.SubprocessError):
        return {}
    ignored = _ignored(workspace, asked)
    known |= set(_above(known))
    return {path: _keeping(path, known, ignored) for path in asked}


def _keeping(path: str, known: set[str], ignored: set[str]) -> Keeping:
    if path in known:
        return Keeping.TRACKED
    return Keeping.IGNORED if path in ignored else Keeping.UNTRACKED


def _ignored(workspace: str, paths: list[str]) -> set[str]:
    """Those that its rules leave out; none when it cannot say (a path that now leads through a link)."""
    try:
        # With `./` no name is taken for a pattern of git's.
        found = _git(workspace, ("check-ignore", "-z", "--stdin"), [f"./{path}" for path in paths], fine=(0, 1))
    except (OSError, subprocess.SubprocessError):
        return set()
    return {path.removeprefix("./") for path in found}


def _above(paths: Iterable[str]) -> Iterable[str]:
    seen: set[str] = set()
    for path in paths:
        above = split(path)[0]
        while above and above not in seen:
            seen.add(above)
            above = split(above)[0]
    return seen


def _git(workspace: str, words: tuple[str, ...], given: Iterable[str], fine: tuple[int, ...] = (0,)) -> list[str]:
    said = subprocess.run(  # noqa: S603 - a fixed command, without a shell
        ["git", *_OFF, *words],  # noqa: S607 - by the path of the environment above
        cwd=workspace,
        env=_ENVIRONMENT,
        input=b"".join(os.fsencode(path) + b"\0" for path in given),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=False,
    )
    if said.returncode not in fine:
        raise subprocess.SubprocessError(f"git {words[0]} said {said.returncode}")
    return [os.fsdecode(name) for name in said.stdout.split(b"\0") if name]
