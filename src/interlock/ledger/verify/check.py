"""The order in which a log is judged, and the report of a sound one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.ledger.verify import database
from interlock.ledger.verify.halts import Halts
from interlock.ledger.verify.hashes import EMPTY, Growing, check_inclusion, leaf
from interlock.ledger.verify.keys import EVENTS, Keys
from interlock.ledger.verify.notes import Key, Note, read_entry
from interlock.ledger.verify.story import Story
from interlock.ledger.verify.tiles import TileFiles
from interlock.ledger.verify.yeses import Yeses
from interlock.model.counts import many
from interlock.model.errors import LedgerForked, LedgerIncomplete, LedgerTampered, LedgerUnverifiable

_RETRIES = 5  # a running log may publish while its files are read
_PROOF = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Report:
    """A log whose hashes and signatures hold. `open_intents` and `problems` are for people (or for `strict`)."""

    kind: str  # "ledger" or "export"
    origin: str
    size: int
    root: str  # base64, as in the checkpoint
    root_key: str
    signing_keys: tuple[tuple[int, str], ...]  # (valid from index, vkey)
    pinned: bool  # whether the root key was given by the verifier, not only found in the log
    tiles: int  # size of the tree whose tile files were checked
    checkpoints: int  # signed checkpoints that were checked
    counts: dict[str, int] = field(default_factory=dict)
    open_intents: tuple[int, ...] = ()
    open_sessions: int = 0
    problems: tuple[str, ...] = ()
    more_problems: int = 0


@dataclass(frozen=True, slots=True)
class _Claim:
    """A signed checkpoint that the log must fit. `fork`: it comes from outside the log, so misfit means a fork."""

    what: str
    note: Note
    fork: bool


Hear = Callable[[int, str, str, dict[str, Any]], None]
"""Told of every entry in order (index, kind, time, body), before the log is judged: what it finds is for later."""


class _Log:
    """One pass over the entries."""

    def __init__(self, pinned: Key | None, blobs: Path, hear: Hear | None = None) -> None:
        self.hear = hear
        self.keys = Keys(pinned)
        self.story = Story(blobs if blobs.is_dir() else None)
        self.halts = Halts(self.keys, blobs if blobs.is_dir() else None)
        self.yeses = Yeses()
        self.tree = Growing()
        self.claims: list[_Claim] = []
        self.roots: dict[int, bytes] = {0: EMPTY}
        self._wanted: set[int] = set()

    def claim(self, what: str, raw: bytes, *, fork: bool = False) -> Note:
        note = Note.parse(raw, what)
        self.claims.append(_Claim(what, note, fork))
        self._wanted.add(note.size)
        return note

    def read(self, index: int, raw: bytes) -> list[tuple[int, bytes]]:
        kind, time, body = read_entry(raw, index)
        if kind in EVENTS:
            self.keys.event(index, kind, body)
        self.story.feed(index, kind, body)
        if self.hear is not None:
            self.hear(index, kind, time, body)
        self.halts.feed(index, kind, time, body, raw)
        self.yeses.feed(index, kind, time, body)
        done = self.tree.add(leaf(raw))
        if self.tree.size in self._wanted:
            self.roots[self.tree.size] = self.tree.root()
        return done

    def check_claims(self) -> None:
        """Every signature with the key valid at its size, then every root."""
        for claim in self.claims:
            self._check_origin(claim)
            claim.note.check(self.keys.at(claim.note.size), claim.what)
        for claim in self.claims:
            size, kind = claim.note.size, LedgerForked if claim.fork else LedgerTampered
            if size > self.tree.size:
                raise kind(
                    f"the log was set back: it holds {self.tree.size} entries, and {claim.what} was signed over {size}"
                )
            if self.roots[size] != claim.note.root:
                raise kind(
                    f"the history was changed: the first {size} entries do not make the root of {claim.what}, "
                    "which this log has signed"
                )

    def _check_origin(self, claim: _Claim) -> None:
        if claim.note.origin == self.keys.origin:
            return
        kind = LedgerUnverifiable if claim.fork else LedgerTampered
        raise kind(f"{claim.what} is of the log {claim.note.origin!r}; this is the log {self.keys.origin!r}")


def verify(
    directory: Path,
    *,
    key: str = "",
    origin: str = "",
    since: bytes | None = None,
    strict: bool = False,
    hear: Hear | None = None,
) -> Report:
    """Judge the ledger or export in `directory`, offline, without writing anything.

    `key` is the vkey of the root key that you trust (without it, the key in entry 0 is taken at its word); `origin` the
    log you expect; `since` a signed checkpoint that you kept from earlier; `strict` refuses what is only reported
    otherwise; `hear` is told of every entry, before the log as a whole is judged.

    Raises `LedgerTampered` (30), `LedgerIncomplete` (31), `LedgerUnverifiable` (32), `LedgerForked` (34), and
    `LedgerPolicyFailed` (33) for a sound log of a daemon that let happen what an order to halt
    forbade, or what no yes was for.
    """
    log = _Log(Key.parse(key) if key else None, directory / "blobs", hear)
    if since is not None:
        log.claim("the checkpoint you kept", since, fork=True)
    if (directory / database.FILE).is_file():
        kind, tiles = "ledger", _live(directory, log)
    elif directory.with_name(f"{directory.name}.head").is_file():
        raise LedgerIncomplete(
            f"{database.FILE} is missing from {directory}, and the head file says that there was one"
        )
    elif (directory / "checkpoint").is_file():
        kind, tiles = "export", _export(directory, log)
    else:
        raise LedgerUnverifiable(f"{directory} holds neither a ledger nor an export of one")
    if origin and origin != log.keys.origin:
        raise LedgerUnverifiable(f"this is the log {log.keys.origin!r}, not {origin!r}")
    log.halts.judge()
    log.yeses.judge()
    report = _report(kind, tiles, log, pinned=bool(key))
    if strict:
        _be_strict(report)
    return report


def _export(directory: Path, log: _Log) -> int:
    note = log.claim("the checkpoint", _file(directory / "checkpoint"))
    _first_look(directory, note)
    _kept(directory, log)
    with _judged(log):
        files = TileFiles(directory, note.size)
        suspicion = _suspicion(files, note)
        for index, raw in files.entries():
            _match(files, index, raw, suspicion)
            log.read(index, raw)
        log.check_claims()
        if suspicion is not None:
            raise suspicion
        _check_key_list(directory, log)
    return note.size


def _check_key_list(directory: Path, log: _Log) -> None:
    path = directory / "keys"
    listed = "".join(f"{index} {key}\n" for index, key in log.keys.signers)
    if path.is_file() and _file(path) != f"root {log.keys.root}\n{listed}".encode():
        raise LedgerTampered("the list of keys is not that of the log's entries: it was changed")


def _first_look(directory: Path, note: Note) -> None:
    """A changed checkpoint would send us looking for tiles that never were; the keys beside it, not yet trusted,
    tell.
    """
    path = directory / "keys"
    if path.is_file():
        try:
            keys = [Key.parse(line.split(" ")[-1]) for line in _file(path).decode().splitlines()]
        except (UnicodeDecodeError, LedgerUnverifiable) as error:
            raise LedgerTampered(f"the list of keys was changed: {error}") from error
        for name, data in note.signatures:
            for key in keys:
                if (name, data[:4]) == (key.name, key.id):
                    key.check(data[4:], note.text, "the checkpoint")


def _live(directory: Path, log: _Log) -> int:
    head = directory.with_name(f"{directory.name}.head")
    if not head.is_file():
        raise LedgerForked(f"{head}, which holds the last signed checkpoint, is missing: a set-back would not be seen")
    log.claim(f"the last signed checkpoint ({head.name})", _file(head).rstrip(b"\n") + b"\n", fork=True)
    files, suspicion = _published(directory, log)
    with database.snapshot(directory / database.FILE) as found, _judged(log):
        note = log.claim("the checkpoint in the database", found.note)
        if note.size != found.size:
            raise LedgerTampered(f"the database says it holds {found.size} entries; its checkpoint is of {note.size}")
        for what, raw in found.milestones():
            log.claim(what, raw)
        bundles = files.entries() if files is not None else iter(())
        for index, raw in found.entries():
            if files is not None and index < files.size:
                _match(files, index, raw, suspicion)
                if next(bundles)[1] != raw:
                    raise LedgerTampered(f"entry {index} is another one in the published bundle than in the database")
            for level, node in log.read(index, raw):
                found.check_node(level, index >> (8 * level), node)
        log.check_claims()
        if suspicion is not None:
            raise suspicion
    return files.size if files is not None else 0


def _published(directory: Path, log: _Log) -> tuple[TileFiles | None, LedgerTampered | None]:
    """The tile files beside a database, as of their own checkpoint; they may be a little older than the database."""
    path = directory / "checkpoint"
    for attempt in range(_RETRIES):
        if not path.is_file():
            return None, None
        raw = _file(path)
        try:
            note = Note.parse(raw, "the published checkpoint")
            files = TileFiles(directory, note.size)
        except LedgerIncomplete:
            if attempt == _RETRIES - 1 or _file(path) == raw:
                raise
            continue
        log.claim("the published checkpoint", raw)
        return files, _suspicion(files, note)
    return None, None


def _suspicion(files: TileFiles, note: Note) -> LedgerTampered | None:
    """What is wrong with the tiles, if anything: said only after the checkpoint itself is known to be genuine."""
    try:
        files.check(note.root)
    except LedgerTampered as error:
        return error
    return None


def _match(files: TileFiles, index: int, raw: bytes, suspicion: LedgerTampered | None) -> None:
    try:
        files.check_leaf(index, leaf(raw))
    except LedgerTampered as error:
        raise suspicion or error from error


@contextmanager
def _judged(log: _Log) -> Iterator[None]:
    """An empty log has no key to judge by."""
    yield
    if log.tree.size == 0:
        raise LedgerUnverifiable("the log is empty: there is no genesis entry and so no key to judge it by")


def _kept(directory: Path, log: _Log) -> None:
    """The older signed checkpoints of an export."""
    folder = directory / "checkpoints"
    if folder.is_dir():
        for path in sorted(folder.iterdir(), key=lambda p: (len(p.name), p.name)):
            log.claim(f"checkpoints/{path.name}", _file(path))


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LedgerUnverifiable(f"{path} cannot be read: {error.strerror}") from error


def _report(kind: str, tiles: int, log: _Log, *, pinned: bool) -> Report:
    story = log.story
    return Report(
        kind=kind,
        origin=log.keys.origin,
        size=log.tree.size,
        root=base64.b64encode(log.tree.root()).decode(),
        root_key=str(log.keys.root),
        signing_keys=tuple((index, str(key)) for index, key in log.keys.signers),
        pinned=pinned,
        tiles=tiles,
        checkpoints=len(log.claims),
        counts=dict(sorted(story.counts.items())),
        open_intents=tuple(story.open_intents()),
        open_sessions=story.open_sessions(),
        problems=(
            *story.problems,
            *(f"nobody has certified that order {index} was carried out" for index in log.halts.uncertified()),
        ),
        more_problems=story.more_problems,
    )


def _be_strict(report: Report) -> None:
    if report.problems:
        raise LedgerIncomplete(report.problems[0])
    if report.open_intents:
        first, intents = report.open_intents[0], many(len(report.open_intents), "intent has", "intents have")
        raise LedgerIncomplete(
            f"{intents} no outcome, the first of them entry {first}: nobody said how these actions ended"
        )


def verify_proof(proof: bytes, entry: bytes, key: str) -> dict[str, Any]:
    """Check a `.tlog-proof` for the bytes of an entry with the vkey of the log; returns origin, index and size.

    Raises `LedgerTampered` or `LedgerUnverifiable`.
    """
    try:
        head, _, note = proof.decode().partition("\n\n")
        lines = head.split("\n")
        version, rest = lines[0], [line for line in lines[1:] if not line.startswith("extra ")]
        index = int(rest[0].removeprefix("index "))
        path = [base64.b64decode(line, validate=True) for line in rest[1:]]
    except (ValueError, IndexError, binascii.Error) as error:
        raise LedgerTampered("this is not a proof of the form c2sp.org/tlog-proof@v1") from error
    if version != _PROOF or any(len(node) != 32 for node in path):
        raise LedgerTampered("this is not a proof of the form c2sp.org/tlog-proof@v1")
    checkpoint = Note.parse(note.encode(), "the proof's checkpoint")
    checkpoint.check(Key.parse(key), "the proof's checkpoint")
    check_inclusion(index, checkpoint.size, entry, path, checkpoint.root)
    return {"origin": checkpoint.origin, "index": index, "size": checkpoint.size}
