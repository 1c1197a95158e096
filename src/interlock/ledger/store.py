"""The ledger as the daemon holds it: submit an entry, get a future, and be told when the disk has it.

One thread, the committer, writes. Whatever was queued while the last fsync ran goes into the next group: one
transaction, one fsync, one signature for all of them. Two classes of entry:

- durable (the default): the future resolves to the entry's index after the commit;
- relaxed (`durable=False`): the future resolves at once, in order, to the index that the entry will have. It is
  written by the next group. A crash within those milliseconds loses it, so only what harms nobody when lost may use
  it. When a disk error strikes in between, it is kept, and written at that same index once the disk takes writes again;
  an entry `log.void` then stands where a durable entry before it had to be refused.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from interlock.ledger.blobs import BlobStore
from interlock.ledger.committer import Committer, Faults, Item
from interlock.ledger.database import FILE, Database
from interlock.ledger.entry import encode, utc_now
from interlock.ledger.files import private_directory
from interlock.ledger.head import BLOCK, HeadFile
from interlock.ledger.keyhistory import ADD, GENESIS, REVOKE, ROTATE, STATEMENT, KeyHistory
from interlock.ledger.note import MAX_ORIGIN, PublicKey, Signer, valid_name
from interlock.ledger.reader import Reader, Stored
from interlock.ledger.tiles import TileDirectory
from interlock.ledger.writer import NewEntry
from interlock.model.errors import InterlockError, LedgerUnavailable, StateError

HEAD_ACCEPTED = "log.head_accepted"
PUBLISH_EVERY = 2.0  # seconds between two publications of tiles and syncs of the head file


class Ledger:
    """A log in a directory. Thread-safe. Make it with `open`, end it with `close`."""

    def __init__(
        self,
        directory: Path,
        signer: Signer,
        origin: str,
        lock: int,
        *,
        now: Callable[[], str],
        heir: bool,
        vfs: str | None,
    ) -> None:
        self.directory = directory
        self.origin = origin
        self.blobs = BlobStore(directory / "blobs")
        self._lock = lock
        self._head = HeadFile(head_path(directory))
        self._committer = Committer(directory, signer, origin, self._head, now=now, heir=heir, vfs=vfs)
        self._reader = Reader(Database.reader(directory / FILE))
        self._tiles = TileDirectory(directory)
        self._stop = threading.Event()
        self._changing_keys = threading.Lock()
        self._publishing = threading.Lock()
        self._publisher: threading.Thread | None = None
        self._closed = False

    @classmethod
    def open(
        cls,
        directory: Path,
        signer: Signer,
        origin: str,
        *,
        root: Signer | None = None,
        now: Callable[[], str] = utc_now,
        lost_key: bool = False,
        lost_head: bool = False,
        vfs: str | None = None,
    ) -> Ledger:
        """Open the ledger in `directory` (made if need be, mode 0700) or begin one.

        `signer` signs checkpoints and must be the key in force; `root` (default: `signer`) signs the genesis entry of a
        new log and is its root key; `origin` names the log (a schema-less URL, no spaces, no plus). `now` stamps the
        entries that the ledger itself writes. `vfs` names an apsw VFS, for tests of failing disks.

        Two ways out, both of them entries that everybody can see: with `lost_key`, `root` makes `signer` the key in
        force (`key.rotate`); with `lost_head`, the database is taken at its word and the head file written anew
        (`log.head_accepted`, with the old head in it).

        Raises `StateError` (locked by another process, wrong owner or mode, another log, another key), `LedgerForked`
        (the database is behind or beside the head file), `LedgerTampered`, `LedgerUnavailable` (disk full or failing).
        """
        if not valid_name(origin) or len(origin) > MAX_ORIGIN or origin == STATEMENT:
            raise StateError(f"{origin!r} cannot name a log: it needs 1 to {MAX_ORIGIN} characters, no spaces, no plus")
        private_directory(directory)
        lock = _locked(directory / "lock")
        try:
            accepted = _accept_head(directory) if lost_head else None
            ledger = cls(directory, signer, origin, lock, now=now, heir=lost_key, vfs=vfs)
        except BaseException:
            os.close(lock)
            raise
        try:
            if ledger.size == 0:
                genesis = ledger.keys.event(GENESIS, PublicKey.of(signer), root or signer)
                ledger.submit(GENESIS, genesis, time=now()).result()
            if lost_key and PublicKey.of(signer) != ledger.keys.current:
                ledger.rotate(signer, root or signer, time=now(), reason="the key before is lost")
            if accepted is not None:
                ledger.submit(HEAD_ACCEPTED, accepted, time=now()).result()
        except BaseException:
            ledger.close()
            raise
        ledger._publisher = threading.Thread(target=ledger._publish_forever, name="ledger-publisher", daemon=True)
        ledger._publisher.start()
        return ledger

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, kind: str, body: Mapping[str, Any], *, time: str, durable: bool = True) -> Future[int]:
        """Append an entry; the future gives its index (see the module's text for the two classes).

        Raises `InternalError` at once for a body that may not stand in an entry (floats, too large, ...). The future
        fails with `LedgerUnavailable` when the entry could not be made durable.
        """
        return self._committer.enqueue(Item(NewEntry(kind, encode(kind, body, time)), durable, Future()))

    def rotate(self, signer: Signer, by: Signer, *, time: str, reason: str = "") -> int:
        """From the returned index on, `signer` signs checkpoints. `by` is the root key or the key in force.

        Blocks until it is durable. Keep both keys until then. Raises `Refused` and `LedgerUnavailable`.
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
        with self._changing_keys:
            body = self.keys.event(kind, key, by, **details)
            item = Item(NewEntry(kind, encode(kind, body, time)), durable=True, future=Future(), signer=signer)
            return self._committer.enqueue(item).result()

    @property
    def keys(self) -> KeyHistory:
        """Which key is valid when. Read it only."""
        return self._committer.keys

    @property
    def size(self) -> int:
        """How many entries are committed."""
        return self._committer.state.size

    @property
    def healthy(self) -> bool:
        """Whether the last write reached the disk."""
        return self._committer.healthy

    @property
    def faults(self) -> Faults:
        """What went wrong since the start."""
        return self._committer.faults

    def checkpoint(self) -> str:
        """The signed checkpoint of what is committed."""
        return self._committer.state.note

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

    def publish(self) -> None:
        """Write tiles and checkpoint files for what is committed, and sync the head file.

        They are derived, so a failure is counted in `faults` and not raised: the next publication makes up for it.
        """
        try:
            with self._publishing:
                size, note = self._reader.head()
                self._tiles.publish(size, note, self._reader)
                self._head.sync()
        except (OSError, InterlockError) as error:
            self.faults.publish += 1
            self.faults.last = f"tiles could not be published: {error}"

    def _publish_forever(self) -> None:
        published = ""
        while not self._stop.wait(PUBLISH_EVERY if published else 0.0):
            if published != self.checkpoint():
                published = self.checkpoint()
                self.publish()

    def close(self) -> None:
        """Write what is queued, publish, and let go. Raises `LedgerUnavailable` when acknowledged entries were lost."""
        if self._closed:
            return
        self._closed = True
        self._stop.set()
        lost = self._committer.drain()
        if self._publisher is not None:
            self._publisher.join()
            self.publish()
        self._head.close()
        self._reader.close()
        self._committer.close()
        os.close(self._lock)
        if lost:
            raise LedgerUnavailable(lost)


async def settled(future: Future[int]) -> int:
    """Await a submitted entry from asyncio; costs nothing when it is settled already (relaxed entries are)."""
    return future.result() if future.done() else await asyncio.wrap_future(future)


def head_path(directory: Path) -> Path:
    """The head file stands beside the directory, so that removing or restoring the directory does not reach it."""
    return directory.with_name(f"{directory.name}.head")


def _accept_head(directory: Path) -> dict[str, str]:
    """Write the head file from the database; returns what the entry about it says."""
    with Reader.open(directory) as reader:
        note = reader.checkpoint()
    head = HeadFile(head_path(directory))
    try:
        old = head.path.read_text("utf-8", "replace").rstrip("\n") if head.path.exists() else ""
    except OSError as error:
        raise StateError(f"{head.path} cannot be read: {error.strerror}") from error
    head.create(note)
    return {"was": old[:BLOCK], "now": note}


def _locked(path: Path) -> int:
    """Take the single writer's lock; it ends with the process, however that ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise StateError(f"another process writes to the ledger in {path.parent}") from error
    return handle
