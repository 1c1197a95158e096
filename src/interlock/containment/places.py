"""Where a plan's covers and holes really are on this machine, in the order in which they are laid over each other.

The launcher does this itself; other means of containment (`bwrap`, `seatbelt`) are given the result. Parents come
first, and what would lie in nothing is left out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from interlock.containment.plan import Plan


class What(StrEnum):
    """What is laid over a path."""

    WORKSPACE = "workspace"
    SHOW = "show"
    HIDE = "hide"
    FRESH = "fresh"


class Place(NamedTuple):
    """One cover or hole; `directory` says what stands there on the host."""

    what: What
    path: str
    directory: bool


Look = Callable[[str], tuple[str, bool] | None]
"""The real path behind a path and whether a directory stands there; None when nothing does."""


def look(path: str) -> tuple[str, bool] | None:
    """Ask this machine."""
    try:
        real = os.path.realpath(path, strict=True)
        return real, stat.S_ISDIR(os.stat(real).st_mode)
    except OSError:
        return None


def places(plan: Plan, looked: Look = look) -> tuple[Place, ...]:
    """The plan's places, parents first. A link is followed to hide what it points to, and never to show it."""
    found: dict[str, Place] = {}
    for path in plan.fresh:
        seen = looked(path)
        if seen is None or seen == (path, True):
            found[path] = Place(What.FRESH, path, seen is not None)
    for path in plan.hide:
        seen = looked(path)
        if seen is not None:
            found[seen[0]] = Place(What.HIDE, seen[0], seen[1])
    for path in plan.show:
        seen = looked(path)
        if seen is not None and seen[0] == path:
            found[path] = Place(What.SHOW, path, seen[1])
    found[plan.workspace] = Place(What.WORKSPACE, plan.workspace, True)
    kept: list[Place] = []
    for place in sorted(found.values(), key=lambda one: (one.path.count("/"), one.path)):
        around = next((one.what for one in reversed(kept) if below(place.path, one.path)), None)
        empty = around in (What.HIDE, What.FRESH)
        if place.what is What.HIDE and empty:
            continue  # there is nothing to hide where everything is new
        if place.what is What.FRESH and not empty and not place.directory:
            continue  # it is not there, and what is around it cannot be written
        kept.append(place)
    return tuple(kept)


def below(path: str, directory: str) -> bool:
    """Whether a path lies in a directory (and is not the directory)."""
    return path.startswith(directory.rstrip("/") + "/")


def environment(plan: Plan, environ: dict[str, str]) -> dict[str, str]:
    """The environment inside: what the plan keeps of this one, and what it sets."""
    exact = {name for name in plan.keep if not name.endswith("*")}
    prefixes = tuple(name[:-1] for name in plan.keep if name.endswith("*"))
    kept = {name: value for name, value in environ.items() if name in exact or (prefixes and name.startswith(prefixes))}
    return {**kept, **dict(plan.env)}
