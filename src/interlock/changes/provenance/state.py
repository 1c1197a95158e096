"""A content of a file with the owner of each of its lines, as it is kept.

Only keys are kept, never text: `<folder>/ab/cdef…` holds the compressed JSON of one state, named by its SHA-256. The
ledger names each in the entry that made it, so a state that was changed is no state any more. Keys of short lines could
be guessed back by whoever can read the directory: it is 0700, and files that hold secrets have no states.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import zlib
from pathlib import Path

import msgspec

from interlock.changes.provenance.owners import Owner, packed, unpacked
from interlock.changes.provenance.text import KEY, LONGEST, Text
from interlock.model.errors import StateError

_MOST = 64 << 20  # bytes of one, unpacked


class State(msgspec.Struct, frozen=True):
    """`digest` is the SHA-256 of the content, hex."""

    digest: str
    text: Text
    owners: tuple[Owner, ...]


class States:
    """One directory of states, made private at first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, state: State) -> str:
        """Keep it; returns its name. Raises OSError."""
        raw = encoded(state)
        name = hashlib.sha256(raw).hexdigest()
        place = self._folder / name[:2] / name[2:]
        if not place.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = place.with_name(f".{secrets.token_hex(8)}")
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(zlib.compress(raw, 1))
            new.rename(place)
        return name

    def get(self, name: str) -> State:
        """The state of that name. Raises StateError when it is gone or was changed."""
        place = self._folder / name[:2] / name[2:]
        try:
            raw = zlib.decompressobj().decompress(place.read_bytes(), _MOST)
        except (OSError, zlib.error) as error:
            raise StateError(f"the record {name[:12]} of who wrote what is no longer there.") from error
        if hashlib.sha256(raw).hexdigest() != name:
            raise StateError(f"the record {name[:12]} of who wrote what was changed; it is not believed.")
        return decoded(raw)


def encoded(state: State) -> bytes:
    """The bytes of a state: JSON, sorted, without spaces."""
    body = {
        "version": 1,
        "content": state.digest,
        "exact": base64.b64encode(b"".join(state.text.exact)).decode(),
        "loose": base64.b64encode(b"".join(state.text.loose)).decode(),
        "owners": packed(state.owners),
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def decoded(raw: bytes) -> State:
    """The other way. Raises StateError."""
    try:
        body = json.loads(raw)
        exact, loose = (_keys(base64.b64decode(body[name], validate=True)) for name in ("exact", "loose"))
        owners = tuple(unpacked(body["owners"]))
        digest = str(body["content"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StateError("a record of who wrote what is damaged; it is not believed.") from error
    if not len(exact) == len(loose) == len(owners) or len(exact) > LONGEST:
        raise StateError("a record of who wrote what is damaged: its parts do not fit together.")
    return State(digest, Text(exact, loose), owners)


def _keys(raw: bytes) -> tuple[bytes, ...]:
    return tuple(raw[at : at + KEY] for at in range(0, len(raw), KEY))
