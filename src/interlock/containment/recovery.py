"""After a crash: what had begun and not ended is taken back, by the same code that takes back a failure."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from interlock.containment import running, stage
from interlock.containment.journal import Journal
from interlock.containment.moves import Conflict, Places
from interlock.containment.transaction import load


class Recovered(NamedTuple):
    """What was found: `there` whether the transaction still exists, `committed` whether it stands in the workspace."""

    there: bool
    committed: bool
    taken_back: bool  # something had to be done
    stuck: tuple[str, ...] = ()  # paths that somebody else changed meanwhile, left as they are


def recover(folder: Path) -> Recovered:
    """Bring one transaction to where it last stood whole. May be repeated; does nothing to what ended.

    A commit that was interrupted is gone afterwards, its folder too, and the changes are in the upper layer again.

    Raises StateError for a damaged journal; OSError when the disk fails: it has to be tried again.
    """
    transaction = load(folder)
    if transaction is None:
        if folder.is_dir():
            stage.remove(folder, str(folder / "stage"))
        return Recovered(there=False, committed=False, taken_back=False)
    if not transaction.ended and (transaction.begun is None or stage.is_clearing(transaction)):
        stage.clear(transaction)
        return Recovered(there=False, committed=False, taken_back=True)
    stuck: list[Conflict] = []
    begun = transaction.begun is not None
    with Journal(folder / "journal") as journal:
        if begun:
            with Places(transaction.plan) as places:
                stuck = running.back(transaction, journal, places)
        if transaction.ended:
            if transaction.begun is None:  # else it could not be noted, and the desk is still what counts
                running.after(transaction, journal)
            return Recovered(True, transaction.committed, begun, tuple(conflict.path for conflict in stuck))
    stage.clear(transaction)
    return Recovered(there=False, committed=False, taken_back=True)
