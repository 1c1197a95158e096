"""Provenance as the daemon keeps it: which actions are under way in which repository, and a look before and after each.

A look reads files and git beside the loop; what it found are entries before the next look at that repository begins.
"""

from __future__ import annotations

import asyncio
import json
import os
import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import msgspec
import structlog

from interlock.broker.contain import Wish
from interlock.broker.records import SESSION_CLOSE, SESSION_OPEN, is_side_effect
from interlock.changes.provenance import gitread
from interlock.changes.provenance.gitread import Call, Repo
from interlock.changes.provenance.journal import COMMIT, KINDS
from interlock.changes.provenance.observer import Deed, Observer, spelled
from interlock.containment.preimage import wanted
from interlock.daemon.recorder import LedgerRecorder
from interlock.ledger.store import Ledger
from interlock.model.action import Action, Principal, Reading
from interlock.model.errors import InterlockError, NotFound

log = structlog.get_logger()

_EDITS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit", "apply_patch"})
_FOUND = 200  # directories whose repository is remembered
_OPEN = 100  # calls of a session, each by itself, whose outcome is awaited
_SAID = 1 << 20  # characters of an input whose lines are remembered

Key = tuple[str, str, str]  # agent, session, call
Who = tuple[str, str]  # agent, session


class _Open(msgspec.Struct, frozen=True):
    repos: tuple[Repo, ...]
    deed: Deed
    stays: bool  # it goes on after its outcome: a command in the background

    def and_also(self, other: _Open) -> _Open:
        """Both as one of which nothing is known but where it is: whatever changes there meanwhile is nobody's."""
        repos = {repo.top: repo for repo in (*self.repos, *other.repos)}
        return _Open(tuple(repos.values()), Deed(-1, git=True), self.stays or other.stays)


