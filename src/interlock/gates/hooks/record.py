"""Reads an agent's own transcript as it grows, so that calls which never reached the daemon are noticed."""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict

from interlock.gates.hooks.transcript import calls

_FILES = 200
_STEP = 8 << 20  # bytes read at one event; a longer backlog is read at the following ones


class TranscriptReader:
    """Remembers how far each transcript has been read."""

    def __init__(self) -> None:
        self._offsets: OrderedDict[str, int] = OrderedDict()
        # One look at a time, so that two events do not read the same lines. `begin` and `forget` run on the daemon's
        # loop and never wait for it: each of their steps on the dictionary is whole in itself.
        self._looking = threading.Lock()

    def begin(self, path: str) -> None:
        """First sight of a transcript: what is already in it happened before this daemon could have been asked."""
        if path and path not in self._offsets:
            size = _size(path)
            self._offsets.setdefault(path, size)
            while len(self._offsets) > _FILES:
                self._offsets.popitem(last=False)

    def new_calls(self, agent: str, path: str) -> list[tuple[str, str]]:
        """(call id, tool) of the tool calls that were added since the last look; [] where there is nothing to read."""
        with self._looking:
            offset = self._offsets.get(path)
            if offset is None:
                return []
            if _size(path) < offset:
                offset = 0  # it was cut, or is another file now: what it holds has not been read
            raw = _read(path, offset)
            end = raw.rfind(b"\n") + 1  # the last line may still be being written
            if end == 0 and len(raw) == _STEP:
                end = len(raw)  # a line longer than a step is passed over
            self._offsets.pop(path, None)  # the latest read stands last
            self._offsets[path] = offset + end
        return calls(agent, raw[:end])

    def forget(self, path: str) -> None:
        """The session is over."""
        self._offsets.pop(path, None)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return 0


def _read(path: str, offset: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError):
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return os.pread(descriptor, _STEP, offset)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
