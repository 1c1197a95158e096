"""Which commits of a repository are people's: what its refs named when a session began, but for what agents made.

A note for each repository, in Interlock's own directory, where no contained run sees it. It tells two sets of objects
apart: those that refs named at the start of a session while no agent was at work (`trusted`), and those that first
showed after an agent acted, or while another of its sessions was open (`agents`). What is once an agent's stays so.
What a process makes that outlives its agent's sessions is taken for a person's (docs/security.md).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
from collections.abc import Hashable
from pathlib import Path

import msgspec

from interlock.containment import refs

_MOST = 50_000  # objects of one note; beyond that nothing more is trusted


class _Note(msgspec.Struct, frozen=True):
    trusted: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    acting: bool = False  # an agent's action was released since refs were last looked at


class Histories:
    """The notes of one installation. Never raises: where a note cannot be read or written, nothing is trusted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes: dict[str, _Note] = {}
        self._open: dict[str, set[Hashable]] = {}
        self._lock = threading.Lock()

    def opened(self, workspace: str, session: Hashable, *, resumed: bool = False) -> None:
        """A session begins in a workspace; `resumed`: it was open before this daemon was."""
        place = refs.find(os.path.realpath(workspace))
        if place is None:
            return
        with self._lock:
            others = self._open.setdefault(place.common, set()) - {session}
            self._open[place.common].add(session)
            note = self._note(place.common)
            alone = not (others or resumed or (note is not None and note.acting))
            self._look(place, note or _Note(), people=alone)

    def acting(self, workspace: str) -> None:
        """An agent's action that changes something is about to be released."""
        place = refs.find(os.path.realpath(workspace))
        if place is None:
            return
        with self._lock:
            note = self._note(place.common) or _Note()
            if not note.acting:
                self._keep(place.common, msgspec.structs.replace(note, acting=True))

    def acted(self, workspace: str) -> None:
        """Such an action has ended: what refs name that nobody knew before is the agent's."""
        place = refs.find(os.path.realpath(workspace))
        if place is None:
            return
        with self._lock:
            note = self._note(place.common)
            if note is None or note.acting:
                self._look(place, note or _Note(), people=False)

    def closed(self, workspace: str, session: Hashable) -> None:
        """A session has ended."""
        self.acted(workspace)
        place = refs.find(os.path.realpath(workspace))
        if place is not None:
            with self._lock:
                self._open.get(place.common, set()).discard(session)

    def trusted(self, workspace: str) -> tuple[frozenset[str], frozenset[str]]:
        """What people's refs named, and what agents' did, in the repository around a workspace."""
        place = refs.find(os.path.realpath(workspace))
        if place is None:
            return frozenset(), frozenset()
        with self._lock:
            note = self._note(place.common) or _Note()
        return note.trusted, note.agents

    def _look(self, place: refs.Place, note: _Note, *, people: bool) -> None:
        new = refs.named(place) - note.trusted - note.agents
        full = len(note.trusted) + len(note.agents) + len(new) > _MOST
        trusted = note.trusted | new if people and not full else note.trusted
        agents = note.agents if people or full else note.agents | new
        self._keep(place.common, _Note(trusted, agents))

    def _note(self, common: str) -> _Note | None:
        known = self._notes.get(common)
        if known is not None:
            return known
        try:
            known = msgspec.json.decode(self._path(common).read_bytes(), type=_Note)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            known = _Note(acting=True)  # what it said is lost: nothing that is there now is trusted
        self._notes[common] = known
        return known

    def _keep(self, common: str, note: _Note) -> None:
        if self._notes.get(common) == note:
            return
        self._notes[common] = note
        path = self._path(common)
        new = path.with_name(f".{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.write_bytes(msgspec.json.encode(note))
            new.rename(path)
        except OSError:
            self._notes[common] = msgspec.structs.replace(note, trusted=frozenset())
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)

    def _path(self, common: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(common)).hexdigest()[:32]}.json"
