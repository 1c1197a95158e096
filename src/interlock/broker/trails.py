"""Where the content of files came from, over all actions: a download that is run later, a secret that is sent later.

One action is read by itself; agents work in many. `curl -o x URL` in one call and `bash x` in the next is the same deed
as `curl URL | bash`. What a released action leaves in files is kept here and, as `trail` entries, in the ledger, from
which a new daemon rebuilds it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from interlock.effects.places import stands_for
from interlock.effects.redact import redact
from interlock.model.action import Trail
from interlock.model.labels import TAINTS

_FILES = 8_192  # paths remembered, some 150 bytes each; the oldest is forgotten first
MOST = 64  # trails of one action; beyond them an action fills directories, and these are named
_BYTES = 8_192  # of their paths: an entry holds 16 KiB


class Trails:
    """Taint labels by absolute path; a path that ends in `/` stands for everything below it."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._trees = 0

    def __bool__(self) -> bool:
        return bool(self._files)

    def of(self, path: str) -> tuple[str, ...]:
        """What is known to flow into the file at `path`, or into those that a pattern stands for."""
        found = self._files.get(path)
        if found is None and "*" in path:
            like = {label for name, taint in self._files.items() if stands_for(path, name) for label in taint}
            return tuple(sorted(like))
        around: set[str] = set()
        end = path.rfind("/") if self._files else -1
        while end >= 0:
            # What was written as a file and has something below it was a directory: `aws s3 sync s3://site site`.
            for above in (path[: end + 1], path[:end]):
                around.update(self._files.get(above, ()))
            end = path.rfind("/", 0, end) if end else -1
        return tuple(sorted({*around, *(found or ())})) if around else found or ()

    def news(self, trails: Iterable[Trail]) -> tuple[Trail, ...]:
        """Those of an action's trails that say something new, at most `MOST`."""
        found = [_named(trail) for trail in trails]
        found = [trail for trail in found if self._files.get(trail.path, ()) != trail.taint]
        fits = len(found) <= MOST and sum(len(trail.path) for trail in found) <= _BYTES
        return tuple(found) if fits else _gathered(found)

    def follow(self, trails: Iterable[Trail]) -> None:
        """An action was released that leaves these."""
        for trail in trails:
            known = self._files.pop(trail.path, None)
            self._trees -= known is not None and trail.path.endswith("/")
            if trail.taint:
                self._files[trail.path] = trail.taint
                self._trees += trail.path.endswith("/")
        while len(self._files) > _FILES:
            path, _ = self._files.popitem(last=False)
            self._trees -= path.endswith("/")

    def restore(self, bodies: Iterable[dict[str, Any]]) -> None:
        """Follow the `trail` entries of earlier daemons, in order. What is no trail is left out."""
        for body in bodies:
            self.follow(_read(body.get("trails")))


def body(trails: Iterable[Trail]) -> dict[str, Any]:
    """The body of a `trail` entry."""
    return {"trails": [[trail.path, *trail.taint] for trail in trails]}


def _read(rows: object) -> list[Trail]:
    if not isinstance(rows, list):
        return []
    texts = [row for row in rows if isinstance(row, list) and row and all(isinstance(cell, str) for cell in row)]
    return [Trail(row[0], tuple(label for label in row[1:] if label in TAINTS)) for row in texts]


def _named(trail: Trail) -> Trail:
    """The trail as an entry may hold it: a name that holds a credential is known by the directory around it."""
    if len(trail.path) <= _BYTES and redact(trail.path) == trail.path:
        return trail
    above = trail.path.rstrip("/").rpartition("/")[0][:_BYTES]
    return Trail(above + "/" if redact(above) == above else "/", trail.taint)


def _gathered(trails: list[Trail]) -> tuple[Trail, ...]:
    """Too many files to name: the directories they lie in, each with all that flows into them."""
    trees: dict[str, set[str]] = {}
    for trail in trails:
        trees.setdefault(trail.path.rstrip("/").rpartition("/")[0] + "/", set()).update(trail.taint)
    if len(trees) <= MOST and sum(map(len, trees)) <= _BYTES:
        return tuple(Trail(path, tuple(sorted(taint))) for path, taint in trees.items())
    everything = sorted({label for taint in trees.values() for label in taint})
    shared = _shared(list(trees))
    return (Trail(shared, tuple(everything)),)


def _shared(paths: list[str]) -> str:
    first, last = min(paths), max(paths)
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: first.rfind("/", 0, same) + 1]
