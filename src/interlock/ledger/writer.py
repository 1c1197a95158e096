"""The tree in the database: loading it with every check a start makes, and writing one group in one transaction.

Starting, and coming back after a failed write, are the same code (`TreeStore.open`): there is no second recovery path.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import apsw

from interlock.ledger.database import FILE, Database, Row, translated
from interlock.ledger.entry import decode
from interlock.ledger.head import HeadFile
from interlock.ledger.keyhistory import KINDS, KeyHistory
from interlock.ledger.merkle import EMPTY_ROOT, TILE_WIDTH, Frontier, Tree, leaf_hash
from interlock.ledger.note import Checkpoint, PublicKey, Signer, open_checkpoint, sign_checkpoint
from interlock.ledger.reader import Reader
from interlock.model.errors import (
    InternalError,
    LedgerForked,
    LedgerTampered,
    LedgerUnavailable,
    LedgerUnverifiable,
    StateError,
)

MILESTONE_EVERY = 1024


class State(NamedTuple):
    """The tree as it is on the disk. Replaced as a whole, and only after the disk has it."""

    size: int
    frontier: Frontier
    root: bytes
    note: str


class NewEntry(NamedTuple):
    """An entry on its way into the tree."""

    kind: str
    raw: bytes


class TreeStore:
    """One writer's hold on the database. `state` never runs ahead of the disk."""

    def __init__(self, database: Database, state: State, keys: KeyHistory) -> None:
        self.database = database
        self.state = state
        self.keys = keys

    @classmethod
    def open(
        cls,
        directory: Path,
        signer: Signer,
        origin: str,
        head: HeadFile,
        *,
        heir: bool = False,
        after_error: bool = False,
        vfs: str | None = None,
    ) -> TreeStore:
        """Open, settle what an earlier process left, and check that the tree continues what was signed before.

        With `heir`, `signer` need not be the key in force yet: the caller is about to make it so. With `after_error`,
        what is found must be copied and synced again before it is believed.

        Raises `LedgerForked` (behind or beside the head file), `LedgerTampered`, `LedgerUnavailable` (disk),
        `StateError` (another log, or a signer that is not the key in force).
        """
        database = Database.writer(directory / FILE, after_error=after_error, vfs=vfs)
        try:
            return cls._load(database, signer, origin, head, heir=heir)
        except apsw.Error as error:
            database.close()
            raise translated(error, database.path) from error
        except (TypeError, ValueError) as error:
            # Damage that SQLite did not notice: a value of another type, text that is not UTF-8.
            database.close()
            raise LedgerTampered(
                f"{database.path} is damaged: {error}. Keep it as evidence, restore a backup"
            ) from error
        except BaseException:
            database.close()
            raise

    @classmethod
    def _load(cls, database: Database, signer: Signer, origin: str, head: HeadFile, *, heir: bool) -> TreeStore:
        if not database.run("load"):
            _initialise(database, signer, origin, head)
        found, size, packed, note = database.one("load")
        if found != origin:
            raise StateError(f"{database.path} is the log of {found!r}, not of {origin!r}")
        reader = Reader(database)
        keys = load_keys(reader, origin)
        state = _checked_state(database, reader, size, packed, note)
        if size:
            if PublicKey.of(signer) != keys.current and not heir:
                raise StateError(
                    f"the ledger's checkpoints are signed by {keys.current}; the key at hand is "
                    f"{PublicKey.of(signer)}. Put the old key back, or rotate keys with the root key"
                )
            _check_signed(keys.current, Checkpoint(origin, size, state.root), note)
        _check_head(head, reader, keys if size else None, signer, state, origin)
        return cls(database, state, keys)

    def write(self, group: Sequence[NewEntry], signer: Signer) -> State:
        """Append a group and its signed checkpoint in one transaction; returns the new state, **not** yet taken over.

        Raises `apsw.Error` when the disk said no; what is on the disk is then unknown until it is opened again.
        """
        old = self.state
        frontier = old.frontier.copy()
        entries: list[Row] = []
        nodes: list[Row] = []
        for entry in group:
            leaf = leaf_hash(entry.raw)
            entries.append((frontier.size, entry.kind, leaf, entry.raw))
            nodes.extend((node.level, node.index, node.hash) for node in frontier.append(leaf))
        new = self._sign(frontier, signer)
        keep = old.size // MILESTONE_EVERY != new.size // MILESTONE_EVERY or group[-1].kind in KINDS
        run = self.database.run
        run("begin")
        try:
            self.database.run_many("add_entry", entries)
            if nodes:
                self.database.run_many("add_node", nodes)
            if keep and old.size:
                run("add_milestone", old.size, old.note)
            run("move_head", new.size, frontier.pack(), new.note, old.size)
            self._check_moved()
            run("commit")
        except BaseException:
            self._roll_back()
            raise
        return new

    def take(self, state: State, group: Sequence[NewEntry]) -> None:
        """The group is on the disk: take over its state, and the key events in it."""
        first = self.state.size
        self.state = state
        for index, entry in enumerate(group, first):
            if entry.kind in KINDS:
                self.keys.apply(index, entry.kind, decode(entry.raw).body)

    def _sign(self, frontier: Frontier, signer: Signer) -> State:
        # INVARIANT: never sign a smaller or inconsistent tree: the frontier can only have grown from the state on disk.
        if frontier.size <= self.state.size:
            raise InternalError("a checkpoint must be of a larger tree than the one before")
        root = frontier.root()
        checkpoint = Checkpoint(self.keys.origin, frontier.size, root)
        return State(frontier.size, frontier, root, sign_checkpoint(checkpoint, signer))

    def _check_moved(self) -> None:
        if self.database.connection.changes() != 1:
            raise InternalError("the ledger's head moved under its only writer: another process has written to it")

    def _roll_back(self) -> None:
        try:
            if self.database.connection.in_transaction:
                self.database.run("rollback")
        except apsw.Error:
            return  # the connection is thrown away after any failed write

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def load_keys(reader: Reader, origin: str) -> KeyHistory:
    """The key events of the log, each checked."""
    keys = KeyHistory(origin)
    for stored in reader.entries(kinds=KINDS):
        keys.apply(stored.index, stored.kind, stored.entry().body)
    return keys


