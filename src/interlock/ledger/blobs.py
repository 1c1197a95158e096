"""The content store: data too large for an entry, named by its SHA-256. The entry holds `{digest, mediaType, size}`."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from interlock.ledger.files import private_directory, sync_directory, write_all
from interlock.model.errors import InternalError, LedgerIncomplete, LedgerTampered, LedgerUnavailable

MAX_BLOB_BYTES = 16 * 1024 * 1024  # twice the largest hook event
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class BlobStore:
    """Files `<first two digits>/<the other digits>` below `directory`, mode 0600, never overwritten."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def put(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Keep `data`, durable before this returns, and give the descriptor that an entry refers to it by.

        Raises `LedgerUnavailable` (disk) and `InternalError` (too large: cut it before).
        """
        if len(data) > MAX_BLOB_BYTES:
            raise InternalError(f"{len(data)} bytes do not fit the content store; at most {MAX_BLOB_BYTES} do")
        digest = sha256(data).hexdigest()
        path = self._path(digest)
        try:
            if not path.exists():
                self._write(path, data)
        except OSError as error:
            raise LedgerUnavailable(f"{path} cannot be written: {error.strerror}") from error
        return {"digest": f"sha256:{digest}", "mediaType": media_type, "size": len(data)}

    def get(self, digest: str) -> bytes:
        """The data of `sha256:<hex>`; raises `LedgerIncomplete` when it is gone and `LedgerTampered` when it is
        changed.
        """
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise InternalError(f"{digest!r} is not a digest of the content store")
        path = self._path(match[1])
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise LedgerIncomplete(f"{digest} is not in the content store any more") from error
        except OSError as error:
            raise LedgerUnavailable(f"{path} cannot be read: {error.strerror}") from error
        if sha256(data).hexdigest() != match[1]:
            raise LedgerTampered(f"{path} has been changed: its content does not match its name")
        return data

    def _path(self, digest: str) -> Path:
        return self.directory / digest[:2] / digest[2:]

    def _write(self, path: Path, data: bytes) -> None:
        new = not path.parent.is_dir()
        private_directory(self.directory)
        private_directory(path.parent)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{id(data):x}.new")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_all(handle, data)
            os.fsync(handle)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
        sync_directory(path.parent)
        if new:
            sync_directory(self.directory)
