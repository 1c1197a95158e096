"""The restorer of contained runs: their commits are transactions, taken back (or brought again) as a whole.

A point is either a commit, `<run>.commit<n>`, or what an undo itself did to commits: a note of the same name as the
undo, which turns each of them round.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from interlock.containment import lasting, recovery
from interlock.containment.change import shown
from interlock.containment.foresight import foreseen
from interlock.containment.rewind import NotRewound, Only, rewind
from interlock.containment.transaction import Transaction, load
from interlock.containment.undo import CONFLICT, LOST, Change, Deed, Problem, Ref, Step, World
from interlock.model.errors import NotFound, StateError

KIND = "overlay"
_COMMIT = re.compile(r"(r[0-9]+-[0-9a-f]{8})\.(commit[0-9]{1,4})")
_NOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """A commit, whether it is brought again, and which of its steps (None: all)."""

    commit: str
    redo: bool
    only: Only = None


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
        for turn in turns:
            transaction = self._load(turn.commit)
            found = foreseen(turn.commit, transaction, world, redo=turn.redo, only=turn.only)
            top = os.fsencode(transaction.plan.workspace)
            problems += [Problem(LOST, shown(path), "its content was not kept") for path in found.lost]
            for path, why in found.conflicts:
                problems.append(Problem(CONFLICT, shown(path), why))
                world.stick(os.path.join(top, os.fsencode(path)), why)
            changes += [Change("bring again" if turn.redo else "take back", shown(path)) for path in found.paths]
        return Step(deed.entry, Ref(KIND, name), tuple(changes), tuple(problems), msgspec.json.encode(turns))

    def prepare(self, works: Sequence[bytes]) -> None:
        """See `undo.Restorer`. Nothing is copied: a transaction that was taken back can be brought again."""
        for work in works:
            for turn in _turns(work):
                self._load(turn.commit)

    def guard(self, works: Sequence[bytes], name: str) -> None:
        """See `undo.Restorer`. What of a commit is on the other side already stays there when this is undone."""
        back = [self._back(turn) for work in works for turn in _turns(work)]
        note = self._note(name)
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = note.with_name(f"{note.name}.new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(back[::-1]))
            file.flush()
            os.fsync(file.fileno())
        new.rename(note)

    def run(self, work: bytes, *, again: bool = False) -> tuple[Problem, ...]:
        """See `undo.Restorer`."""
        problems: list[Problem] = []
        for turn in _turns(work):
            folder = self._place(turn.commit)
            if again:
                recovery.recover(folder)
            try:
                (lasting.bring if turn.redo else lasting.keep)(self._load(turn.commit))
                done = rewind(folder, redo=turn.redo, around=True, only=turn.only)
            except (NotRewound, OSError) as error:
                problems.append(Problem(CONFLICT, turn.commit, str(error)))
                continue
            problems += [Problem(CONFLICT, shown(path), why) for path, why in done.conflicts]
            problems += [Problem(LOST, shown(path), "its content was not kept") for path in done.lost]
        return tuple(problems)

    def finish(self, name: str) -> None:
        """See `undo.Restorer`: the transaction's journal knows what it left."""

    def _turns(self, name: str) -> list[Turn]:
        if _COMMIT.fullmatch(name):
            return [Turn(name, redo=False)]
        try:
            return _turns(self._note(name).read_bytes())
        except FileNotFoundError as error:
            raise NotFound(f"what undo {name} did to contained runs is not noted any more.") from error

    def _back(self, turn: Turn) -> Turn:
        transaction = self._load(turn.commit)
        applied = transaction.applied
        there = frozenset(number for number, is_there in enumerate(applied) if is_there is not turn.redo)
        whole = len(there) == len(applied) and (bool(applied) or transaction.stands is not turn.redo)
        return Turn(turn.commit, not turn.redo, None if whole else there)

    def _load(self, commit: str) -> Transaction:
        transaction = load(self._place(commit))
        if transaction is None:
            raise NotFound(f"what the contained run {commit.partition('.')[0]} committed is not kept any more.")
        return transaction

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


def _turns(work: bytes) -> list[Turn]:
    try:
        return msgspec.json.decode(work, type=list[Turn])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StateError("what an undo did to contained runs is not readable any more.") from error
