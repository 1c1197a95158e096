"""The stage of a transaction: filled from the upper layer before the first run, emptied into it after a failure."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from interlock.containment.change import NOTHING
from interlock.containment.descent import LISTED, Descent, split
from interlock.containment.moves import Places
from interlock.containment.system import move
from interlock.containment.transaction import Transaction


def fill(transaction: Transaction, places: Places) -> None:
    """Bring what will go into the workspace from the upper layer to its slots. Raises OSError."""
    root = os.open(transaction.plan.upper, LISTED)
    try:
        with Descent(root) as upper:
            for number, step in enumerate(transaction.plan.steps):
                if step.verb == "take":
                    continue
                if step.made:
                    os.mkdir(str(number), 0o700, dir_fd=places.stage)
                    continue
                directory, name = split(step.path)
                move(name, upper.at(directory), str(number), places.stage)
    finally:
        os.close(root)


def unfill(transaction: Transaction, places: Places) -> None:
    """Bring what is in the slots back to the upper layer, as far as it came. Raises OSError."""
    root = os.open(transaction.plan.upper, LISTED)
    try:
        with Descent(root) as upper:
            for number, step in enumerate(transaction.plan.steps):
                if step.verb == "take" or places.slot(number) is NOTHING:
                    continue
                if step.made:
                    os.rmdir(str(number), dir_fd=places.stage)
                    continue
                directory, name = split(step.path)
                move(str(number), places.stage, name, upper.at(directory))
    finally:
        os.close(root)


def remove(folder: Path, stage: str) -> None:
    """Take away a transaction that holds nothing, its journal last. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(stage)
    with contextlib.suppress(FileNotFoundError):
        (folder / "journal").unlink()
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()
