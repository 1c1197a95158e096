"""The stage of a transaction: filled from the upper layer before the first run, emptied into it after a failure."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from interlock.containment import desk, returned
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
        with _upper(transaction.plan.upper) as upper:
            for number, step in enumerate(transaction.plan.steps):
                if step.made:
                    os.mkdir(str(number), 0o700, dir_fd=slots)
                elif step.verb != "take":
                    directory, name = split(step.path)
                    parent = upper.at(directory)
                    with _loosened(parent):
                        if step.after.kind == "directory":
                            _loosen(name, parent)
                        move(name, parent, str(number), slots)
    finally:
        os.close(slots)


def clear(transaction: Transaction) -> None:
    """Take away a transaction of which nothing stands: what its slots hold goes back to the upper layer.

    The stage gets another name first: so a recovery knows that no step is to be taken back any more.

    Raises OSError: may be tried again.
    """
    returned.note(transaction)
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
    modes = {row.path: row.after.mode for row in transaction.plan.directories if row.there == "after"}
    with _upper(transaction.plan.upper) as upper:
        for number, step in enumerate(transaction.plan.steps):
            if step.verb == "take" or look(str(number), slots) is NOTHING:
                continue
            if step.made:
                os.rmdir(str(number), dir_fd=slots)
                continue
            directory, name = split(step.path)
            parent = upper.at(directory)
            with _loosened(parent):
                move(str(number), slots, name, parent)
                if step.path in modes:
                    os.chmod(name, modes[step.path], dir_fd=parent)


@contextlib.contextmanager
def _upper(path: str) -> Iterator[Descent]:
    root = os.open(path, LISTED)
    try:
        with Descent(root) as upper:
            yield upper
    finally:
        os.close(root)


@contextlib.contextmanager
def _loosened(directory: int) -> Iterator[None]:
    """With the right to move entries of an open directory of ours, whatever its mode says."""
    mode = _loosen(".", directory)
    try:
        yield
    finally:
        if mode is not None:
            os.chmod(".", mode, dir_fd=directory)


def _loosen(name: str, directory: int) -> int | None:
    """Give us the right; returns the mode as it was, None when it need not change."""
    if os.geteuid() == 0:
        return None
    mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode & 0o7777
    if mode & 0o700 == 0o700:
        return None
    os.chmod(name, mode | 0o700, dir_fd=directory)
    return mode


def remove(folder: Path, stage: str) -> None:
    """Take away a transaction that holds nothing, its journal last. Raises OSError."""
    for place in (stage, stage + CLEARING):
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(place)
    with contextlib.suppress(FileNotFoundError):
        (folder / "journal").unlink()
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()
