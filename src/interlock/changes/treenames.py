"""Names in the tree that a person or a system takes for others; a part of stage *scope*."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from interlock.changes.change import Change, FileChange, Kind
from interlock.changes.finding import Finding, Weight
from interlock.changes.hidden import hidden

# What file systems of macOS and Windows take for `.git`: other cases, letters that do not count, short names, streams.
_GIT = re.compile(r"(?:\.git|git~\d+)[ .]*(?::.*)?", re.IGNORECASE | re.DOTALL)
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_HOPS = 16  # links that lead to links


def mistaken(change: Change) -> Iterator[Finding]:
    """New names that are not what they look like."""
    new = [file for file in change.files if file.after is not None and file.status in ("added", "renamed")]
    for file in new:
        yield from _name(file)
    if new:
        yield from _same(new, change)
    linked = [file for file in change.files if file.after is not None and file.after.kind is Kind.LINK]
    if linked:
        yield from _through(linked, change)


def _name(file: FileChange) -> Iterator[Finding]:
    if any(_GIT.fullmatch(_IGNORED.sub("", part)) for part in file.path.split("/")):
        yield Finding(
            rule="scope/git-folder", weight=Weight.BLOCK, path=file.path, anchor=file.path,
            title="Some systems take this path for git's own folder.",
            why="What is checked out there can be a hook, which git runs.", fix="Give it another name.",
        )  # fmt: skip
    if found := hidden(file.path):
        yield Finding(
            rule="scope/hidden-name", weight=Weight.BLOCK, path=file.path, anchor=file.path,
            title=f"The name holds characters that do not show ({found}): it is not what it looks like.",
            why="It may stand beside a file of the same look.", fix="Give it another name.",
        )  # fmt: skip


def _same(new: list[FileChange], change: Change) -> Iterator[Finding]:
    """Names that differ by the case of letters alone: where case does not count, one takes the other's place."""
    folded: dict[str, set[str]] = {folder.casefold(): set() for file in new for folder in _down(file.path)}
    for folder in {folder for path in change.paths() for folder in _down(path)}:
        if (key := folder.casefold()) in folded:
            folded[key].add(folder)
    for file in new:
        for folder in _down(file.path):
            if others := folded[folder.casefold()] - {folder}:
                yield Finding(
                    rule="scope/same-name", weight=Weight.REVIEW, path=file.path, anchor=file.path,
                    title=f"But for the case of letters the name is that of {min(others)}.",
                    why="Where case does not count, one takes the place of the other.", fix="Give it another name.",
                )  # fmt: skip
                break


def _down(path: str) -> Iterator[str]:
    """Each folder on the way to a file, and the file."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)
    yield path


def _through(linked: list[FileChange], change: Change) -> Iterator[Finding]:
    """Links that leave the tree by way of another link, which alone says so."""
    links = {path: target.decode("utf-8", "replace") for path, target in change.links().items()}
    for file in linked:
        if file.before is not None and file.after is not None and file.before.oid == file.after.oid:
            continue
        if _leaves(file.path, links):
            yield Finding(
                rule="scope/link", weight=Weight.REVIEW, path=file.path, anchor=links.get(file.path, ""),
                title="A link leads out of the repository by way of another link.",
                fix="Link to a file of the same folder, or copy it.",
            )  # fmt: skip


def _leaves(path: str, links: dict[str, str]) -> bool:
    """Whether following a link, and each link on its way, ends outside. One that goes in circles does."""
    for _ in range(_HOPS):
        parts = path.split("/")
        at = next((n for n in range(1, len(parts) + 1) if "/".join(parts[:n]) in links), 0)
        if not at:
            return False
        here, target = "/".join(parts[:at]), links["/".join(parts[:at])]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), target, *parts[at:]))
        if path.startswith(("/", "../")) or path == "..":
            return True
    return True
