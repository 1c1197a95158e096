"""The restorer of contained runs: their commits are transactions, taken back (or brought again) as a whole.

A point is either a commit, `<run>.commit<n>`, or what an undo itself did to commits: a note of the same name as the
undo, which turns each of them round.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from interlock.containment import recovery
from interlock.containment.change import shown
from interlock.containment.point import Entry
from interlock.containment.preimage import seen
from interlock.containment.rewind import Ahead, NotRewound, look_ahead, rewind
from interlock.containment.transaction import Transaction, load
from interlock.containment.undo import CONFLICT, LOST, Change, Deed, Problem, Ref, Step, World
from interlock.model.errors import NotFound, StateError

KIND = "overlay"
_COMMIT = re.compile(r"(r[0-9]+-[0-9a-f]{8})\.(commit[0-9]{1,4})")
_NOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Turn = tuple[str, bool]  # the name of a commit, and whether it is brought again


class Layers:
    """Implements `undo.Restorer` over the folder of contained runs."""

    kind = KIND

    def __init__(self, folders: Sequence[Path]) -> None:
        """`folders` are the places of runs: what a machine can do may change from daemon to daemon."""
        self._folders = folders

    def plan(self, deed: Deed, name: str, world: World, *, force: bool) -> Step:
        """See `undo.Restorer`. A conflict is never overridden: the commit's own objects would have to be copied."""
        del force
        changes: list[Change] = []
        problems: list[Problem] = []
        turns = self._turns(name)
        for commit, redo in turns:
            folder = self._place(commit)
            ahead = look_ahead(folder, redo=redo)
            transaction = load(folder)
            assert transaction is not None  # noqa: S101 - `look_ahead` has read it
            top = os.fsencode(transaction.plan.workspace)
            problems += [Problem(LOST, shown(path), "its content was not kept") for path in ahead.lost]
            # What a newer step of this plan puts back is no conflict then; the run itself looks again.
            met = {path for path, _ in ahead.conflicts if world.will(os.path.join(top, os.fsencode(path)))}
            for path, why in ahead.conflicts:
                if path not in met:
                    problems.append(Problem(CONFLICT, shown(path), why))
                    world.stick(os.path.join(top, os.fsencode(path)), why)
            changes += [Change("bring again" if redo else "take back", shown(path)) for path in (*ahead.paths, *met)]
            _foresee(transaction, ahead, world)
        return Step(deed.entry, Ref(KIND, name), tuple(changes), tuple(problems), json.dumps(turns).encode())

    def guard(self, works: Sequence[bytes], name: str) -> bool:
        """See `undo.Restorer`. Nothing is copied: a transaction that was taken back can be brought again."""
        turns = [(commit, not redo) for work in reversed(works) for commit, redo in reversed(_turns(work))]
        note = self._note(name)
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = note.with_name(f"{note.name}.new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(json.dumps(turns).encode())
            file.flush()
            os.fsync(file.fileno())
        new.rename(note)
        return bool(turns)

    def run(self, work: bytes, *, again: bool = False) -> tuple[Problem, ...]:
        """See `undo.Restorer`."""
        problems: list[Problem] = []
        for commit, redo in _turns(work):
            folder = self._place(commit)
            if again:
                recovery.recover(folder)
            try:
                done = rewind(folder, redo=redo, around=True)
            except NotRewound as error:
                problems.append(Problem(CONFLICT, commit, str(error)))
                continue
            problems += [Problem(CONFLICT, shown(path), why) for path, why in done.conflicts]
            problems += [Problem(LOST, shown(path), "its content was not kept") for path in done.lost]
        return tuple(problems)

    def finish(self, name: str) -> None:
        """See `undo.Restorer`: the transaction's journal knows what it left."""

    def _turns(self, name: str) -> list[Turn]:
        if _COMMIT.fullmatch(name):
            return [(name, False)]
        try:
            return _turns(self._note(name).read_bytes())
        except FileNotFoundError as error:
            raise NotFound(f"what undo {name} did to contained runs is not noted any more.") from error

    def _place(self, commit: str) -> Path:
        match = _COMMIT.fullmatch(commit)
        if match is None:
            raise StateError(f"{commit!r} names no commit of a contained run.")
        places = [folder / match[1] / match[2] for folder in self._folders]
        return next((place for place in places if place.is_dir()), places[0])

    def _note(self, name: str) -> Path:
        if not _NOTE.fullmatch(name):
            raise StateError(f"{name!r} names no undo.")
        return self._folders[0] / "undone" / name


def _foresee(transaction: Transaction, ahead: Ahead, world: World) -> None:
    """What will stand at each path: what its slot holds now, or nothing where it was created."""
    plan = transaction.plan
    for number in ahead.steps:
        step = plan.steps[number]
        path = os.path.join(os.fsencode(plan.workspace), os.fsencode(step.path))
        slot = os.path.join(os.fsencode(plan.stage), b"%d" % number)
        world.put(path, seen(slot), source=slot) if os.path.lexists(slot) else world.put(path, Entry())


def _turns(work: bytes) -> list[Turn]:
    found = json.loads(work)
    return [(str(commit), bool(redo)) for commit, redo in found]
