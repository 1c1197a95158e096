"""Whose each line of a file is, at a commit: carried through history, with the recorded states as further witnesses.

A line that a parent has is whose it was there. One that is new in a commit is looked for in the states of the file
that were seen, and in the commits that this one was made from. What none of them has is a person's where a person was
seen to commit it, and else nobody's. History is followed from old to new, and through renames.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import msgspec

from interlock.changes.provenance.carry import blended, carry
from interlock.changes.provenance.gitread import Repo
from interlock.changes.provenance.journal import Edit, Journal, named
from interlock.changes.provenance.moves import author_key
from interlock.changes.provenance.observer import Observer
from interlock.changes.provenance.owners import BASE, HUMAN, UNKNOWN, Owner, definite, resolved, together
from interlock.changes.provenance.text import EMPTY, Text, read, telling
from interlock.model.errors import StateError

_WITNESSES = 3  # states that are compared with a commit's content
_LOOKED = 24  # of which these are chosen, the newest
_KEPT = 256  # contents with their owners in memory
_DEEP = 40  # files within one question: renames, and commits that were made from others
_TYPED = frozenset({"commit", "commit (initial)", "commit (amend)", "commit (merge)"})


class Line(msgspec.Struct, frozen=True):
    """One line: whose it is, and the commit that brought it ("": none yet)."""

    owner: Owner
    commit: str


class Told(msgspec.Struct, frozen=True):
    """A content of a file with all its lines."""

    text: Text
    lines: tuple[Line, ...]


_NOTHING = Told(EMPTY, ())


class Blame:
    """Of one repository, for as long as its journal does not change."""

    def __init__(self, repo: Repo, observer: Observer) -> None:
        self._repo = repo
        self._observer = observer
        self._journal: Journal = observer.journals.of(repo.common)
        self._told: OrderedDict[tuple[str, str], Told | None] = OrderedDict()
        self._under_way: set[tuple[str, str]] = set()
        self._histories: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = {}
        self._shallow = repo.shallow()

    def at(self, commit: str, path: str) -> Told | None:
        """The lines of a file in a commit; None where it has none: no such file, binary, too large."""
        asked = (commit, path)
        if asked in self._told:
            self._told.move_to_end(asked)
            return self._told[asked]
        found = self._walk(commit, path)
        self._keep(asked, found)
        return found

    def now(self, path: str, raw: bytes) -> Told | None:
        """The lines of a file as it lies in the working tree, which was just looked at."""
        text = read(raw)
        if text is None:
            return None
        head = self._repo.head()
        committed = self.at(head, path) if head else None
        edit = self._journal.last.get((named(self._repo.top), named(path)))
        state = self._resolved(edit) if edit is not None and edit.state else None
        if state is not None and state.text.exact == text.exact:
            return self._with_commits(state, committed)
        if committed is None:
            return Told(text, (Line(UNKNOWN, ""),) * len(text))
        carried = carry(committed.text, [line.owner for line in committed.lines], text, UNKNOWN)
        told = Told(text, tuple(Line(owner or UNKNOWN, "") for owner in carried))
        return self._with_commits(told, committed)

    @staticmethod
    def _with_commits(told: Told, committed: Told | None) -> Told:
        if committed is None:
            return told
        marks = carry(committed.text, [(index,) for index in range(len(committed.lines))], told.text, (-1,))
        lines = []
        for line, mark in zip(told.lines, marks, strict=True):
            whole = mark is not None and len(mark) == 1 and isinstance(mark[0], int)
            commit = committed.lines[int(mark[0])].commit if mark is not None and whole else ""
            lines.append(msgspec.structs.replace(line, commit=commit))
        return Told(told.text, tuple(lines))

    def _walk(self, commit: str, path: str) -> Told | None:
        """Every version of the file that leads to this one, the oldest first."""
        history = self._history(commit, path)
        if not history:
            return None
        known: dict[str, Told | None] = {}
        for name, parents in reversed(history):
            asked = (name, path)
            if asked not in self._told:
                before = [told for parent in parents if (told := known.get(parent)) is not None]
                self._keep(asked, self._version(name, path, before, first=not parents))
            known[name] = self._told[asked]
        return known.get(history[0][0])

    def _history(self, commit: str, path: str) -> list[tuple[str, tuple[str, ...]]]:
        asked = (commit, path)
        if asked not in self._histories:
            if len(self._histories) >= _KEPT:
                self._histories.clear()
            self._histories[asked] = self._repo.history(commit, path)
        return self._histories[asked]

    def _before_rename(self, commit: str, path: str) -> tuple[str, str] | None:
        if commit in self._shallow:
            return None
        try:
            return self._repo.before_rename(commit, path)
        except StateError:
            return None

    def _version(self, commit: str, path: str, parents: Sequence[Told], *, first: bool) -> Told | None:
        """One version of the file, from those before it and from what was seen."""
        asked = (commit, path)
        if asked in self._under_way or len(self._under_way) >= _DEEP:
            return None  # it leads back to itself
        raw = self._repo.blob(commit, path)
        text = read(raw) if raw is not None else None
        if text is None:
            return None
        self._under_way.add(asked)
        try:
            draft = _Draft(text, commit, self._typed(commit))
            came = self._before_rename(commit, path) if first else None
            origin = self.at(*came) if came is not None else None
            for told in [origin] if origin is not None else parents:
                draft.inherit(told)
            if None in draft.lines:
                draft.ask(self._sources(draft, path))
            if None in draft.lines:
                draft.ask(self._witnesses(commit, [path, *([came[1]] if came is not None else [])], text))
            return Told(text, draft.done(self._observer.pasted(self._repo, text, draft.fresh())))
        finally:
            self._under_way.discard(asked)

    def _witnesses(self, commit: str, paths: Sequence[str], text: Text) -> list[Told]:
        """The states of the file that have most in common with this content, and the last one before the commit; their
        committed lines resolved.
        """
        mine = set(text.exact)
        made = self._journal.commits.get(commit)
        scored: list[tuple[int, int, Edit]] = []
        found: dict[str, Edit] = {}
        for path in paths:
            names: set[str] = set()
            for edit in reversed(self._journal.edits.get(named(path), [])):
                if made is not None and edit.entry < made.entry and edit.state:
                    found.setdefault(path, edit)
                if edit.state and edit.state not in names and len(names) < _LOOKED:
                    names.add(edit.state)
                    state = self._observer.state(edit)
                    if state is not None:
                        apart = len(mine.symmetric_difference(state.text.exact))
                        scored.append((apart, -edit.entry, edit))
        scored.sort(key=lambda row: row[:2])
        chosen = {edit.entry: edit for edit in [*(edit for _, _, edit in scored[:_WITNESSES]), *found.values()]}
        told = [self._resolved(edit, commit) for edit in chosen.values()]
        return [one for one in told if one is not None]

    def _resolved(self, edit: Edit, asking: str = "") -> Told | None:
        """A state, its committed lines told by the commit that was checked out when it was seen.

        What was committed when the commit that is `asking` was there already is left as it is: it says nothing of it.
        """
        state = self._observer.state(edit)
        if state is None:
            return None
        owners: Sequence[Owner] = state.owners
        if edit.head and any("b" in owner for owner in owners):
            base = edit.base or edit.path
            there = self._there(edit.head)
            made = self._journal.commits.get(asking)
            later = made is not None and edit.entry > made.entry
            if not later and not (there and any(name == asking for name, _ in self._history(edit.head, base))):
                committed = self.at(edit.head, base) if there else None
                theirs = {piece.at: piece for piece in _pieces(committed, state.text)} if committed is not None else {}
                owners = [_completed(owner, theirs.get(index)) for index, owner in enumerate(owners)]
        return Told(state.text, tuple(Line(owner, "") for owner in owners))

    def _there(self, commit: str) -> bool:
        return bool(self._repo.git("cat-file", "-t", commit, fine=(0, 128)).startswith(b"commit"))

    def _sources(self, draft: _Draft, path: str) -> list[Told]:
        """The same file in the commits that this one was made from: what a rebase, an amend or a pick started with."""
        made = self._journal.commits.get(draft.commit)
        names = list(made.source) if made is not None else []
        for fact in self._repo.facts([draft.commit]):
            alike = (self._journal.commits[name] for name in self._journal.authors.get(author_key(fact), []))
            names += [other.commit for other in alike if made is None or other.entry < made.entry]
        found = []
        for name in dict.fromkeys(names):
            if name == draft.commit or not self._there(name):
                continue
            if any((past, path) in self._under_way for past, _ in self._history(name, path)):
                draft.blind = True  # it waits for this one itself, and may know what this one does not
            elif (told := self.at(name, path)) is not None:
                found.append(told)
        return found

    def _typed(self, commit: str) -> Owner:
        """Whose a line is that nobody else brought: a person's who was seen to commit it, and else nobody's."""
        made = self._journal.commits.get(commit)
        if made is None or made.by != "person" or made.how not in _TYPED or commit in self._shallow:
            return UNKNOWN
        return UNKNOWN if any(gap < made.entry for gap in self._journal.gaps) else HUMAN

    def _keep(self, asked: tuple[str, str], told: Told | None) -> None:
        self._told[asked] = told
        while len(self._told) > _KEPT:
            self._told.popitem(last=False)


class _Draft:
    """One version of a file on its way: whole lines that somebody knows, and lines that were changed in part."""

    def __init__(self, text: Text, commit: str, typed: Owner) -> None:
        self._text, self.commit, self._typed = text, commit, typed
        self.blind = False  # somebody who may know more could not be asked: nothing is a person's for want of others
        self.lines: list[Line | None] = [None] * len(text)
        self._parts: list[Line | None] = [None] * len(text)
        self._doubt: set[int] = set()

    def inherit(self, told: Told) -> None:
        """What a parent has is whose it was there; two parents that say different things say nothing."""
        for index, owner, commit, part, _ in _pieces(told, self._text):
            if part:
                self._parts[index] = self._parts[index] or self._changed(owner)
                continue
            known = self.lines[index]
            if known is None or (not definite(known.owner) and definite(owner)):
                self.lines[index] = Line(owner, commit)
            elif definite(owner) and owner != known.owner:
                self.lines[index] = Line(UNKNOWN, known.commit)

    def ask(self, witnesses: Sequence[Told]) -> None:
        """Lines that witnesses have, where those who know them agree; brackets as the first of them has them, who is
        nearest.
        """
        whole: dict[int, set[Owner]] = {}
        for number, told in enumerate(witnesses):
            for index, owner, _, part, _ in _pieces(told, self._text):
                if self.lines[index] is not None or (number and not telling(self._text, index)):
                    continue
                if part:
                    if "b" not in owner:  # what was made of this very line later says nothing of it
                        self._parts[index] = self._parts[index] or self._changed(owner)
                elif definite(owner):
                    whole.setdefault(index, set()).add(owner)
                elif owner != BASE:
                    self._doubt.add(index)
        for index, owners in whole.items():
            self.lines[index] = Line(next(iter(owners)) if len(owners) == 1 else UNKNOWN, self.commit)

    def fresh(self) -> list[int]:
        """The lines that nobody else brought."""
        return [index for index, line in enumerate(self.lines) if line is None and self._parts[index] is None]

    def done(self, pasted: Collection[int]) -> tuple[Line, ...]:
        """Every line: what nobody has is whose the commit is, unless it was `pasted`, or somebody doubts it."""
        typed = UNKNOWN if self.blind else self._typed
        for index, line in enumerate(self.lines):
            if line is None:
                doubted = index in self._doubt or index in pasted
                new = Line(UNKNOWN if doubted else typed, self.commit)
                self.lines[index] = new if doubted else self._parts[index] or new
        return tuple(line for line in self.lines if line is not None)

    def _changed(self, owner: Owner) -> Line:
        known = definite(owner) and definite(self._typed) and not self.blind
        return Line(together((owner, self._typed)) if known else UNKNOWN, self.commit)


class _Piece(NamedTuple):
    """A line that was made from some of another content's: whose these were, and the commit that brought them."""

    at: int
    owner: Owner
    commit: str
    part: bool  # it was changed too
    torn: bool  # two hands made what it was made from: which of them is left, nobody knows


def _pieces(told: Told, text: Text) -> Iterator[_Piece]:
    """The lines of `text` that were made from some of `told`'s."""
    marks: list[Owner] = [(index,) for index in range(len(told.lines))]
    found = carry(told.text, marks, text, (-1,))
    uses = Counter(part for parts in found if parts is not None for part in parts)
    for index, parts in enumerate(found):
        if parts is None:
            continue
        origins = [part for part in parts if isinstance(part, int) and part >= 0]
        owner = together(told.lines[at].owner for at in origins)
        part = -1 in parts or not origins
        torn = "b" not in owner and any(blended(told.lines[at].owner) and (part or uses[at] > 1) for at in origins)
        commit = told.lines[origins[-1]].commit if origins else ""
        yield _Piece(index, UNKNOWN if torn else owner, commit, part, torn)


def _completed(owner: Owner, base: _Piece | None) -> Owner:
    """The owner of a line once it is known whose its committed part was."""
    if "b" in owner and base is not None and base.torn:
        return UNKNOWN
    return resolved(owner, base.owner if base is not None else UNKNOWN)