def _initialise(database: Database, signer: Signer, origin: str, head: HeadFile) -> None:
    """The empty tree. The head file comes first: from then on a database that vanishes is noticed."""
    note = sign_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT), signer)
    if head.read() is None:
        head.create(note)
    database.run("begin")
    database.run("init_log", origin)
    database.run("init_head", note)
    database.run("commit")


def _checked_state(database: Database, reader: Reader, size: int, packed: bytes, note: str) -> State:
    """The tree recomputed from the hashes in the database, and its last entries from their bytes."""
    last = database.one("last_index")[0]
    if (-1 if last is None else last) != size - 1:
        raise LedgerTampered(f"the database says it holds {size} entries and its last one is {last}")
    try:
        frontier = Frontier.unpack(size, packed)
        computed = Tree(size, reader.hashes).frontier()
    except (ValueError, LookupError) as error:
        raise LedgerTampered(f"the hashes in the database do not make a tree of {size} entries: {error}") from error
    if computed.pack() != frontier.pack():
        raise LedgerTampered("the frontier in the database is not that of its entries; run: interlock verify")
    start = max(0, size - TILE_WIDTH)
    for index, (raw, leaf) in enumerate(database.run("raws", start, size), start):
        if leaf_hash(raw) != leaf:
            raise LedgerTampered(f"entry {index} has been changed: its bytes do not match its hash")
        decode(raw)
    return State(size, frontier, frontier.root(), note)


def _check_signed(key: PublicKey, expected: Checkpoint, note: str) -> None:
    if open_checkpoint(note, key) != expected:
        raise LedgerTampered("the signed checkpoint in the database is not that of its entries; run: interlock verify")


def _check_head(
    head: HeadFile, reader: Reader, keys: KeyHistory | None, signer: Signer, state: State, origin: str
) -> None:
    """The database must be at, or have grown from, what the head file says was signed."""
    note = head.read()
    if note is None:
        raise LedgerForked(
            f"{head.path}, which holds the last signed checkpoint, is missing, so a ledger that was set back would not "
            "be seen. Restore that file; or, if you know why it is gone, verify the ledger and start once with "
            "`interlock up --accept-lost-head`"
        )
    try:
        last = open_checkpoint(note, PublicKey.of(signer) if keys is None else _key_of(keys, note))
    except (LedgerTampered, LedgerUnverifiable) as error:
        raise LedgerForked(f"{head.path} was not signed by this log: {error}") from error
    if last.origin != origin:
        raise LedgerForked(f"{head.path} is of the log {last.origin!r}")
    if last.size > state.size:
        raise LedgerForked(
            f"the ledger was set back: it holds {state.size} entries, and {last.size} were signed. "
            "Restore the newer database"
        )
    if reader.root(last.size) != last.root:
        raise LedgerForked(f"this is not the ledger that was signed: its first {last.size} entries have another root")


def _key_of(keys: KeyHistory, note: str) -> PublicKey:
    from interlock.ledger.note import parse_checkpoint

    return keys.checkpoint_key(parse_checkpoint(note).size)


def unavailable(error: BaseException, path: Path) -> LedgerUnavailable:
    """Any failure of a write, as the waiting action sees it."""
    found = translated(error, path)
    return found if isinstance(found, LedgerUnavailable) else LedgerUnavailable(str(found))
