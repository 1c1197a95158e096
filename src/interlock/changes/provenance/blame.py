"""Whose each line of a file is, at a commit: carried through history, with the recorded states as further witnesses.

A line that a parent has is whose it was there. One that is new in a commit is looked for in the states of the file
that were seen, and in the commits that this one was made from. What none of them has is a person's where a person was
seen to commit it, and else nobody's. History is followed from old to new, and through renames.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence

import msgspec

from interlock.changes.provenance.carry import blended, carry
from interlock.changes.provenance.gitread import Repo
from interlock.changes.provenance.journal import Edit, Journal, named
from interlock.changes.provenance.moves import author_key
from interlock.changes.provenance.observer import Observer
from interlock.changes.provenance.owners import HUMAN, UNKNOWN, Owner, definite, resolved, together
from interlock.changes.provenance.text import EMPTY, Text, read
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
        self._shallow = repo.shallow()

    def at(self, commit: str, path: str) -> Told | None:
        """The lines of a file in a commit; None where it has none: no such file, binary, too large."""
        asked = (commit, path)
        if asked in self._told:
            self._told.move_to_end(asked)
            return self._told[asked]
        if asked in self._under_way or len(self._under_way) >= _DEEP:
            return None  # it leads back to itself: that witness has nothing to say
        self._under_way.add(asked)
        try:
            found = self._walk(commit, path)
        finally:
            self._under_way.discard(asked)
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
        names = carry(committed.text, [(line.commit,) for line in committed.lines], told.text, ("",))
        lines = [
            msgspec.structs.replace(line, commit=str(name[-1]) if name is not None and len(name) == 1 else "")
            for line, name in zip(told.lines, names, strict=True)
        ]
        return Told(told.text, tuple(lines))

    def _walk(self, commit: str, path: str) -> Told | None:
        """Every version of the file that leads to this one, the oldest first."""
        history = self._repo.history(commit, path)
        if not history:
            return None
        known: dict[str, Told | None] = {}
        for name, parents in reversed(history):
            asked = (name, path)
            if asked in self._told:
                known[name] = self._told[asked]
                continue
            raw = self._repo.blob(name, path)
            text = read(raw) if raw is not None else None
            if text is None:
                known[name] = None
                continue
            before = [told for parent in parents if (told := known.get(parent)) is not None]
            if not parents and (origin := self._renamed(name, path)) is not None:
                before = [origin]
            known[name] = self._version(name, path, text, before)
            self._keep(asked, known[name])
        return known.get(history[0][0])

    def _renamed(self, commit: str, path: str) -> Told | None:
        if commit in self._shallow:
            return None
        try:
            came = self._repo.before_rename(commit, path)
        except StateError:
            return None
        return self.at(*came) if came is not None else None

    def _version(self, commit: str, path: str, text: Text, parents: Sequence[Told]) -> Told:
        """One version of the file, from those before it and from what was seen."""
        typed = self._typed(commit)
        draft = _Draft(text, commit, typed)
        for told in parents:
            draft.inherit(told)
        if None in draft.lines:
            draft.ask(self._witnesses(path, text))
        if None in draft.lines:
            draft.ask(self._sources(commit, path))
        return Told(text, draft.done())

    def _witnesses(self, path: str, text: Text) -> list[Told]:
        """The states of the file that have most in common with this content, their committed lines resolved."""
        mine = set(text.exact)
        scored: list[tuple[int, int, Edit]] = []
        names: set[str] = set()
        for edit in reversed(self._journal.edits.get(named(path), [])):
            if edit.state and edit.state not in names and len(names) < _LOOKED:
                names.add(edit.state)
                state = self._observer.state(edit)
                if state is not None:
                    apart = len(mine.symmetric_difference(state.text.exact))
                    scored.append((apart, -edit.entry, edit))
        scored.sort(key=lambda row: row[:2])
        found = [self._resolved(edit) for _, _, edit in scored[:_WITNESSES]]
        return [told for told in found if told is not None]

    def _resolved(self, edit: Edit) -> Told | None:
        """A state, its committed lines told by the commit that was checked out when it was seen."""
        state = self._observer.state(edit)
        if state is None:
            return None
        owners: Sequence[Owner] = state.owners
        if edit.head and any("b" in owner for owner in owners):
            committed = self.at(edit.head, edit.base or edit.path) if self._there(edit.head) else None
            if committed is not None:
                theirs = carry(committed.text, [line.owner for line in committed.lines], state.text, UNKNOWN)
                owners = [
                    resolved(owner, base if base is not None else UNKNOWN)
                    for owner, base in zip(owners, theirs, strict=True)
                ]
        return Told(state.text, tuple(Line(owner, "") for owner in owners))

    def _there(self, commit: str) -> bool:
        return bool(self._repo.git("cat-file", "-t", commit, fine=(0, 128)).startswith(b"commit"))

    def _sources(self, commit: str, path: str) -> list[Told]:
        """The same file in the commits that this one was made from: what a rebase, an amend or a pick started with."""
        made = self._journal.commits.get(commit)
        names = list(made.source) if made is not None else []
        for fact in self._repo.facts([commit]):
            names += [name for name in self._journal.authors.get(author_key(fact), []) if name != commit]
        found = [self.at(name, path) for name in dict.fromkeys(names) if name != commit and self._there(name)]
        return [told for told in found if told is not None]

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
        self._text, self._commit, self._typed = text, commit, typed
        self.lines: list[Line | None] = [None] * len(text)
        self._parts: list[Line | None] = [None] * len(text)
        self._doubt: set[int] = set()

    def inherit(self, told: Told) -> None:
        """What a parent has is whose it was there; two parents that say different things say nothing."""
        for index, owner, commit, part in self._found(told):
            if part:
                self._parts[index] = self._parts[index] or self._changed(owner)
                continue
            known = self.lines[index]
            if known is None or (not definite(known.owner) and definite(owner)):
                self.lines[index] = Line(owner, commit)
            elif definite(owner) and owner != known.owner:
                self.lines[index] = Line(UNKNOWN, known.commit)

    def ask(self, witnesses: Sequence[Told]) -> None:
        """Lines that witnesses have, where those who know them agree."""
        whole: dict[int, set[Owner]] = {}
        for told in witnesses:
            for index, owner, _, part in self._found(told):
                if self.lines[index] is not None:
                    continue
                if part:
                    self._parts[index] = self._parts[index] or self._changed(owner)
                elif definite(owner):
                    whole.setdefault(index, set()).add(owner)
                else:
                    self._doubt.add(index)
        for index, owners in whole.items():
            self.lines[index] = Line(next(iter(owners)) if len(owners) == 1 else UNKNOWN, self._commit)

    def done(self) -> tuple[Line, ...]:
        """Every line: what nobody has is whose the commit is."""
        for index, line in enumerate(self.lines):
            if line is None:
                new = Line(UNKNOWN if index in self._doubt else self._typed, self._commit)
                self.lines[index] = new if index in self._doubt else self._parts[index] or new
        return tuple(line for line in self.lines if line is not None)

    def _changed(self, owner: Owner) -> Line:
        known = definite(owner) and definite(self._typed)
        return Line(together((owner, self._typed)) if known else UNKNOWN, self._commit)

    def _found(self, told: Told) -> Iterator[tuple[int, Owner, str, bool]]:
        """(line, owner, commit, whether it was changed in part) for each line that was made from some of `told`'s."""
        marks: list[Owner] = [(index,) for index in range(len(told.lines))]
        found = carry(told.text, marks, self._text, (-1,))
        pieces = Counter(part for parts in found if parts is not None for part in parts)
        for index, parts in enumerate(found):
            if parts is None:
                continue
            origins = [part for part in parts if isinstance(part, int) and part >= 0]
            owner = together(told.lines[at].owner for at in origins)
            part = -1 in parts or not origins
            # A line that two hands made, torn or changed again: which of them is left, nobody knows.
            if any(blended(told.lines[at].owner) and (part or pieces[at] > 1) for at in origins):
                owner = UNKNOWN
            yield index, owner, told.lines[origins[-1]].commit if origins else "", part
