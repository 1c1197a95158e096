"""What changed in a text, for showing: a unified diff with a bound on what is read and on what is shown.

The bytes come from descriptors that the caller opened; nothing here follows a link. What is no text, or too large, is
said in one line instead.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from typing import NamedTuple

from interlock.containment.change import Change, shown
from interlock.containment.descent import LISTED, Descent, split

MOST_BYTES = 256 << 10  # of either side: difflib is quadratic at worst
MOST_LINES = 4_000  # of either side, for the same reason
SHOWN_LINES = 200
_WIDTH = 400
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Diff(NamedTuple):
    """Lines for showing, without control characters; `cut` says that there are more."""

    lines: tuple[str, ...]
    cut: bool = False


def diff(change: Change, upper: int, live: int, *, most: int = SHOWN_LINES) -> Diff:
    """How one change of a run that is not committed yet changes a text; the roots of both sides are open directories.

    Raises OSError when either cannot be read.
    """
    if change.after.kind == "symlink" or change.before.kind == "symlink":
        return Diff(tuple(_link(change)))
    if "directory" in (change.before.kind, change.after.kind) or "other" in (change.before.kind, change.after.kind):
        return Diff(())
    old = _content(live, change.source or change.path) if change.before.kind == "file" else b""
    new = _content(upper, change.path) if change.after.kind == "file" else b""
    return between(old, new, change.path, most=most)


def between(old: bytes | None, new: bytes | None, path: str, *, most: int = SHOWN_LINES) -> Diff:
    """The diff of two contents, None for one that is too large."""
    if old is None or new is None:
        return Diff(("too large to compare here",))
    if b"\0" in old or b"\0" in new:
        return Diff((f"binary: {len(old)} bytes, now {len(new)}",))
    before, after = (side.decode("utf-8", "backslashreplace").splitlines() for side in (old, new))
    if max(len(before), len(after)) > MOST_LINES:
        return Diff((f"{len(before)} lines, now {len(after)}",))
    name = shown(path)
    said = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm="")
    lines: list[str] = []
    for line in said:
        if len(lines) == most:
            return Diff(tuple(lines), cut=True)
        lines.append(_line(line))
    return Diff(tuple(lines))


def _link(change: Change) -> Iterator[str]:
    if change.before.kind != "none":
        yield f"-{_what(change.before.kind, change.before.target)}"
    if change.after.kind != "none":
        yield f"+{_what(change.after.kind, change.after.target)}"


def _what(kind: str, target: str) -> str:
    return f"link to {shown(target)}" if kind == "symlink" else kind


def _content(root: int, path: str) -> bytes | None:
    directory, name = split(path)
    with Descent(root, LISTED) as tree:
        fd = os.open(name, _READ, dir_fd=tree.at(directory))
    with open(fd, "rb") as file:
        raw = file.read(MOST_BYTES + 1)
    return raw if len(raw) <= MOST_BYTES else None


def _line(text: str) -> str:
    kept = text if len(text) <= _WIDTH else text[:_WIDTH] + "…"
    return "".join(each if each.isprintable() or each == "\t" else f"\\u{{{ord(each):x}}}" for each in kept)
