"""What a process has loaded, laid down for good: its collector of garbage and its forks then have less to look through.

A fork copies the tables of all memory. In small pages that is 18 ms of processor time for what a worker of the tests
holds (300 MB), in large ones 5; the tests fork some thousand times. Where the kernel does not do it (before 6.1), the
tests only take longer.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from pathlib import Path

_LARGE = 2 << 20
_COLLAPSE = 25  # MADV_COLLAPSE


def settle() -> None:
    """To be called once, when all is loaded."""
    gc.freeze()
    if sys.platform == "linux":
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for start, size in _heap():
            advise(start, size, _COLLAPSE)


def _heap() -> Iterator[tuple[int, int]]:
    """Start and size of what is in memory alone, in whole large pages."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        where, rights, _, _, inode, *name = line.split()
        if rights == "rw-p" and inode == "0" and name in ([], ["[heap]"]):
            low, high = (int(end, 16) for end in where.split("-"))
            low, high = -(-low // _LARGE) * _LARGE, high // _LARGE * _LARGE
            if low < high:
                yield low, high - low
