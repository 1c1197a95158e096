"""One question to an OpenAI-compatible server, bounded in time and size: no redirect, no proxy, no second try."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from interlock import __version__

KEY = "INTERLOCK_OPINION_KEY"  # environment variable with the server's key; the change cannot name another one
_ANSWER = 1 << 20  # bytes


class Unanswered(Exception):
    """There is no answer; the message says why, and names neither the address nor the key."""


def ask(url: str, body: bytes, *, seconds: float) -> bytes:
    """What the server at `url` (up to `/v1`) answers to a chat completion. Raises Unanswered."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    seconds = max(0.1, seconds)
    line = kind(parts.hostname or "", parts.port, timeout=seconds)
    watch = _Watch(line, seconds)
    try:
        line.connect()
        watch.end = line.sock  # the connection forgets it as soon as the answer's head is there
        line.request("POST", f"{parts.path.rstrip('/')}/chat/completions", body, _headers())
        answer = line.getresponse()
        if answer.status != 200:
            raise Unanswered(f"it answers {answer.status}")
        raw = answer.read(_ANSWER + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if watch.late or isinstance(error, TimeoutError):
            raise Unanswered(f"no answer within {seconds:.1f} s") from error
        raise Unanswered(f"it cannot be asked: {_why(error)}") from error
    finally:
        watch.cancel()
        line.close()
    if watch.late:  # what came until then may look whole
        raise Unanswered(f"no answer within {seconds:.1f} s")
    if len(raw) > _ANSWER:
        raise Unanswered(f"its answer has more than {_ANSWER >> 20} MiB")
    return raw


class _Watch(threading.Timer):
    """Hangs up after so many seconds: a server that sends a byte now and then never meets a socket's own limit."""

    def __init__(self, line: http.client.HTTPConnection, seconds: float) -> None:
        super().__init__(seconds, self._hang_up)
        self._line = line
        self.daemon, self.late = True, False
        self.end: socket.socket | None = None
        self.start()

    def _hang_up(self) -> None:
        self.late = True
        with suppress(OSError, AttributeError):
            (self.end or self._line.sock).shutdown(socket.SHUT_RDWR)


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": f"interlock/{__version__}", "Connection": "close"}
    key = os.environ.get(KEY, "")
    return headers | ({"Authorization": f"Bearer {key}"} if re.fullmatch(r"[\x21-\x7e]+", key) else {})


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "no trust in its certificate"
    return getattr(error, "strerror", None) or type(error).__name__
