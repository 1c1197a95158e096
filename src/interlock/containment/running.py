"""One journalled run through a transaction, and taking it back. Commit, undo, redo and recovery have no other way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from interlock.containment import desk, durable, stage, unkept
from interlock.containment.journal import Journal
from interlock.containment.moves import Conflict, Places, perform
from interlock.containment.transaction import Plan, Transaction, create
from interlock.model.errors import StateError


def first(folder: Path, plan: Plan) -> Transaction:
    """Begin a transaction in an empty folder and run through it forwards.

    Raises Conflict, OSError: it was taken back and the folder is gone. Raises StateError when that failed too.
    """
    try:
        transaction, journal = create(folder, plan)
    except OSError:
        stage.remove(folder, plan.stage)
        raise
    with journal:
        try:
            stage.fill(transaction)
            desk.lay_out(plan)
            with Places(plan) as places:
                numbers = list(range(len(plan.steps)))
                again(transaction, journal, places, numbers, {}, forward=True, settle=durable.settle)
        except (Conflict, OSError) as error:
            if transaction.ended:  # taken back but for what somebody else changed meanwhile
                raise StateError(f"{error}. It could not be taken back completely.") from error
            try:
                stage.clear(transaction)
            except OSError as second:
                raise StateError(f"{error}; clearing up failed too: {second}. It will be tried again.") from second
            raise
        after(transaction, journal)
    return transaction


def after(transaction: Transaction, journal: Journal) -> None:
    """What follows a run, and may as well follow later: the desk is cleared, what is not to be kept is dropped.

    Raises StateError: it will be tried again.
    """
    try:
        desk.put_away(transaction.plan)
        unkept.drop(transaction, journal)
    except OSError as error:
        raise StateError(f"it is done, but clearing up after it failed: {error}. It will be tried again.") from error


def again(
    transaction: Transaction,
    journal: Journal,
    places: Places,
    steps: list[int],
    leave: Mapping[int, int],
    *,
    forward: bool,
    settle: Callable[[Transaction, Places], None] | None = None,
) -> None:
    """Run through these steps; what they brought is waited for by `settle` before they are noted as done.

    Raises Conflict, OSError: it was taken back. Raises StateError when that failed too.
    """
    slots = transaction.slots
    if transaction.plan.desk:  # copies have numbers of their own
        slots = [places.slot(number).inode for number in range(len(slots))]
    transaction.record(journal, ["begin", forward, steps, list(leave.items()), slots])
    try:
        slots = perform(transaction, places, transaction.running, forward=forward)
        if settle is not None:
            settle(transaction, places)
        transaction.record(journal, ["end", forward, slots, []])
    except (Conflict, OSError) as error:
        try:
            back(transaction, journal, places)
        except OSError as second:
            raise StateError(f"{error}; taking it back failed too: {second}. It will be tried again.") from second
        raise


def back(transaction: Transaction, journal: Journal, places: Places) -> list[Conflict]:
    """Take back a run that did not end; returns what could not be, because somebody else changed it meanwhile.

    Raises OSError: it has to be tried again. May be repeated at any point.
    """
    begun = transaction.running
    stuck: list[Conflict] = []
    slots = perform(transaction, places, begun, forward=not begun.forward, stuck=stuck)
    if transaction.ended or stuck:
        # A failure to write it is no harm: taking it back once more finds everything in its place.
        with contextlib.suppress(OSError):
            numbers = [conflict.number for conflict in stuck]
            transaction.record(journal, ["end", not begun.forward, slots, numbers])
    return stuck
