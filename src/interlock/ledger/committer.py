"""The one thread that writes: it gathers what is queued, commits it as a group, and answers.

When a write fails, the connection is thrown away and opened again by the code that a start uses. What the disk then
says is the truth: either the group is there (its futures resolve) or it is not (they fail with `LedgerUnavailable`,
and the actions behind them are not released). While the disk refuses, new entries are refused, and each one is a new
attempt.

Fault table (operation that fails: is it on the disk? -> what the waiting entry hears, what happens next):

    BEGIN, INSERT             no       refused; opened again, the next group is written
    COMMIT, short write       no       refused; opened again
    COMMIT, fsync             either   opened again, what is found is copied and synced: there -> index, not -> refused
    ... and opening fails     either   refused; the next entry tries to open. If the group is found there after all, its
                                       entries stand in the log although they were refused; an entry `log.late` says so
    ... killed right then     either   refused; if the next start finds it, it is an intent that nobody released
    the head file             yes      index; counted in `faults`. The head is then older than the database
    signing, broken invariant no       refused; fatal: nothing is written until the daemon starts again
"""

from __future__ import annotations

import threading
import time as clock
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import apsw

from interlock.ledger.database import FILE, WAL_PAGES
from interlock.ledger.entry import encode
from interlock.ledger.head import HeadFile
from interlock.ledger.keyhistory import KeyHistory
from interlock.ledger.note import Signer
from interlock.ledger.writer import NewEntry, State, TreeStore, unavailable
from interlock.model.errors import InterlockError, LedgerUnavailable, StateError

MAX_GROUP = 1024  # entries a transaction: bounds the time until the first of them is acknowledged
MAX_QUEUE = 32_768  # entries waiting; beyond that the disk is not keeping up and new actions must wait elsewhere
LINGER = 0.02  # seconds a relaxed entry waits for company before it costs an fsync
IDLE = 0.25  # seconds without work after which the WAL is moved into the database
RETRY = 1.0  # seconds between attempts to write relaxed entries to a disk that refuses
VOID = "log.void"  # stands where a refused entry would have stood
LATE = "log.late"  # entries that were refused, and were found on the disk later


@dataclass(slots=True)
class Item:
    """An entry that waits. `signer` is the key that signs from this entry on, where it changes the key."""

    entry: NewEntry
    durable: bool
    future: Future[int]
    signer: Signer | None = None


