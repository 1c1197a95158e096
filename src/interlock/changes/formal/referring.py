"""Descriptions that a change leaves alone, while it touches documents that they may refer to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from interlock.changes import shapes
from interlock.changes.change import Change, Kind
from interlock.changes.formal.described import ENDINGS, looks

_MOST = 2_000  # files of JSON and YAML that are looked at
_SIZE = 32 << 20  # bytes of them
_AT_ONCE = 50
_COMPARED = 20  # descriptions
_OUT = re.compile(r"""\$ref["']?\s*:\s*["']?([^"'#\s{}\[\],]+\.(?:json|ya?ml))\b""")


def referring(change: Change, notes: list[str]) -> list[str]:
    """The paths of unchanged descriptions from which references lead to a changed document, over others too."""
    touched = {
        side.path
        for file in change.files
        for side in (file.before, file.after)
        if side is not None and side.kind is Kind.TEXT and side.path.endswith(ENDINGS) and not shapes.is_test(side.path)
    }
    if not touched:
        return []
    paths = [path for path in change.paths() if path.endswith(ENDINGS) and not shapes.is_test(path)]
    texts = _texts(change, paths)
    if texts is None:
        notes.append(
            "there are too many files of JSON and YAML to look for descriptions that refer to what has changed"
        )
        return []
    changed = {file.path for file in change.files}
    leads = {path: _targets(path, text) for path, text in texts.items()}
    found = [
        path for path, text in texts.items()
        if path not in changed and looks(path, text) and touched & _reached(path, leads)
    ]  # fmt: skip
    if len(found) > _COMPARED:
        notes.append(f"{len(found) - _COMPARED} more descriptions refer to what has changed, and were not compared")
    return found[:_COMPARED]


def _texts(change: Change, paths: list[str]) -> dict[str, str] | None:
    """Their contents, or None where that is too much."""
    found: dict[str, str] = {}
    size = 0
    for first in range(0, len(paths), _AT_ONCE):
        for path, raw in change.reads(paths[first : first + _AT_ONCE]).items():
            if raw is not None:
                size += len(raw)
                found[path] = raw.decode("utf-8", "replace")
        if size > _SIZE or len(paths) > _MOST:
            return None
    return found


def _targets(path: str, text: str) -> set[str]:
    folder = posixpath.dirname(path)
    return {posixpath.normpath(posixpath.join(folder, place)) for place in _OUT.findall(text)}


def _reached(start: str, leads: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    look: Iterable[str] = leads[start]
    while look:
        seen |= set(look)
        look = {target for path in look for target in leads.get(path, ())} - seen
    return seen
