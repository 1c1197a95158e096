"""What git tells the hooks `pre-push` and `pre-receive`, as ranges to judge (githooks(5)). Pure but for the repository.

`pre-push` is a convenience: it runs where the agent runs, and `--no-verify` skips it. `pre-receive` runs on the server,
by the branch that is there, and is the one that holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from interlock.changes.repo import Repo
from interlock.model.errors import NotFound, UsageError

_LINE = re.compile(r"(\S+) ([0-9a-f]{40,64}) (\S+) ([0-9a-f]{40,64})|([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (\S+)")


class Update(NamedTuple):
    """One ref that is to move: `base` is what it is judged against; both are "" where it is deleted."""

    ref: str
    base: str
    head: str


def updates(lines: Iterable[str], repo: Repo) -> list[Update]:
    """The updates in the lines that git writes to either hook.

    A new branch is judged against the default branch. A ref that moves away from where it was (a forced push) is judged
    against where the histories parted, as any other.

    Raises:
        UsageError: the input is none of git's.
        NotFound: nothing says what a new branch is to be judged against.
    """
    out = []
    for line in lines:
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise UsageError("this is not what git tells a hook. Let git call it: interlock gate --install pre-push.")
        ref, old, new = (match[3], match[4], match[2]) if match[1] else (match[7], match[5], match[6])
        if not new.strip("0"):
            out.append(Update(ref, "", ""))
        else:
            out.append(Update(ref, old if old.strip("0") else _ground(repo, ref), new))
    return out


def _ground(repo: Repo, ref: str) -> str:
    try:
        return repo.commit(repo.default())
    except NotFound as error:
        raise NotFound(f"{ref} is new, and nothing says what to judge it against: {error}") from error


SCRIPT = """#!/bin/sh
# Written by `interlock gate --install {hook}`. What git says about the refs comes on standard input.
exec {program} gate --{hook}
"""
