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

from interlock.changes.change import Change, FileChange, Kind, Version
from interlock.changes.config import matches
from interlock.changes.finding import Finding, Weight
from interlock.changes.stage import Found, Plain

_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7}) \S|={7}$")
# Text that is shown in another order than it is read, or not at all (the "Trojan Source" set, and tags).
_HIDDEN = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad\u034f\u115f\u1160\u3164\U000e0000-\U000e007f]"
)
_JOINED = re.compile(
    "(?<=[\u0600-\u1cff\u200d\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]"
    "(?=[\u0600-\u1cff\u2190-\u2bff\U0001f000-\U0001faff])"
)


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
        findings += _unreadable(file)
        findings += _text(file)
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


def _unreadable(file: FileChange) -> Iterator[Finding]:
    new, old = file.after, file.before
    if new is None or (old and old.oid == new.oid and old.mode == new.mode):
        return
    said = _why_unread(new)
    if said:
        name, title, fix = said
        yield Finding(rule=f"scope/{name}", weight=Weight.REVIEW, path=file.path, anchor=new.oid, title=title, fix=fix)
    if new.executable and not (old and old.executable) and new.kind is Kind.BINARY:
        yield Finding(
            rule="scope/program", weight=Weight.BLOCK, path=file.path, anchor=new.oid,
            title="A compiled program is added.", why="Nobody can review what it does.", fix="Commit its source.",
        )  # fmt: skip


def _why_unread(new: Version) -> tuple[str, str, str] | None:
    if new.kind is Kind.SUBMODULE:
        return (
            "submodule",
            f"A submodule now stands at {new.oid[:12]}: its code is not part of this change.",
            "Review that commit in its own repository.",
        )
    if new.kind is Kind.HUGE:
        return (
            "huge",
            f"The file has {new.size >> 20} MiB and was not read.",
            "Split it, or keep generated data out of the repository.",
        )
    if new.kind is Kind.LINK:
        target = new.data.decode("utf-8", "replace")
        if target.startswith(("/", "~")) or ".." in target.split("/"):
            return "link", f"A link leads out of its folder: {target}", "Link to a file of the same folder, or copy it."
    if new.kind is Kind.BINARY and matches(new.path, _patterns("source")):
        return "encoding", "The file is not UTF-8 text, so no stage could read it.", "Save it as UTF-8."
    if new.kind is Kind.BINARY and matches(new.path, _patterns("opaque")):
        return (
            "opaque",
            "The file holds others, or code that is no text: it was not unpacked, and no stage could read it.",
            "Commit what it is made of, or have a person say where it comes from.",
        )
    return None


@cache
def _patterns(name: str) -> tuple[str, ...]:
    data = tomllib.loads(resources.files("interlock.changes.data").joinpath("scope.toml").read_text("utf-8"))
    return tuple(data[name]["paths"].split())


def _text(file: FileChange) -> Iterator[Finding]:
    for number, line in file.added():
        if line.isascii() and line[:1] not in "<>|=":
            continue
        if _CONFLICT.match(line) and not (line[:1] == "=" and not _conflicted(file)):
            yield Finding(
                rule="scope/conflict", weight=Weight.BLOCK, path=file.path, line=number, anchor=line[:20], text=line,
                title="A marker of a merge conflict was committed.", fix="Resolve the conflict.",
            )  # fmt: skip
        hidden = sorted(
            {m[0] for m in _HIDDEN.finditer(_JOINED.sub("", line))}
            - ({"\ufeff"} if number == 1 and line[0] == "\ufeff" else set())
        )
        if hidden:
            named = ", ".join(f"U+{ord(c):04X}" for c in hidden[:5])
            yield Finding(
                rule="scope/hidden-text", weight=Weight.BLOCK, path=file.path, line=number, anchor=line, text=line,
                title=f"The line holds characters that do not show ({named}): it is not what it looks like.",
                why="What a reviewer sees and what a machine reads differ.", fix="Write them as escapes.",
            )  # fmt: skip


def _conflicted(file: FileChange) -> bool:
    return any(line.startswith("<<<<<<< ") for _, line in file.added())


STAGE = Plain("scope", run, version="2", budget=5.0)
