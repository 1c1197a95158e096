"""Stage *scope*: what the change touches that it should not, or that a person has to see.

Paths by data, files that nobody can read line by line, the gate's own configuration, text that is not as it looks.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

from interlock.changes.change import Change, FileChange
from interlock.changes.config import matches
from interlock.changes.contents import unread
from interlock.changes.finding import Finding, Weight
from interlock.changes.hidden import hidden
from interlock.changes.stage import Found, Plain
from interlock.changes.treenames import mistaken

_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7}) \S|={7}$")


class Area(NamedTuple):
    """A class of paths: what it is, what touching it weighs."""

    id: str
    weight: Weight
    title: str
    fix: str
    paths: tuple[str, ...]


@cache
def areas() -> tuple[Area, ...]:
    """The packaged classes of paths, in their order."""
    data = tomllib.loads(resources.files("interlock.changes.data").joinpath("scope.toml").read_text("utf-8"))
    return tuple(
        Area(a["id"], Weight(a["weight"]), a["title"], a.get("fix", ""), tuple(a["paths"].split()))
        for a in data["area"]
    )


def area_of(path: str, change: Change) -> Area | None:
    """The first class that a path belongs to; the base's configuration can take it out of the packaged ones."""
    if matches(path, change.config.scope.ordinary):
        return next((a for a in areas() if a.weight is Weight.BLOCK and matches(path, a.paths)), None)
    return next((a for a in areas() if matches(path, a.paths)), None)


def run(change: Change) -> Found:
    """Judge where the change is, and whether it can be read."""
    findings: list[Finding] = []
    touched: set[str] = set()
    for file in change.files:
        findings += _paths(file, change, touched)
        findings += unread(file)
        findings += _text(file)
    findings += mistaken(change)
    facts = {"areas": " ".join(sorted(touched)), "files": str(len(change.files))}
    return Found(findings=tuple(findings), facts=facts)


def _paths(file: FileChange, change: Change, touched: set[str]) -> Iterator[Finding]:
    for path in dict.fromkeys((file.path, file.old_path)):
        if pattern := matches(path, change.config.scope.forbidden):
            yield Finding(
                rule="scope/forbidden", weight=Weight.BLOCK, path=path, anchor=path,
                title=f"No change may touch this path ({pattern} in the base's configuration).",
                fix="Leave it as it is, or have a person change it outside of the gate.",
            )  # fmt: skip
        elif pattern := matches(path, change.config.scope.sensitive):
            yield Finding(
                rule="scope/sensitive", weight=Weight.REVIEW, path=path, anchor=path,
                title=f"A person has to look at changes of this path ({pattern} in the base's configuration).",
                fix="Ask for a review of this file.",
            )  # fmt: skip
        if area := area_of(path, change):
            touched.add(area.id)
            yield Finding(
                rule=f"scope/{area.id}", weight=area.weight, path=path, anchor=path, title=area.title, fix=area.fix
            )


def _text(file: FileChange) -> Iterator[Finding]:
    for number, line in file.added():
        if line[:1] in "<>|=" and _CONFLICT.match(line) and not (line[:1] == "=" and not _conflicted(file)):
            yield Finding(
                rule="scope/conflict", weight=Weight.BLOCK, path=file.path, line=number, anchor=line[:20], text=line,
                title="A marker of a merge conflict was committed.", fix="Resolve the conflict.",
            )  # fmt: skip
        if found := hidden(line, first=number == 1):
            yield Finding(
                rule="scope/hidden-text", weight=Weight.BLOCK, path=file.path, line=number, anchor=line, text=line,
                title=f"The line holds characters that do not show ({found}): it is not what it looks like.",
                why="What a reviewer sees and what a machine reads differ.", fix="Write them as escapes.",
            )  # fmt: skip


def _conflicted(file: FileChange) -> bool:
    return any(line.startswith("<<<<<<< ") for _, line in file.added())


STAGE = Plain("scope", run, version="3", budget=5.0)
