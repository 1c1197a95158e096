"""A Unix socket at a path of any length."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_LONGEST = 107  # bytes; sun_path holds 108, the last of them a NUL


def bind(listener: socket.socket, path: Path) -> None:
    """Bind it, a longer path through a descriptor of its directory. Raises OSError."""
    if len(os.fsencode(path)) <= _LONGEST:
        listener.bind(str(path))
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)
