"""Memory that was freed goes back to the system: glibc keeps it for itself, one heap a thread, 10 MB after a while."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

_TRIM: Callable[[int], Any] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none


def give_back() -> None:
    """Takes up to some milliseconds, without the interpreter's lock."""
    if _TRIM is not None:
        _TRIM(0)