@dataclass(slots=True)
class Faults:
    """What went wrong since the start, for status pages: counts, and the last sentence."""

    groups: int = 0
    head: int = 0
    publish: int = 0
    last: str = ""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A group that was refused while nobody could see whether the disk has it; `kept` of its items are queued again."""

    count: int
    kept: int
    signer: Signer


@dataclass(slots=True)
class _Queue:
    """Guarded by `Committer._wake`."""

    items: deque[Item] = field(default_factory=deque)
    durable: int = 0  # durable items among them
    flying: int = 0  # items that the committer has taken and not yet settled
    since: float = 0.0  # when the oldest relaxed item came
    closing: bool = False
    fatal: str = ""  # why nothing can be written any more


class _Wake(Enum):
    WORK = 1
    IDLE = 2
    END = 3


class Committer:
    """Owns the database for writing. `state` never runs ahead of the disk."""

    def __init__(
        self,
        directory: Path,
        signer: Signer,
        origin: str,
        head: HeadFile,
        *,
        now: Callable[[], str],
        heir: bool,
        vfs: str | None,
    ) -> None:
        self.faults = Faults()
        self._directory = directory
        self._origin = origin
        self._signer = signer
        self._head = head
        self._now = now
        self._vfs = vfs
        self._tree: TreeStore | None = TreeStore.open(directory, signer, origin, head, heir=heir, vfs=vfs)
        self.state = self._tree.state
        self.keys: KeyHistory = self._tree.keys
        self._doubt: _Doubt | None = None
        self._flight: list[Item] = []
        self._queue = _Queue()
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="ledger-committer", daemon=True)
        self._thread.start()

    @property
    def healthy(self) -> bool:
        """Whether the last write reached the disk."""
        return self._tree is not None and not self._queue.fatal

    def enqueue(self, item: Item) -> Future[int]:
        """Queue an entry and give its future; see `interlock.ledger.store` for the two classes."""
        future = item.future
        future.set_running_or_notify_cancel()  # a waiter that goes away does not take the entry back
        with self._wake:
            refusal = self._refusal(item)
            if not refusal:
                queue = self._queue
                if item.durable:
                    queue.durable += 1
                elif queue.durable == len(queue.items):
                    queue.since = clock.monotonic()
                queue.items.append(item)
                if not item.durable:
                    # Before the lock is given up: else the disk may be faster, and answer first.
                    future.set_result(self.state.size + queue.flying + len(queue.items) - 1)
                self._wake.notify()
        if refusal:
            future.set_exception(LedgerUnavailable(refusal))
        return future

    def _refusal(self, item: Item) -> str:
        queue = self._queue
        if queue.fatal or queue.closing:
            return queue.fatal or "the ledger is closing"
        if len(queue.items) >= MAX_QUEUE:
            return f"{MAX_QUEUE} entries wait for the disk already; it does not keep up"
        if self._tree is None and not item.durable:
            return f"the disk refuses writes: {self.faults.last}"
        return ""

    def drain(self) -> str:
        """Write what is queued and end the thread; returns why acknowledged entries were lost, or ""."""
        with self._wake:
            self._queue.closing = True
            self._wake.notify()
        self._thread.join()
        return self._queue.fatal

    def close(self) -> None:
        """Let go of the database, after `drain`. The last connection to close leaves one file without a WAL."""
        if self._tree is not None:
            self._tree.close()
            self._tree = None

    # -- everything below runs on the committer's thread --

    def _run(self) -> None:
        try:
            while (wake := self._wait()) is not _Wake.END:
                if wake is _Wake.IDLE:
                    self._move_wal()
                elif self._tree is not None or self._resume():
                    self._commit(self._take())
                else:
                    self._refuse(self._take(), LedgerUnavailable(self.faults.last))
        except BaseException as error:  # unknown state is fatal: answer everybody, write nothing more
            self._give_up(f"the ledger's writer has stopped: {str(error) or type(error).__name__}")
            if not isinstance(error, InterlockError):
                raise

    def _wait(self) -> _Wake:
        with self._wake:
            queue = self._queue
            while True:
                linger = LINGER if self._tree is not None else RETRY
                rest = queue.since + linger - clock.monotonic()
                if queue.durable or (queue.items and (queue.closing or rest <= 0)):
                    return _Wake.WORK
                if queue.closing:
                    return _Wake.END
                idle = IDLE if self._tree is not None and self._tree.database.wal_pages else None
                if not self._wake.wait(rest if queue.items else idle) and not queue.items:
                    return _Wake.IDLE

    def _take(self) -> list[Item]:
        with self._wake:
            queue = self._queue
            group: list[Item] = []
            while queue.items and len(group) < MAX_GROUP:
                group.append(queue.items.popleft())
                if group[-1].signer is not None:
                    break  # the group that a change of key ends is signed by the new key
            queue.durable -= sum(item.durable for item in group)
            queue.flying = len(group)
        self._flight = group
        return group

    def _commit(self, group: list[Item]) -> None:
        """Write one group and answer everybody in it."""
        assert self._tree is not None  # noqa: S101 - `_run` comes here with an open tree only
        signer = group[-1].signer or self._signer
        entries = [item.entry for item in group]
        try:
            state = self._tree.write(entries, signer)
            self._tree.take(state, entries)
        except (apsw.Error, OSError) as error:
            refusal = unavailable(error, self._directory / FILE)
            self.faults.groups += 1
            self.faults.last = str(refusal)
            self._tree.close()
            self._tree = None
            if not self._reopen(signer):
                self._doubt = _Doubt(len(group), self._refuse(group, refusal), signer)
                return
            if not self._grown(len(group)):
                self._refuse(group, refusal)
                return
        self._signer = signer
        self._answer(group)

    def _answer(self, group: Sequence[Item]) -> None:
        """The disk has the group: now memory, the head file, and the waiting futures may know."""
        assert self._tree is not None  # noqa: S101 - just written to
        first = self.state.size
        self._show(self._tree.state)
        for index, item in enumerate(group, first):
            if not item.future.done():
                item.future.set_result(index)
        self._flight = []
        if self._tree.database.wal_pages > WAL_PAGES:
            self._move_wal()

    def _show(self, state: State) -> None:
        """Let everybody see the new state, the head file first."""
        try:
            self._head.write(state.note)
        except OSError as error:
            self.faults.head += 1
            self.faults.last = f"the head file cannot be written: {error.strerror}"
        with self._wake:
            self.state = state
            self._queue.flying = 0

    def _resume(self) -> bool:
        """Try to open a disk that refused before, and settle the doubt it left."""
        doubt = self._doubt or _Doubt(0, 0, self._signer)
        if not self._reopen(doubt.signer):
            return False
        self._doubt = None
        first = self.state.size
        if self._grown(doubt.count):
            self._signer = doubt.signer
            assert self._tree is not None  # noqa: S101 - just opened
            with self._wake:
                for _ in range(doubt.kept):
                    self._queue.items.popleft()  # they stand in the log already, where they were promised
                body = {"first": first, "count": doubt.count, "why": "refused, and found on the disk after all"}
                late = Item(NewEntry(LATE, encode(LATE, body, self._now())), durable=False, future=_done())
                self._queue.items.append(late)
            self._show(self._tree.state)
        return True

    def _reopen(self, signer: Signer) -> bool:
        """Open as at the start, with the key that signed last or, when that write failed, the one before it."""
        for candidate in dict.fromkeys((signer, self._signer)):
            try:
                self._tree = TreeStore.open(
                    self._directory, candidate, self._origin, self._head, after_error=True, vfs=self._vfs
                )
            except LedgerUnavailable as error:
                self.faults.last = str(error)
                return False
            except StateError:
                if candidate is self._signer:
                    raise
                continue
            self.keys = self._tree.keys
            return True
        return False

    def _grown(self, count: int) -> bool:
        """Whether the reopened tree holds the group of `count` entries; anything between is a state nobody can
        explain.
        """
        assert self._tree is not None  # noqa: S101 - just opened
        found = self._tree.state
        if (found.size, found.root) == (self.state.size, self.state.root):
            return False
        if not count or found.size != self.state.size + count:
            raise StateError(f"the ledger holds {found.size} entries where {self.state.size} or {count} more must be")
        return True

    def _refuse(self, group: list[Item], error: LedgerUnavailable) -> int:
        """Fail the durable entries of a group and queue the relaxed ones again; returns how many items that makes."""
        kept: list[Item] = []
        with self._wake:
            queue = self._queue
            queue.flying = 0
            queue.since = clock.monotonic()
            lost = sum(not item.durable for item in group)
            if not queue.closing:
                kept = self._kept(group)
                queue.items.extendleft(reversed(kept))
            elif lost:
                queue.fatal = f"{lost} acknowledged entries of the relaxed class could not be written: {error}"
        for item in group:
            if not item.future.done():
                item.future.set_exception(error)
        self._flight = []
        return len(kept)

    def _kept(self, group: list[Item]) -> list[Item]:
        """What must stay queued so that every relaxed entry gets the index that it was promised."""
        stop = len(group)
        if all(item.durable for item in self._queue.items):
            while stop and group[stop - 1].durable:
                stop -= 1
        return [self._void(item) if item.durable else item for item in group[:stop]]

    def _void(self, item: Item) -> Item:
        body = {"of": item.entry.kind, "why": "it could not be made durable and was refused"}
        return Item(NewEntry(VOID, encode(VOID, body, self._now())), durable=False, future=_done())

    def _give_up(self, reason: str) -> None:
        with self._wake:
            self._queue.fatal = reason
            left = [*self._flight, *self._queue.items]
            self._queue.items.clear()
        for item in left:
            if not item.future.done():
                item.future.set_exception(LedgerUnavailable(reason))

    def _move_wal(self) -> None:
        """Move the WAL into the database. A failure here loses nothing and shows again at the next write."""
        if self._tree is None:
            return
        try:
            self._tree.database.checkpoint()
        except apsw.Error as error:
            self.faults.last = str(unavailable(error, self._directory / FILE))
            self._tree.database.wal_pages = 0


def _done() -> Future[int]:
    """A future that nobody waits for."""
    future: Future[int] = Future()
    future.set_result(-1)
    return future
