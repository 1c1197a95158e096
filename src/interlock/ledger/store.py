"""The ledger as the daemon holds it: submit an entry, get a future, and be told when the disk has it.

One thread, the committer, writes. Whatever was queued while the last fsync ran goes into the next group: one
transaction, one fsync, one signature for all of them. Two classes of entry:

- durable (the default): the future resolves to the entry's index after the commit;
- relaxed (`durable=False`): the future resolves at once, in order, to the index that the entry will have. It is
  written by the next group. A crash within those milliseconds loses it, so only what harms nobody when lost may use
  it. When a disk error strikes in between, it is kept and written once the disk takes writes again, perhaps at a
  later index.

When a write fails, the connection is thrown away and opened again by the code that a start uses. What the disk then
says is the truth: either the group is there (its futures resolve) or it is not (they fail with `LedgerUnavailable`,
and the actions behind them are not released). While the disk refuses, every new entry is refused, and each one is a
new attempt.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time as clock
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from interlock.ledger.blobs import BlobStore
from interlock.ledger.database import FILE, Database
from interlock.ledger.entry import encode, utc_now
from interlock.ledger.files import private_directory
from interlock.ledger.head import HeadFile
from interlock.ledger.keyhistory import ADD, GENESIS, REVOKE, ROTATE, KeyHistory
from interlock.ledger.note import MAX_ORIGIN, PublicKey, Signer, valid_name
from interlock.ledger.reader import Reader, Stored
from interlock.ledger.tiles import TileDirectory
from interlock.ledger.writer import NewEntry, State, TreeStore, unavailable
from interlock.model.errors import InterlockError, LedgerUnavailable, StateError

MAX_GROUP = 1024  # entries a transaction: bounds the time until the first of them is acknowledged
MAX_QUEUE = 32_768  # entries waiting; beyond that the disk is not keeping up and new actions must wait elsewhere
LINGER = 0.02  # seconds a relaxed entry waits for company before it costs an fsync
IDLE = 0.25  # seconds without work after which the WAL is moved into the database
WAL_PAGES = 4_096  # 16 MiB: beyond that it is moved even under load
PUBLISH_EVERY = 2.0  # seconds between two publications of tiles and syncs of the head file
RETRY = 1.0  # seconds between attempts to write relaxed entries to a disk that refuses


@dataclass(slots=True)
class _Item:
    entry: NewEntry
    durable: bool
    future: Future[int]
    signer: Signer | None = None  # the key that signs from this entry on


@dataclass(slots=True)
class Faults:
    """What went wrong since the start, for status pages: counts, and the last sentence."""

    groups: int = 0
    head: int = 0
    publish: int = 0
    last: str = ""


@dataclass(slots=True)
class _Queue:
    """Guarded by `Ledger._wake`."""

    items: deque[_Item] = field(default_factory=deque)
    durable: int = 0  # durable items among them
    flying: int = 0  # items that the committer has taken and not yet settled
    since: float = 0.0  # when the oldest relaxed item came
    closing: bool = False
    fatal: str = ""  # why nothing can be written any more


class Ledger:
    """A log in a directory. Thread-safe. Make it with `open`, end it with `close`."""

    def __init__(self, directory: Path, signer: Signer, origin: str, lock: int, *, vfs: str | None) -> None:
        self.directory = directory
        self.origin = origin
        self.faults = Faults()
        self.blobs = BlobStore(directory / "blobs")
        self._signer = signer
        self._vfs = vfs
        self._lock = lock
        self._head = HeadFile(head_path(directory))
        self._tree: TreeStore | None = TreeStore.open(directory, signer, origin, self._head, vfs=vfs)
        self._state = self._tree.state
        self._keys = self._tree.keys
        self._reader = Reader(Database.reader(directory / FILE))
        self._tiles = TileDirectory(directory)
        self._queue = _Queue()
        self._wake = threading.Condition()
        self._stop = threading.Event()
        self._rotation = threading.Lock()
        self._committer = threading.Thread(target=self._commit_forever, name="ledger-committer", daemon=True)
        self._publisher = threading.Thread(target=self._publish_forever, name="ledger-publisher", daemon=True)

    @classmethod
    def open(
        cls,
        directory: Path,
        signer: Signer,
        origin: str,
        *,
        root: Signer | None = None,
        now: Callable[[], str] = utc_now,
        vfs: str | None = None,
    ) -> Ledger:
        """Open the ledger in `directory` (made if need be, mode 0700) or begin one.

        `signer` signs checkpoints and must be the key in force; `root` (default: `signer`) signs the genesis entry of
        a new log and is its root key; `origin` names the log (a schema-less URL, no spaces, no plus). `vfs` names an
        apsw VFS, for tests of failing disks.

        Raises `StateError` (locked by another process, wrong owner or mode, another log, another key), `LedgerForked`
        (the database is behind or beside the head file), `LedgerTampered`, `LedgerUnavailable` (disk full or
        failing).
        """
        if not valid_name(origin) or len(origin) > MAX_ORIGIN or origin == "interlock/key/v1":
            raise StateError(f"{origin!r} cannot name a log: it needs 1 to {MAX_ORIGIN} characters, no spaces, no plus")
        private_directory(directory)
        lock = _locked(directory / "lock")
        try:
            ledger = cls(directory, signer, origin, lock, vfs=vfs)
        except BaseException:
            os.close(lock)
            raise
        ledger._committer.start()
        try:
            if ledger.size == 0:
                genesis = ledger._keys.event(GENESIS, PublicKey.of(signer), root or signer)
                ledger.submit(GENESIS, genesis, time=now()).result()
                ledger._keys.apply(0, GENESIS, genesis)
        except BaseException:
            ledger.close()
            raise
        ledger._publisher.start()
        return ledger

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- writing --

    def submit(self, kind: str, body: Mapping[str, Any], *, time: str, durable: bool = True) -> Future[int]:
        """Append an entry; the future gives its index (see the module's text for the two classes).

        Raises `InternalError` at once for a body that may not stand in an entry (floats, too large, ...). The future
        fails with `LedgerUnavailable` when the entry could not be made durable.
        """
        return self._enqueue(_Item(NewEntry(kind, encode(kind, body, time)), durable, Future()))

    def _enqueue(self, item: _Item) -> Future[int]:
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
                index = self._state.size + queue.flying + len(queue.items) - 1
                self._wake.notify()
        if refusal:
            future.set_exception(LedgerUnavailable(refusal))
        elif not item.durable:
            future.set_result(index)
        return future

    def _refusal(self, item: _Item) -> str:
        queue = self._queue
        if queue.fatal or queue.closing:
            return queue.fatal or "the ledger is closing"
        if len(queue.items) >= MAX_QUEUE:
            return f"{MAX_QUEUE} entries wait for the disk already; it does not keep up"
        if self._tree is None and not item.durable:
            return f"the disk refuses writes: {self.faults.last}"
        return ""

    def rotate(self, signer: Signer, by: Signer, *, time: str, reason: str = "") -> int:
        """From the returned index on, `signer` signs checkpoints. `by` is the root key or the key in force.

        Blocks until it is durable. Raises `Refused` and `LedgerUnavailable`.
        """
        return self._key_event(ROTATE, PublicKey.of(signer), by, time, signer, reason=reason)

    def add_key(self, key: PublicKey, by: Signer, *, purpose: str, subject: str, time: str) -> int:
        """Make `key` valid for a purpose (`session`, `approver`, `witness`, `role`) from the returned index on.
        Blocks.
        """
        return self._key_event(ADD, key, by, time, None, purpose=purpose, subject=subject)

    def revoke_key(self, key: PublicKey, by: Signer, *, time: str, reason: str = "") -> int:
        """End the validity of an added key at the returned index. Blocks."""
        return self._key_event(REVOKE, key, by, time, None, reason=reason)

    def _key_event(
        self, kind: str, key: PublicKey, by: Signer, time: str, signer: Signer | None, **details: str
    ) -> int:
        with self._rotation:
            body = self._keys.event(kind, key, by, **details)
            trial = NewEntry(kind, encode(kind, body, time))
            index = self._enqueue(_Item(trial, durable=True, future=Future(), signer=signer)).result()
            self._keys.apply(index, kind, body)
            return index

    @property
    def keys(self) -> KeyHistory:
        """Which key is valid when. Read it only."""
        return self._keys

    # -- reading --

    @property
    def size(self) -> int:
        """How many entries are committed."""
        return self._state.size

    @property
    def healthy(self) -> bool:
        """Whether the last write reached the disk."""
        return self._tree is not None and not self._queue.fatal

    def checkpoint(self) -> str:
        """The signed checkpoint of what is committed."""
        return self._state.note

    def entry(self, index: int) -> Stored:
        """The committed entry at `index`; raises `NotFound`."""
        return self._reader.entry(index)

    def entries(
        self, start: int = 0, stop: int | None = None, kinds: Collection[str] | None = None
    ) -> Iterator[Stored]:
        """Committed entries `start` <= index < `stop` in order, of these kinds (None: all). Cheap by kind."""
        return self._reader.entries(start, stop, kinds)

    def proof(self, index: int) -> str:
        """The inclusion proof of an entry, with the checkpoint it leads to (c2sp.org/tlog-proof@v1)."""
        return self._reader.proof(index)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The consistency proof between two sizes."""
        return self._reader.consistency(old, new)

    # -- the committer's thread --

    def _commit_forever(self) -> None:
        try:
            while (group := self._next_group()) is not None:
                if group:
                    self._commit(group)
                else:
                    self._move_wal()
        except BaseException as error:  # unknown state is fatal: answer everybody, write nothing more
            self._give_up(f"the ledger's writer has stopped: {type(error).__name__}: {error}")
            if not isinstance(error, InterlockError):
                raise

    def _next_group(self) -> list[_Item] | None:
        """Wait for work. Empty: there is none, so there is time to move the WAL. None: closed, and nothing is left."""
        with self._wake:
            queue = self._queue
            while not self._due():
                if queue.closing and not queue.items:
                    return None
                if not self._wake.wait(self._patience()) and not queue.items:
                    return []
            group: list[_Item] = []
            while queue.items and len(group) < MAX_GROUP:
                group.append(queue.items.popleft())
                if group[-1].signer is not None:
                    break  # the group that a change of key ends is signed by the new key
            queue.durable -= sum(item.durable for item in group)
            queue.flying = len(group)
            return group

    def _due(self) -> bool:
        queue = self._queue
        if queue.durable or (queue.items and queue.closing):
            return True
        waited = clock.monotonic() - queue.since
        return bool(queue.items) and waited >= (LINGER if self._tree is not None else RETRY)

    def _patience(self) -> float | None:
        if self._queue.items:
            return max(0.001, self._queue.since + (LINGER if self._tree is not None else RETRY) - clock.monotonic())
        return IDLE if self._tree is not None and self._tree.database.wal_pages else None

    def _commit(self, group: list[_Item]) -> None:
        """Write one group and answer everybody in it."""
        signer = group[-1].signer or self._signer
        try:
            if self._tree is None:
                self._tree = self._reopened()
            state = self._tree.write([item.entry for item in group], signer)
        except (apsw.Error, OSError, LedgerUnavailable) as error:
            written = self._recover(error, signer, len(group))
            if written is None:
                self._refuse(group, unavailable(error, self.directory / FILE))
                return
            state = written
        self._signer = signer
        self._take_over(state, group)

    def _take_over(self, state: State, group: list[_Item]) -> None:
        """The disk has the group: now memory, the head file, and the waiting futures may know."""
        first = self._state.size
        if self._tree is not None:
            self._tree.state = state
        with self._wake:
            self._state = state
            self._queue.flying = 0
        try:
            self._head.write(state.note)
        except OSError as error:
            self.faults.head += 1
            self.faults.last = f"the head file cannot be written: {error.strerror}"
        for index, item in enumerate(group, first):
            if item.durable:
                item.future.set_result(index)
        if self._tree is not None and self._tree.database.wal_pages > WAL_PAGES:
            self._move_wal()

    def _recover(self, error: BaseException, signer: Signer, count: int) -> State | None:
        """Open again and see: the new state when the group is on the disk after all, None when it is not."""
        self.faults.groups += 1
        self.faults.last = str(unavailable(error, self.directory / FILE))
        before = self._state
        if self._tree is not None:
            self._tree.close()
            self._tree = None
        try:
            tree = self._reopened(signer)
        except LedgerUnavailable:
            return None
        except StateError:
            tree = self._reopened()  # the change of key did not happen
        self._tree = tree
        if (tree.state.size, tree.state.root) == (before.size, before.root):
            return None
        if tree.state.size != before.size + count:
            raise StateError(
                f"the ledger holds {tree.state.size} entries where {before.size} or {count} more were expected"
            )
        return tree.state

    def _reopened(self, signer: Signer | None = None) -> TreeStore:
        return TreeStore.open(self.directory, signer or self._signer, self.origin, self._head, vfs=self._vfs)

    def _refuse(self, group: list[_Item], error: LedgerUnavailable) -> None:
        """Nothing of the group is on the disk: durable entries fail, relaxed ones (acknowledged already) stay in the
        queue.
        """
        with self._wake:
            self._queue.flying = 0
            self._queue.items.extendleft(reversed([item for item in group if not item.durable]))
            self._queue.since = clock.monotonic()
            if self._queue.closing:
                self._queue.items.clear()
                self._queue.fatal = str(error)
        for item in group:
            if item.durable:
                item.future.set_exception(error)

    def _give_up(self, reason: str) -> None:
        with self._wake:
            self._queue.fatal = reason
            left = list(self._queue.items)
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
            self.faults.last = str(unavailable(error, self.directory / FILE))
            self._tree.database.wal_pages = 0

    # -- the publisher's thread --

    def _publish_forever(self) -> None:
        published = ""
        while not self._stop.wait(PUBLISH_EVERY if published else 0.0):
            if published != self._state.note:
                published = self._state.note
                self.publish()

    def publish(self) -> None:
        """Write tiles and checkpoint files for what is committed, and sync the head file. Failures are counted, not
        raised.
        """
        try:
            size, note = self._reader.head()
            self._tiles.publish(size, note, self._reader, sync=True)
            self._head.sync()
        except (OSError, InterlockError) as error:
            self.faults.publish += 1
            self.faults.last = f"tiles could not be published: {error}"

    def close(self) -> None:
        """Write what is queued, publish, and let go. Raises `LedgerUnavailable` when relaxed entries had to be
        dropped.
        """
        with self._wake:
            again = self._queue.closing
            self._queue.closing = True
            self._wake.notify()
        if again:
            return
        self._stop.set()
        if self._committer.ident is not None:
            self._committer.join()
        if self._publisher.ident is not None:
            self._publisher.join()
            self.publish()
        self._head.close()
        self._reader.close()
        if self._tree is not None:
            self._tree.close()
        os.close(self._lock)
        if self._queue.fatal:
            raise LedgerUnavailable(self._queue.fatal)


async def settled(future: Future[int]) -> int:
    """Await a submitted entry from asyncio; costs nothing when it is settled already (relaxed entries are)."""
    return future.result() if future.done() else await asyncio.wrap_future(future)


def head_path(directory: Path) -> Path:
    """The head file stands beside the ledger's directory, so that removing or restoring the directory does not reach
    it.
    """
    return directory.with_name(f"{directory.name}.head")


def _locked(path: Path) -> int:
    """Take the single writer's lock; it ends with the process, however that ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise StateError(f"another process writes to the ledger in {path.parent}") from error
    return handle


