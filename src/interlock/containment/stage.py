"""The stage of a transaction: filled from the upper layer before the first run, emptied into it after a failure."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from interlock.containment import desk
from interlock.containment.change import NOTHING, look
from interlock.containment.descent import HANDLE, LISTED, Descent, split
from interlock.containment.system import move
from interlock.containment.transaction import Transaction

CLEARING = ".clearing"


def fill(transaction: Transaction) -> None:
    """Make the stage, and bring what will go into the workspace from the upper layer to its slots. Raises OSError."""
    os.mkdir(transaction.plan.stage, 0o700)
    slots = os.open(transaction.plan.stage, HANDLE)
    try:
        root = os.open(transaction.plan.upper, LISTED)
        try:
            with Descent(root) as upper:
                for number, step in enumerate(transaction.plan.steps):
                    if step.made:
                        os.mkdir(str(number), 0o700, dir_fd=slots)
                    elif step.verb != "take":
                        directory, name = split(step.path)
                        move(name, upper.at(directory), str(number), slots)
        finally:
            os.close(root)
    finally:
        os.close(slots)


def clear(transaction: Transaction) -> None:
    """Take away a transaction of which nothing stands: what its slots hold goes back to the upper layer.

    The stage gets another name first: so a recovery knows that no step is to be taken back any more.

    Raises OSError: may be tried again.
    """
    stage = transaction.plan.stage
    with contextlib.suppress(FileNotFoundError):
        os.rename(stage, stage + CLEARING)
    desk.remove(transaction.plan)
    with contextlib.suppress(FileNotFoundError):
        slots = os.open(stage + CLEARING, HANDLE)
        try:
            _unfill(transaction, slots)
        finally:
            os.close(slots)
    remove(transaction.folder, stage)


def is_clearing(transaction: Transaction) -> bool:
    """Whether `clear` had begun."""
    return os.path.lexists(transaction.plan.stage + CLEARING) or not os.path.lexists(transaction.plan.stage)


def _unfill(transaction: Transaction, slots: int) -> None:
    root = os.open(transaction.plan.upper, LISTED)
    try:
        with Descent(root) as upper:
            for number, step in enumerate(transaction.plan.steps):
                if step.verb == "take" or look(str(number), slots) is NOTHING:
                    continue
                if step.made:
                    os.rmdir(str(number), dir_fd=slots)
                    continue
                directory, name = split(step.path)
                move(str(number), slots, name, upper.at(directory))
    finally:
        os.close(root)


def remove(folder: Path, stage: str) -> None:
    """Take away a transaction that holds nothing, its journal last. Raises OSError."""
    for place in (stage, stage + CLEARING):
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(place)
    with contextlib.suppress(FileNotFoundError):
        (folder / "journal").unlink()
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()
