"""A disk that fails when it is told to: an SQLite VFS over the real one, deterministic, counting its operations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import apsw


class Fault(StrEnum):
    """What happens at the chosen operation."""

    FULL = "full"  # nothing is written: no space
    SHORT = "short"  # half is written, then no space
    ERROR = "error"  # nothing is written: I/O error
    TORN = "torn"  # half is written, I/O error
    SYNC_LOST = "sync-lost"  # at a sync: it fails
    SYNC_DONE = "sync-done"  # at a sync: it is done, and fails all the same


@dataclass
class Disk:
    """The plan. `after` counts writes or syncs from `arm`; None: healthy."""

    fault: Fault = Fault.FULL
    after: int | None = None
    sticky: bool = False  # whether it goes on failing until `heal`
    writes: int = 0
    syncs: int = 0
    fired: int = 0
    log: list[str] = field(default_factory=list)

    def arm(self, fault: Fault, after: int, *, sticky: bool = False) -> None:
        self.fault, self.after, self.sticky = fault, after, sticky
        self.writes = self.syncs = self.fired = 0

    def heal(self) -> None:
        self.after = None

    def strikes(self, *, sync: bool) -> bool:
        """Count one operation; whether the fault strikes now."""
        count = self.syncs if sync else self.writes
        if sync:
            self.syncs += 1
        else:
            self.writes += 1
        if self.after is None or sync != self.fault.startswith("sync"):
            return False
        if count == self.after or (self.sticky and count > self.after):
            self.fired += 1
            return True
        return False


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        if self._disk.strikes(sync=False):
            if self._disk.fault in {Fault.SHORT, Fault.TORN}:
                super().xWrite(data[: len(data) // 2], offset)
            raise (
                apsw.FullError("no space") if self._disk.fault in {Fault.FULL, Fault.SHORT} else apsw.IOError("broken")
            )
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        if self._disk.strikes(sync=True):
            if self._disk.fault is Fault.SYNC_DONE:
                super().xSync(flags)
            raise apsw.IOError("sync failed")
        super().xSync(flags)


class _Vfs(apsw.VFS):
    def __init__(self, name: str, disk: Disk) -> None:
        super().__init__(name, "")
        self._disk = disk

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802 - SQLite's name
        return _File(self._disk, name, flags)


@contextmanager
def faulty_disk(name: str = "faulty") -> Iterator[Disk]:
    """Register the VFS `name` for the time of the block."""
    disk = Disk()
    vfs = _Vfs(name, disk)
    try:
        yield disk
    finally:
        vfs.unregister()
