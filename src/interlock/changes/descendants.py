"""Everything below a process, from `/proc`: to end it all, and to see what it takes together."""

from __future__ import annotations

import os
from collections.abc import Iterable

_PAGE = os.sysconf("SC_PAGE_SIZE")


def below(pid: int) -> list[int]:
    """Every process that this one started, and theirs; nothing where the system does not say."""
    found, look = [], [pid]
    while look:
        children = _children(look.pop())
        found += children
        look += children
    return found


def resident(pids: Iterable[int]) -> int:
    """Bytes of memory that these processes hold; what they share counts for each."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                total += int(file.read().split()[1]) * _PAGE
        except (OSError, IndexError):
            continue  # it has ended
    return total


def _children(pid: int) -> list[int]:
    """Each thread has children of its own."""
    out: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return out
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                out += [int(word) for word in file.read().split()]
        except OSError:
            continue
    return out
