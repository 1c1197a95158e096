"""A self-contained copy of a log that anybody can verify anywhere, offline. The same tree gives the same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.ledger.blobs import BlobStore
from interlock.ledger.entry import Entry
from interlock.ledger.files import make_directories, write_atomic
from interlock.ledger.reader import Reader
from interlock.ledger.tiles import tile_bytes, tiles_of
from interlock.ledger.writer import load_keys
from interlock.model.errors import LedgerIncomplete, Refused, StateError

README = """\
# An export of an Interlock ledger

This directory is a complete, signed, append-only log. Check it, offline, with:

    interlock verify DIRECTORY
    interlock verify --key VKEY DIRECTORY     the root key that you trust, got by another way than this directory

| file | what it is |
|---|---|
| `checkpoint` | origin, size and root hash of the log, signed with Ed25519 (c2sp.org/tlog-checkpoint) |
| `tile/<L>/<N>` | hashes of the RFC 6962 SHA-256 Merkle tree (c2sp.org/tlog-tiles) |
| `tile/entries/<N>` | the entries: each a big-endian 16-bit length and that many bytes of canonical JSON |
| `checkpoints/<size>` | older checkpoints that this log has signed |
| `keys` | the root key, and the keys that signed checkpoints with the index each is valid from (name+id+base64) |
| `blobs/<xx>/<rest>` | data that entries refer to as `{"digest","mediaType","size"}`, named by its SHA-256 |

Entry 0 names the root key; later key events are entries too and signed, so each key is valid by log index.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    origin: str
    size: int
    files: int
    bytes: int
    missing_blobs: tuple[str, ...]


def export(reader: Reader, state: Path, target: Path, *, with_blobs: bool = True) -> Exported:
    """Write the log that `reader` shows, kept in `state`, to the new directory `target`, whole or not at all.

    Raises `Refused` when `target` exists and is not empty, `StateError` when it cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused(f"{target} exists already; name a directory that does not")
    (size, note), missing = reader.head(), list[str]()
    building = target.with_name(f".{target.name}.new")
    try:
        shutil.rmtree(building, ignore_errors=True)
        make_directories(building)
        files = total = 0
        for name, data in pieces(reader, size, note, state if with_blobs else None, missing.append):
            _write(building / name, data)
            files, total = files + 1, total + len(data)
        if target.is_dir():
            target.rmdir()
        building.rename(target)
    except OSError as error:
        shutil.rmtree(building, ignore_errors=True)
        raise StateError(f"{target} cannot be written: {error.strerror}") from error
    return Exported(reader.origin, size, files, total, tuple(missing))


def pieces(
    reader: Reader, size: int, note: str, state: Path | None, missed: Callable[[str], object]
) -> Iterator[tuple[str, bytes]]:
    """Every file of the export of `size` entries that the checkpoint `note` signs: its name and its bytes, one by one.

    With `state`, also the data that entries refer to; `missed` is told the digests of what is gone.
    """
    for tile in tiles_of(size):
        yield tile.path(), tile_bytes(tile, reader)
    yield "checkpoint", note.encode()
    yield "README.md", README.encode()
    yield "keys", _keys(reader, size)
    for kept, text in reader.milestones(size):
        yield f"checkpoints/{kept}", text.encode()
    if state is not None:
        yield from _blobs(reader, size, state, missed)


def _write(path: Path, data: bytes) -> None:
    make_directories(path.parent)
    write_atomic(path, data, sync=False)


def _keys(reader: Reader, size: int) -> bytes:
    keys = load_keys(reader, reader.origin)
    lines = [f"root {keys.root}", *(f"{start} {key}" for start, key in keys.signers if start < size)]
    return ("\n".join(lines) + "\n").encode()


def _blobs(reader: Reader, size: int, state: Path, missed: Callable[[str], object]) -> Iterator[tuple[str, bytes]]:
    """What entries refer to, each checked on the way."""
    store, seen = BlobStore(state / "blobs"), set[str]()
    for stored in reader.entries(0, size):
        for digest in references(stored.entry()):
            name = digest.removeprefix("sha256:")
            if digest in seen:
                continue
            seen.add(digest)
            try:
                data = store.get(digest)
            except LedgerIncomplete:
                missed(digest)
                continue
            yield f"blobs/{name[:2]}/{name[2:]}", data


def references(entry: Entry) -> Iterator[str]:
    """The digests of data that an entry keeps outside itself."""
    stack: list[Any] = [entry.body]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, dict):
            if value.keys() == {"digest", "mediaType", "size"} and str(value["digest"]).startswith("sha256:"):
                yield str(value["digest"])
            stack.extend(value.values())
