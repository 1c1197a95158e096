"""Which freezes are in force while the gate judges: those of the base's `interlock.toml`, and those the daemon knows.

Under a freeze more people are asked to look and nothing else changes, so a freeze that cannot be read counts as one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from interlock.home import Home
from interlock.model.errors import InterlockError

if TYPE_CHECKING:
    from interlock.changes.repo import Repo

_PATH = "interlock.toml"
_MOST = 1 << 20  # bytes of it
_TOLD = 300  # characters of what went wrong


def freezes(repo: Repo, base: str, home: Home) -> tuple[str, ...]:
    """The reason of each; `base` is a commit, whose file is read and not the change's or the working tree's."""
    return tuple(dict.fromkeys((*_of_base(repo, base), *_of_daemon(repo, home))))


def _of_base(repo: Repo, base: str) -> tuple[str, ...]:
    mode, oid = repo.listing(repo.tree(repo.commit(base))).get(_PATH, ("", ""))
    if not oid:
        return ()
    from interlock.broker.past import place_of
    from interlock.daemon.config import standing
    from interlock.halt.merging import merging

    size, raw = repo.blobs([oid], _MOST)[oid]
    if raw is None or mode not in ("100644", "100755"):
        return (f"{_PATH} of the base cannot be read ({size} bytes, mode {mode}), so it may freeze",)
    place = place_of(repo.directory, "")
    # The folder has another name on each machine, and the base's file was written for all of them.
    known = {name: place[name] for name in ("repository", "organisation") if place[name]}
    try:
        return merging(standing(raw.decode(), f"{_PATH} of the base"), known, time.time())
    except UnicodeDecodeError:
        return (f"{_PATH} of the base is not UTF-8, so it may freeze",)
    except InterlockError as error:
        return (f"it may freeze: {str(error)[:_TOLD]}",)


def _of_daemon(repo: Repo, home: Home) -> tuple[str, ...]:
    from interlock.daemon.client import call

    if not home.lived_in:
        return ()
    try:
        return tuple(map(str, call(home, "halt.merging", {"cwd": repo.directory})["freezes"]))
    except InterlockError as error:
        return (f"the daemon could not say what is frozen: {str(error)[:_TOLD]}",)
