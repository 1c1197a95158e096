"""What a commit moved and put back: its ctime is younger than the run, though nobody changed it.

A note beside the run, path by path. Losing it does no harm but that these originals then count as changed meanwhile.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from interlock.containment.change import Facts, from_bytes, look, to_bytes
from interlock.containment.descent import HANDLE, Descent, split
from interlock.containment.transaction import Transaction

_NAME = "returned"
Returned = Mapping[str, tuple[int, int]]  # path -> inode, and ctime in nanoseconds when it was back


def returned(run: Path) -> Returned:
    """What the note in a run's folder says; nothing when there is none."""
    try:
        return from_bytes((run / _NAME).read_bytes(), dict[str, tuple[int, int]])
    except (OSError, ValueError):
        return {}


def is_back(path: str, seen: Facts, known: Returned) -> bool:
    """Whether what stands there is what was put back, and was not touched since."""
    return known.get(path) == (seen.inode, seen.ctime)


def note(transaction: Transaction) -> None:
    """Write down what of a transaction's originals is back in its place."""
    with contextlib.suppress(OSError):
        run = transaction.folder.parent
        known = dict(returned(run))
        known.update(_back(transaction))
        new = run / f"{_NAME}.new"
        new.write_bytes(to_bytes(known))
        os.rename(new, run / _NAME)


def _back(transaction: Transaction) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    root = os.open(transaction.plan.workspace, HANDLE)
    try:
        with Descent(root) as live:
            for step in transaction.plan.steps:
                if step.verb == "put":
                    continue
                directory, name = split(step.path)
                with contextlib.suppress(OSError):
                    seen = look(name, live.at(directory))
                    if seen.is_inode(step.before):
                        found[step.path] = (seen.inode, seen.ctime)
    finally:
        os.close(root)
    return found