class Tracker:
    """Implements `broker.Tracking`."""

    def __init__(self, observer: Observer, call: Call, ledger: Ledger, recorder: LedgerRecorder) -> None:
        self.observer = observer
        self._call = call
        self._ledger = ledger
        self._recorder = recorder
        self._repos: dict[str, Repo] = {}
        self._unseen: set[str] = set()  # directories with a `.git` that git would not tell of when it was asked
        self._locks: dict[str, asyncio.Lock] = {}
        self._open: dict[Who, dict[str, _Open]] = {}  # by call; "" is what stands for all that were forgotten
        self._about: dict[Key, tuple[Repo, ...]] = {}  # calls that are about to be released
        self._heard: asyncio.Task[None] | None = None
        self.committed: Callable[[Repo, str], None] = lambda _repo, _commit: None  # told of each commit that is new

    async def before(self, action: Action, workspace: str, reading: Reading, *, contained: bool) -> None:
        """See `broker.Tracking`."""
        if contained or not is_side_effect(reading):
            return
        deed = _deed(action, reading, -1)
        repos = await self._of(action, workspace, deed)
        self._about[_key(action.principal, action.call_id)] = repos
        for repo in repos:
            await self.look(repo, paths=deed.paths if deed.bounded else None)

    def released(self, action: Action, reading: Reading, intent: int) -> None:
        """See `broker.Tracking`."""
        repos = self._about.pop(_key(action.principal, action.call_id), ())
        if repos and action.call_id:
            stays = action.input.get("run_in_background") is True
            deed = _deed(action, reading, intent)
            self._opened(action.principal, action.call_id, _Open(repos, deed, stays))
        if len(self._about) > _FOUND:
            self._about.clear()  # of calls that were stopped after all

    async def after(self, principal: Principal, call_id: str) -> None:
        """See `broker.Tracking`."""
        mine = self._open.get(_who(principal), {})
        ended = mine.get(call_id) if call_id else None
        if ended is None:
            return
        if not ended.stays:
            del mine[call_id]
        for repo in ended.repos:
            paths = ended.deed.paths if ended.deed.bounded else None
            await self.look(repo, ended=None if ended.stays else ended.deed, paths=paths)

    async def idle(self, principal: Principal, *, over: bool = False) -> None:
        """See `broker.Tracking`. What a call without an outcome may have done is nobody's."""
        mine = self._open.get(_who(principal), {})
        left = {call: one for call, one in mine.items() if over or not one.stays}
        for repo in {repo.top: repo for one in left.values() for repo in one.repos}.values():
            await self.look(repo)
        for call in left:
            mine.pop(call, None)
        if self._open.get(_who(principal)) == {}:
            del self._open[_who(principal)]

    async def settling(self, wish: Wish) -> None:
        """What a contained run changed is about to come into its workspace."""
        if (repo := await self.find(wish.workspace)) is not None:
            await self.look(repo)

    async def settled(self, wish: Wish, committed: Collection[str], moved: Collection[str]) -> None:
        """It came: paths below the workspace, and those from where something was `moved` to them."""
        repo = await self.find(wish.workspace)
        if repo is None or not committed:
            return
        came = [os.path.join(wish.workspace, path) for path in committed]
        whole = [path for path in came if os.path.isdir(path) and not os.path.islink(path)]
        paths = (*(f"{path}/" if path in whole else path for path in came),
                 *(os.path.join(wish.workspace, path) for path in moved))  # fmt: skip
        deed = Deed(wish.intent, paths, git=any(path.split("/")[0] == ".git" for path in committed))
        agents = wish.intent >= 0 and wish.principal.agent != "person"
        # A directory may hold more than anybody writes, as what was installed: of it git says what is new.
        await self.look(repo, ended=deed if agents else None, paths=None if whole else paths)

    async def look(self, repo: Repo, *, ended: Deed | None = None, paths: Collection[str] | None = None) -> None:
        """One look, and its entries. Never raises: what went wrong is remembered as a look that was missed."""
        lock = self._locks.setdefault(repo.common, asyncio.Lock())
        heard = self._heard is not None and self._heard.done()
        if heard and paths is not None and not lock.locked() and self.observer.still(repo, paths):
            return
        async with lock:
            try:
                await self.hear()
                open_ = [one.deed for one in self._under_way() if any(at.common == repo.common for at in one.repos)]
                found = await asyncio.to_thread(lambda: list(self.observer.look(repo, open_, ended, paths)))
                for kind, body in found:
                    index = await self._recorder.record(kind, body, durable=False)
                    self.observer.journals.hear(index, kind, body)
                    if kind == COMMIT:
                        self.committed(repo, str(body["commit"]))
            except (InterlockError, OSError) as error:
                log.warning("provenance.unseen", problem=str(error), repository=repo.top)
                self.observer.lost(repo)

    async def find(self, directory: str) -> Repo | None:
        """The repository around a directory."""
        top = gitread.around(directory) if os.path.isdir(directory) else ""
        known = self._repos.get(directory)
        if known is not None and top == known.top and os.path.isdir(known.folder):
            return known
        self._repos.pop(directory, None)
        found = await asyncio.to_thread(gitread.find, self._call, directory) if top else None
        if found is None:
            self._unseen.update({top} - {""})
            return None
        if {top, found.top} & self._unseen:
            self.observer.lost(found)  # what happened meanwhile was nobody's to see
            self._unseen -= {top, found.top}
        self._repos[directory] = found
        while len(self._repos) > _FOUND:
            self._repos.pop(next(iter(self._repos)))
        return found

    async def here(self, directory: str) -> Repo:
        """The repository that somebody asks from, with what the ledger says of it heard. Raises NotFound."""
        repo = await self.find(os.path.realpath(directory))
        if repo is None:
            raise NotFound("there is no git repository here, or git does not trust its owner. Go into one.")
        await self.hear()
        return repo

    async def hear(self) -> None:
        """Read what the ledger says of repositories, once."""
        if self._heard is None:
            self._heard = asyncio.ensure_future(asyncio.to_thread(self._hear))
        await asyncio.shield(self._heard)

    def _hear(self) -> None:
        open_: set[str] = set()
        for stored in self._ledger.entries(kinds=[*KINDS, SESSION_OPEN, SESSION_CLOSE]):
            body: Mapping[str, Any] = json.loads(stored.raw)["body"]
            if stored.kind == SESSION_OPEN:
                open_.add(str(body.get("name", "")))
            elif stored.kind == SESSION_CLOSE:
                open_.discard(str(body.get("name", "")))
            else:
                self.observer.journals.hear(stored.index, stored.kind, body)
        self.observer.crashed = bool(open_)

    def _opened(self, principal: Principal, call_id: str, one: _Open) -> None:
        """A call is under way. An agent that never tells how its calls ended does not fill the memory with them."""
        mine = self._open.setdefault(_who(principal), {})
        mine[call_id] = one
        if len(mine) > _OPEN:
            oldest = mine.pop(next(call for call in mine if call))
            mine[""] = mine[""].and_also(oldest) if "" in mine else oldest.and_also(oldest)

    def _under_way(self) -> Iterator[_Open]:
        return (one for mine in self._open.values() for one in mine.values())

    async def _of(self, action: Action, workspace: str, deed: Deed) -> tuple[Repo, ...]:
        """The repositories that an action may change."""
        found = {repo.top: repo for place in _places(action, deed) if (repo := await self.find(place)) is not None}
        if not found and workspace and (repo := await self.find(workspace)) is not None:
            found[repo.top] = repo
        return tuple(found.values())


def _who(principal: Principal) -> Who:
    return (principal.agent, principal.session)


def _key(principal: Principal, call_id: str) -> Key:
    return (principal.agent, principal.session, call_id)


def _places(action: Action, deed: Deed) -> Iterator[str]:
    """The directories that may tell which repository is meant."""
    if not deed.bounded:
        yield action.cwd
    for path in deed.paths[:20]:
        folder = path.rstrip("/") if path.endswith("/") else posixpath.dirname(path)
        while folder != "/" and not os.path.isdir(folder):
            folder = posixpath.dirname(folder)
        yield folder


def _deed(action: Action, reading: Reading, intent: int) -> Deed:
    named = [one for one in wanted(reading.effects) if not one.wild]
    paths = tuple(dict.fromkeys(one.path.rstrip("/") + "/" if one.whole else one.path for one in named))
    edits = action.tool in _EDITS
    commands = {words[0].rpartition("/")[2] for words in reading.commands if words}
    return Deed(
        intent,
        paths=paths,
        bounded=edits and bool(paths),
        git="git" in commands,
        said=spelled(_said(action)) if edits else frozenset(),
    )


def _said(action: Action) -> Iterator[str]:
    """The new text that an edit spells out."""
    given = action.input
    edits = given.get("edits")
    pieces = [given, *(edits if isinstance(edits, list) else [])]
    for piece in pieces:
        if isinstance(piece, dict):
            for name in ("new_string", "content", "new_source"):
                if isinstance(text := piece.get(name), str):
                    yield text[:_SAID]
    if action.tool == "apply_patch" and isinstance(patch := given.get("input"), str):
        yield "\n".join(line[1:] for line in patch[:_SAID].split("\n") if line.startswith("+"))
