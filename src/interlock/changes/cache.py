"""Results of stages by content: the same trees, rules, stage and tools give the same answer.

Whoever can write the cache can forge a verdict, so it lies in Interlock's own state directory, which no agent may
touch. What could not be judged is never kept: the next time it may be.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from interlock import __version__
from interlock.changes.change import Change
from interlock.changes.finding import Result
from interlock.changes.stage import Stage

_MOST = 2_000  # results that are kept; the oldest go
_SIZE = 16 << 20
_DIGEST = 32


class Cache:
    """Results below a directory, one file each, named by the digest of all that they depend on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, stage: Stage, change: Change) -> Result | None:
        """The result of the same question, or None. A file that cannot be read is no result."""
        key = self._key(stage, change)
        try:
            with (self._folder / key).open("rb") as file:
                digest, body = file.read(_DIGEST), file.read(_SIZE)
            if digest != _digest(key, body):  # cut short, or another question's
                return None
            found = msgspec.msgpack.decode(body, type=Result)
        except (OSError, msgspec.DecodeError):
            return None
        return msgspec.structs.replace(found, cached=True) if not found.problems else None

    def put(self, stage: Stage, change: Change, result: Result) -> None:
        """Keep a result. That the disk is full is no reason for anything else to fail."""
        if result.problems:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            key, body = self._key(stage, change), msgspec.msgpack.encode(result)
            number, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(_digest(key, body) + body)
                os.replace(name, self._folder / key)
            except OSError:
                os.unlink(name)
                raise
            self._thin()

    def _thin(self) -> None:
        files = list(self._folder.iterdir())
        if len(files) > _MOST:
            files.sort(key=lambda file: file.stat().st_mtime)
            for file in files[: len(files) - _MOST * 9 // 10]:
                file.unlink(missing_ok=True)

    @staticmethod
    def _key(stage: Stage, change: Change) -> str:
        # `today` because waivers and advisories end; `problems` because a result is not kept for a change with some.
        parts = (
            __version__, stage.name, stage.version, change.trees["fork"], change.trees["head"], change.config.digest,
            change.today, *change.problems, stage.reads(change),
        )  # fmt: skip
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _digest(key: str, body: bytes) -> bytes:
    return hashlib.sha256(key.encode() + body).digest()
