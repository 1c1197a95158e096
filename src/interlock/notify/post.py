"""One HTTP POST whose answer is a status, sent over asyncio's own streams.

Why no HTTP library: a message goes to an address and only its status matters. Whoever answers may be slow, endless,
redirecting or broken; here the time of the whole exchange has one limit, no redirect is followed, and of the answer no
more than its head is read, into 16 KiB.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from interlock import __version__

SECONDS = 10.0  # for one exchange, from looking the name up to the status
_HEAD = 16 << 10  # bytes of an answer's head
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: |\r|$)")
_RETRY_AFTER = re.compile(rb"\r\nretry-after:[ \t]*([0-9]{1,6})[ \t]*\r\n", re.IGNORECASE)


class Undelivered(Exception):
    """A message did not arrive. `lasting`: trying again does not help; `after`: not before so many seconds."""

    def __init__(self, problem: str, *, lasting: bool = False, after: float = 0.0) -> None:
        super().__init__(problem)
        self.lasting = lasting
        self.after = after


class Request(msgspec.Struct, frozen=True):
    """What is sent where. INVARIANT: the address was checked by `settings.address`: it cannot end a line."""

    url: str
    body: bytes
    headers: Mapping[str, str] = {}


async def post(request: Request, *, seconds: float = SECONDS) -> int:
    """The status, 200 to 299. Raises Undelivered, whose text names neither the address nor what was answered."""
    try:
        async with asyncio.timeout(seconds):
            head = await _exchange(request)
    except TimeoutError as error:
        raise Undelivered(f"no answer within {seconds:g} s") from error
    except ssl.SSLError as error:
        raise Undelivered(f"no trust in its certificate: {error.reason or 'TLS failed'}") from error
    except (OSError, UnicodeError) as error:
        raise Undelivered(
            f"it cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}"
        ) from error
    found = _STATUS.match(head)
    if found is None:
        raise Undelivered("what answers speaks no HTTP", lasting=True)
    status = int(found[1])
    if 200 <= status <= 299:
        return status
    if 300 <= status <= 399:
        raise Undelivered(
            f"it answers {status}, a redirect, which is not followed: write the new address", lasting=True
        )
    waits = _RETRY_AFTER.search(head)
    raise Undelivered(
        f"it answers {status}",
        lasting=status not in {408, 425, 429} and status < 500,
        after=float(waits[1]) if waits else 0.0,
    )


async def _exchange(request: Request) -> bytes:
    parts = urlsplit(request.url)
    host, tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    context = await asyncio.to_thread(ssl.create_default_context) if tls else None
    reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=_HEAD)
    try:
        writer.write(_head(request, host, port, tls=tls) + request.body)
        await writer.drain()
        # An answer of several heads (1xx) before the real one is not asked for, and counts as a broken one.
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Undelivered("what answers ends, or goes on, where HTTP would not") from error
    finally:
        # Not closed politely: whoever does not read would keep this connection, and an endless answer is not awaited.
        writer.transport.abort()


def _head(request: Request, host: str, port: int, *, tls: bool) -> bytes:
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = f"[{host}]" if ":" in host else host
    headers = {
        "Host": name if port == (443 if tls else 80) else f"{name}:{port}",
        "User-Agent": f"interlock/{__version__}",
        "Content-Length": str(len(request.body)),
        "Connection": "close",
        **request.headers,
    }
    lines = [f"POST {target} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
