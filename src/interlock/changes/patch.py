"""The heads of a patch without context (`git diff-tree -p -U0`): which lines are new and which are gone. Pure.

Only the heads of hunks are believed; their bodies are skipped by the counts in the heads, so that no content can pose
as a head.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_START = b"diff --git "


class Hunk(NamedTuple):
    """Lines `old` of the old version became lines `new` of the new one; both count from 1 and may be empty."""

    old: range
    new: range


def hunks(patch: bytes) -> list[list[Hunk]]:
    """For each file of the patch, in its order, the hunks.

    Raises:
        ValueError: this is no patch that git wrote.
    """
    files: list[list[Hunk]] = []
    lines = iter(patch.split(b"\n"))
    for line in lines:
        if line.startswith(_START):
            files.append([])
        elif line.startswith(b"@@ "):
            match = _HUNK.match(line)
            if match is None or not files:
                raise ValueError("a hunk that cannot be read")
            old, new = _range(match[1], match[2]), _range(match[3], match[4])
            files[-1].append(Hunk(old, new))
            _skip(lines, len(old) + len(new))
    return files


def _skip(lines: Iterator[bytes], count: int) -> None:
    while count:
        mark = next(lines, b"!")[:1]
        if mark not in (b"+", b"-", b"\\"):
            raise ValueError("a hunk that is shorter than it says")
        count -= mark != b"\\"  # `\ No newline at end of file` is no line of either side


def _range(start: bytes, count: bytes | None) -> range:
    first, many = int(start), 1 if count is None else int(count)
    return range(first, first + many) if many else range(first + 1, first + 1)
