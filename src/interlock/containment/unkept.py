"""What a transaction must not keep: contents that hold secrets are never stored outside of their place.

Once a run through the steps has ended, the slots that hold such an object are emptied; what they held cannot be brought
back any more, and the plan of an undo says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Set

from interlock.containment.change import Facts
from interlock.containment.descent import LISTED, Descent, split
from interlock.containment.journal import Journal
from interlock.containment.removal import remove_at
from interlock.containment.survey import Secret, survey
from interlock.containment.transaction import Step, Transaction


def named(steps: Iterable[Step], live: Descent, noted: Set[str], secret: Secret | None) -> tuple[tuple[int, str], ...]:
    """For each step whose objects hold secrets: its number, and the path inside of its slot. Raises OSError.

    `noted` are the changes that the listing marked; without `secret` to ask, all that such a change took out counts.
    """
    found: list[tuple[int, str]] = []
    for number, step in enumerate(steps):
        if secret is None:
            found += [(number, "")] if step.change in noted and step.before.kind != "none" else []
        elif any(_plain(seen) for seen in (step.before, step.after)) and secret(step.path):
            found.append((number, ""))
        elif step.before.kind == "directory" and step.before.entries:
            directory, name = split(step.path)
            inside = survey(live.at(directory), name, step.path, secret).secrets
            found += [(number, path[len(step.path) + 1 :]) for path in inside]
    return tuple(found)


def _plain(seen: Facts) -> bool:
    return seen.kind in ("file", "symlink")


def drop(transaction: Transaction, journal: Journal) -> None:
    """Empty the slots of what is not to be kept. Raises OSError: may be tried again."""
    waiting = [(number, inside) for number, inside in transaction.plan.secrets if number not in transaction.lost]
    if not waiting:
        return
    stage = os.open(transaction.plan.stage, LISTED)
    try:
        whole = [number for number, inside in waiting if not inside and _there(str(number), stage)]
        if whole:
            transaction.record(journal, ["lost", whole])
        for number in whole:
            remove_at(str(number), stage)
        for number, inside in waiting:
            if inside and _there(str(number), stage):
                directory, name = split(f"{number}/{inside}")
                with Descent(stage, LISTED) as slots:
                    remove_at(name, slots.at(directory))
    finally:
        os.close(stage)


def _there(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
