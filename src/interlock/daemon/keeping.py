"""How long what undo needs is kept: bounded by age and by size, the oldest gone first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from interlock.containment.removal import remove_tree
from interlock.containment.shelf import Shelf
from interlock.containment.store import BYTES_KEPT, SECONDS_KEPT, Store

_UNSETTLED = ("under-way", "held")  # a run with one of these still waits for its end, or for a person


class Keeping:
    """Everything that is kept for undo, of one daemon. `runs` are the places of contained runs."""

    def __init__(self, runs: Sequence[Path], shelf: Shelf, store: Store) -> None:
        self._runs = runs
        self._shelf = shelf
        self._store = store

    def prune(self, now: float, *, size: int = BYTES_KEPT, age: float = SECONDS_KEPT) -> int:
        """Drop what is older than `age` seconds, then the oldest until the rest fits in `size` bytes.

        What is held for a person goes by age alone. Returns how many runs were dropped. Raises OSError.
        """
        self._shelf.prune(now, age=age)
        self._store.prune(now, size=size, age=age)
        found = sorted(
            (folder.stat().st_mtime, folder) for place in self._runs for folder in place.glob("r*-*") if folder.is_dir()
        )
        sizes = {folder: _bytes(folder) for _, folder in found}
        total, dropped = sum(sizes.values()), 0
        for when, folder in found:
            waits = any((folder / name).exists() for name in _UNSETTLED)
            if now - when <= age and (waits or total <= size):
                continue
            remove_tree(folder)
            total -= sizes[folder]
            dropped += 1
        return dropped


def _bytes(folder: Path) -> int:
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as listed:
                for entry in listed:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue
    return total
