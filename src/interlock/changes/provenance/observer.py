"""Sees each file become something else, and says by whom. Reads files and git; gives entries back, and keeps states.

Looked at right before an agent's action and right after it. What changed while no action was under way is a person's;
what changed during one, at a path that the action names, is the action's. Everything else is nobody's: `unknown`.

INVARIANT: nothing is a person's that an action under way could have written, and nothing an agent's that its action
does not name.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from interlock.changes.provenance import gitread, moves
from interlock.changes.provenance.carry import alike, carry
from interlock.changes.provenance.gitread import Repo
from interlock.changes.provenance.journal import EDIT, REPOSITORY, Edit, Journal, Journals, named
from interlock.changes.provenance.owners import BASE, HUMAN, UNKNOWN, Owner, agent, author, resolved
from interlock.changes.provenance.pool import Pool
from interlock.changes.provenance.state import State, States
from interlock.changes.provenance.text import LARGEST, Text, digest, key, read, telling
from interlock.model.errors import StateError

Entry = tuple[str, dict[str, Any]]

_PATHS = 2_000  # of one look; a repository with more changed files is not looked at as a whole
_OLDER = 12  # earlier states of a file that are compared
_STATES = 512  # decoded ones in memory; 1,000 lines take 100 KB
_ABSENT = 4_096  # paths at which nothing was seen
_ALIKE = 0.5  # of a new file's lines that must stand in one that is gone, for it to be that file


class Deed(msgspec.Struct, frozen=True):
    """An agent's action under way. `paths` are absolute: those it names, a directory with `/` at its end.

    `bounded`: it can write nothing else. `git`: it may make commits. `said` are the keys of lines its input spells out.
    """

    intent: int
    paths: tuple[str, ...] = ()
    bounded: bool = False
    git: bool = False
    said: frozenset[bytes] = frozenset()

    def names(self, path: str) -> bool:
        """Whether it says that it writes there."""
        return any(path == one or (one.endswith("/") and path.startswith(one)) for one in self.paths)

    def may(self, path: str) -> bool:
        """Whether it could write there."""
        return not self.bounded or self.names(path)


class Observer:
    """Of one installation. One look at a repository at a time: the caller sees to that, and records what it gives."""

    def __init__(
        self,
        states: States,
        journals: Journals,
        secret: Callable[[str], bool],
        content: Callable[[str], bytes | None] = lambda _: None,
    ) -> None:
        """`secret` tells the absolute paths that nothing is kept of; `content` gives bytes by their SHA-256, where they
        were kept for another reason: states hold no text.
        """
        self.journals = journals
        self.crashed = False  # somebody acted, and nobody looked afterwards: nothing is known of what came before
        self._met: set[str] = set()
        self._content = content
        self._states = states
        self._secret = secret
        self._decoded: OrderedDict[str, State] = OrderedDict()
        self._pools: dict[str, Pool] = {}
        self._seen: dict[tuple[str, str], tuple[int, ...]] = {}
        self._absent: dict[tuple[str, str], str] = {}  # where nothing was to be read, with which HEAD
        self._marks: dict[str, tuple[tuple[int, int], int]] = {}
        self._doubted: set[str] = set()  # repositories that something of was missed

    def look(
        self, repo: Repo, under_way: Sequence[Deed], ended: Deed | None = None, paths: Iterable[str] | None = None
    ) -> Iterator[Entry]:
        """What became of the files at `paths` (absolute; None: of every changed one) since they were last seen.

        `under_way` are the other actions that are; `ended` the one that just ended. Raises StateError, OSError.
        """
        journal = self.journals.of(repo.common)
        head = repo.head()
        first = journal.first < 0
        doubted = first or repo.common in self._doubted or (self.crashed and repo.common not in self._met)
        where = {"repository": named(repo.common), "top": named(repo.top), "head": head}
        if first:
            yield REPOSITORY, where
        yield from self._moves(repo, journal, where, under_way, ended)
        names = self._wanted(repo, journal, paths)
        if names is None:
            yield REPOSITORY, {**where, "gap": "more files are changed than are looked at"}
            names = []
        known = {top_path[1] for top_path in journal.last if top_path[0] == where["top"]}
        strangers = {name for name in names if name not in known}
        for name in names:
            found = self._file(repo, journal, where, name, self._who(repo, name, under_way, ended, doubted), strangers)
            if found is not None:
                yield EDIT, found
        self._doubted.discard(repo.common)
        self._met.add(repo.common)

    def still(self, repo: Repo, paths: Iterable[str]) -> bool:
        """Whether all is as the last look left it: another one would find nothing. Asks the file system alone."""
        journal = self.journals.of(repo.common)
        known = repo.common in self._met and repo.common not in self._doubted and journal.first >= 0
        if not known or repo.log_mark() != self._marks.get(repo.folder, (None, 0))[0]:
            return False
        names = (name for path in paths if (name := gitread.within(repo, path)) is not None)
        return all(self._same(repo, name) for name in names)

    def _same(self, repo: Repo, name: str) -> bool:
        place = (repo.top, name)
        try:
            now = _facts(os.lstat(os.path.join(repo.top, name)))
        except FileNotFoundError:
            return place in self._absent and self._absent[place] == repo.head()
        except OSError:
            return False
        return now == self._seen.get(place)

    def lost(self, repo: Repo) -> None:
        """A look did not come to its end, or was not recorded: of what it missed nobody knows whose it is."""
        self._doubted.add(repo.common)
        self._seen = {place: facts for place, facts in self._seen.items() if place[0] != repo.top}
        self._absent.clear()
        self._marks.pop(repo.folder, None)

    def _moves(
        self, repo: Repo, journal: Journal, where: dict[str, Any], under_way: Sequence[Deed], ended: Deed | None
    ) -> Iterator[Entry]:
        mark, (before, count) = repo.log_mark(), self._marks.get(repo.folder, ((0, 0), -1))
        if mark == before:
            return
        moved = repo.moves()
        if journal.first >= 0:
            yield from moves.seen(repo, journal, moved, where, under_way, ended, count)
        self._marks[repo.folder] = (mark, len(moved))

    def _wanted(self, repo: Repo, journal: Journal, paths: Iterable[str] | None) -> list[str] | None:
        if paths is not None:
            return [name for path in paths if (name := gitread.within(repo, path)) is not None]
        changed = repo.changed(_PATHS)
        if changed is None:
            return None
        known = [path for top, path in journal.last if top == named(repo.top)]
        return sorted({*changed, *known[-_PATHS:]})

    def _who(
        self, repo: Repo, name: str, under_way: Sequence[Deed], ended: Deed | None, doubted: bool
    ) -> tuple[Owner, Deed | None]:
        path = os.path.join(repo.top, name)
        able = [deed for deed in under_way if deed.may(path)]
        if ended is not None and ended.names(path):
            return (UNKNOWN if able or doubted else agent(ended.intent)), ended
        if able or doubted or (ended is not None and ended.may(path)):
            return UNKNOWN, None
        return HUMAN, None

    def _file(
        self,
        repo: Repo,
        journal: Journal,
        where: dict[str, Any],
        name: str,
        by: tuple[Owner, Deed | None],
        strangers: set[str],
    ) -> dict[str, Any] | None:
        place = (repo.top, name)
        now, raw = _content(os.path.join(repo.top, name), self._seen.get(place))
        if now is not None and now == self._seen.get(place):
            return None
        last = journal.last.get((where["top"], named(name)))
        content = digest(raw) if raw is not None else ""
        if last is not None and last.content == content:
            self._remember(place, now, where["head"])
            return None
        committed = repo.blob(where["head"], name) if where["head"] else None
        if last is None and (committed == raw if committed is not None else raw is None):
            self._remember(place, now, where["head"])
            return None
        self._remember(place, now, where["head"])
        body = {**where, "path": named(name), "content": content, "state": "", "by": author(by[0]).value}
        if by[1] is not None:
            body["intent"] = by[1].intent
        text = read(raw) if raw is not None else None
        if text is None or self._secret(os.path.join(repo.top, name)):
            return body
        again = next((e for e in reversed(journal.edits[named(name)]) if e.content == content and e.state), None)
        if again is not None:
            return {**body, "state": again.state, "head": again.head, "base": again.base, "by": "restored"}
        base, origin = name, read(committed) if committed is not None else None
        if last is None and origin is None:
            base, origin, last = self._renamed(repo, journal, where, text, strangers) or (name, None, None)
        owners = self._owners(repo, journal, text, last, origin, by)
        state = State(content, text, tuple(owners))
        self._pool(repo, journal).add(state)
        new = sum(owner == by[0] for owner in owners)
        stored = self._states.put(state)
        self._hold(stored, state)
        return {**body, "state": stored, "base": named(base), "lines": len(text), "own": new}

    def _owners(
        self,
        repo: Repo,
        journal: Journal,
        text: Text,
        last: Edit | None,
        origin: Text | None,
        by: tuple[Owner, Deed | None],
    ) -> list[Owner]:
        newcomer, deed = by
        owners: list[Owner | None] = [None] * len(text)
        latest = self.state(last) if last is not None else None
        if latest is not None:
            owners = carry(latest.text, latest.owners, text, newcomer)
        committed: list[Owner | None] = [None] * len(text)
        if origin is not None:
            committed = carry(origin, [BASE] * len(origin), text, newcomer)
        before = set(latest.text.loose) if latest is not None else frozenset()
        for index, (mine, theirs) in enumerate(zip(owners, committed, strict=True)):
            if mine is None or (theirs == BASE and text.loose[index] not in before):
                owners[index] = theirs  # git put it there: it is not the changed line that it looks like
            elif "b" in mine and (theirs is None or "b" not in theirs):
                owners[index] = resolved(mine, UNKNOWN)  # it was committed, and in another commit than this one
        if None in owners and last is not None:
            self._returned(journal, last, text, owners, newcomer)
        fresh = [index for index, owner in enumerate(owners) if owner is None]
        doubted = self._pool(repo, journal).doubt(text, fresh, newcomer)
        said = deed.said if deed is not None else frozenset()
        for index in fresh:
            spelled = deed is not None and telling(text, index) and text.exact[index] in said
            owners[index] = agent(deed.intent) if deed is not None and spelled else newcomer
            if index in doubted:
                owners[index] = UNKNOWN
        return [owner if owner is not None else UNKNOWN for owner in owners]

    def _returned(self, journal: Journal, last: Edit, text: Text, owners: list[Owner | None], newcomer: Owner) -> None:
        """Lines that stood there once, were gone, and are back, as they were or changed: nobody's, but where the same
        hand put them back.
        """
        latest = self.state(last)
        there = {*text.exact, *(latest.text.exact if latest is not None else ())}
        for edit in reversed(journal.edits[last.path][-_OLDER - 1 : -1]):
            older = self.state(edit)
            if older is None or None not in owners:
                continue
            once = dict(zip(older.text.exact, older.owners, strict=True))
            if older.text.lines is not None and text.lines is not None:
                gone = [i for i, at in enumerate(older.text.exact) if at not in there and older.owners[i] != newcomer]
                fresh = [i for i, owner in enumerate(owners) if owner is None and telling(text, i)]
                fresh = [i for i in fresh if text.exact[i] not in once]
                for index in alike(older.text.lines, text.lines, gone, fresh):
                    owners[index] = UNKNOWN
            for index, owner in enumerate(owners):
                if owner is None and telling(text, index) and (was := once.get(text.exact[index])) is not None:
                    owners[index] = was if was == newcomer else UNKNOWN

    def _renamed(
        self, repo: Repo, journal: Journal, where: dict[str, Any], text: Text, strangers: set[str]
    ) -> tuple[str, Text | None, Edit | None] | None:
        """The file that a new one was: one that is gone, and most of whose lines stand in this one."""
        mine = set(text.exact)
        best: tuple[float, str, Text | None, Edit | None] | None = None
        gone = {path for top, path in journal.last if top == where["top"]} | strangers
        for name in sorted(gone)[:_PATHS]:
            if os.path.lexists(os.path.join(repo.top, name)):
                continue
            last = journal.last.get((where["top"], named(name)))
            before = [edit for edit in journal.edits[named(name)] if edit.state]
            known = self.state(before[-1]) if before else None
            raw = repo.blob(where["head"], name) if where["head"] else None
            origin = read(raw) if raw is not None else None
            theirs = set(known.text.exact if known is not None else origin.exact if origin is not None else ())
            share = len(mine & theirs) / max(1, len(mine))
            if share >= _ALIKE and (best is None or share > best[0]):
                best = (share, name, origin, before[-1] if before else last)
        return best[1:] if best is not None else None

    def state(self, edit: Edit) -> State | None:
        """The state of an entry; None where it has none, or it is gone."""
        return self.stored(edit.state) if edit.state else None

    def stored(self, name: str) -> State | None:
        """A state by its name; None where it is gone, or was changed."""
        known = self._decoded.get(name)
        if known is None:
            try:
                known = self._states.get(name)
            except StateError:
                return None
            raw = self._content(known.digest)
            text = read(raw) if raw is not None else None
            if text is not None and text.exact == known.text.exact:
                known = msgspec.structs.replace(known, text=text)
            self._hold(name, known)
        return known

    def pasted(self, repo: Repo, text: Text, fresh: Sequence[int]) -> set[int]:
        """Of the `fresh` lines of a content, those that somebody else than a person may have written elsewhere."""
        return self._pool(repo, self.journals.of(repo.common)).doubt(text, fresh, HUMAN) if fresh else set()

    def _hold(self, name: str, state: State) -> None:
        self._decoded[name] = state
        while len(self._decoded) > _STATES:
            self._decoded.popitem(last=False)

    def _pool(self, repo: Repo, journal: Journal) -> Pool:
        pool = self._pools.get(repo.common)
        if pool is None:
            pool = self._pools[repo.common] = Pool()
            for edit in list(journal.last.values())[-_PATHS:]:
                if (state := self.state(edit)) is not None:
                    pool.add(state)
        return pool

    def _remember(self, place: tuple[str, str], now: tuple[int, ...] | None, head: str) -> None:
        if now is None:
            self._seen.pop(place, None)
            if len(self._absent) >= _ABSENT:
                self._absent.clear()
            self._absent[place] = head
        else:
            self._seen[place] = now
            self._absent.pop(place, None)


def spelled(texts: Iterable[str]) -> frozenset[bytes]:
    """The keys of the lines of texts that an action's input spells out."""
    lines = (line for text in texts for line in text.encode("utf-8", "surrogateescape").split(b"\n"))
    return frozenset(key(line.removesuffix(b"\r")) for line in lines)


def _facts(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _content(path: str, seen: tuple[int, ...] | None) -> tuple[tuple[int, ...] | None, bytes | None]:
    """What a file is known by, and its bytes; (facts, None) for one that was not read because it is the `seen` one.

    (None, None) where there is no regular file, or one that is too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None, None
    with contextlib.closing(os.fdopen(descriptor, "rb")) as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return None, None
        now = _facts(found)
        if now == seen:
            return now, None
        raw = file.read(LARGEST + 1)
        return now, raw if len(raw) <= LARGEST else None
