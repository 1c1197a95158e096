"""What a request must be before any page sees it, and what every answer carries.

Which host was asked for (DNS rebinding), from which page a request comes (`Origin`, `Sec-Fetch-Site`: CSRF, foreign
streams), in what form a body comes, how long it is. `fault` is pure; `Defence` puts it in front of the application.

No GET has an effect, so that prefetching, link previews and pictures in a page do nothing. The panel shares its host
name with whatever else runs on this machine, and browsers take all of that for one site: `same-site` is foreign here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # the daemon needs `Site` at its start, and the web's libraries only when somebody comes
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_BODY = 64 << 10  # bytes; the largest that a page sends is a passkey's answer
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
STREAM = "/events"
_SAFE = frozenset({"GET", "HEAD"})


class Fault(NamedTuple):
    """Why a request is refused: an HTTP status and a sentence."""

    status: int
    message: str


class Site(NamedTuple):
    """Under which names the panel may be asked for: `localhost:7457`; and its pages' origins."""

    hosts: frozenset[str]
    origins: frozenset[str]
    secure: bool = False
    address: str = ""  # the one that people are told

    @classmethod
    def of(cls, names: Sequence[str], port: int, *, secure: bool = False) -> Site:
        """The site of these host names at one port."""
        scheme, usual = ("https", 443) if secure else ("http", 80)
        hosts = {f"{name}:{port}" for name in names} | (set(names) if port == usual else set())
        origins = frozenset(f"{scheme}://{host}" for host in hosts)
        told = f"{scheme}://{names[0]}" + ("" if port == usual else f":{port}")
        return cls(frozenset(hosts), origins, secure, told)


def fault(site: Site, method: str, path: str, headers: Iterable[tuple[str, str]]) -> Fault | None:
    """Why this request is not taken; None where nothing speaks against it. Header names are in lower case."""
    listed = list(headers)
    found: dict[str, str] = {}
    for name, value in listed:
        if name in found and name in {"host", "origin", "content-type", "sec-fetch-site", "cookie"}:
            return Fault(400, f"the request has two {name} headers.")
        found[name] = value
    if found.get("host", "").lower() not in site.hosts:
        return Fault(421, f"the panel answers at {site.address} alone, not at that name and port. Open it there.")
    if method not in _SAFE and method != "POST":
        return Fault(405, "the panel knows GET and POST.")
    return _foreign(site, method, path, found) or (_body(found) if method == "POST" else None)


def _foreign(site: Site, method: str, path: str, headers: dict[str, str]) -> Fault | None:
    origin, fetched = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin.lower() not in site.origins:
        return Fault(403, "the request comes from another page.")
    if method in _SAFE and path != STREAM:
        # A link from elsewhere may open a page; nothing else of another site may load anything.
        opened = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        if fetched in {None, "same-origin", "none"} or opened:
            return None
        return Fault(403, "the request comes from another page.")
    if origin is None and fetched is None:
        return Fault(403, "the request does not say from which page it comes. Use a browser of this decade.")
    if fetched not in {None, "same-origin"}:
        return Fault(403, "the request comes from another page.")
    return None


def _body(headers: dict[str, str]) -> Fault | None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {JSON, FORM}:
        return Fault(415, "a body is JSON, or one of the panel's own forms.")
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return Fault(411, "a body says how long it is.")
    if int(length[:12]) > LONGEST_BODY:
        return Fault(413, f"a body has at most {LONGEST_BODY} bytes.")
    return None


def policy(nonce: str) -> str:
    """The Content-Security-Policy of a page: its own files, scripts of this nonce, and no text that becomes script."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types htmx",
        )
    )


def answer_headers(nonce: str, *, secure: bool) -> dict[str, str]:
    """What every answer carries. `no-referrer` would make the browser send `Origin: null` with our own forms."""
    found = {
        "content-security-policy": policy(nonce),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), "
        "microphone=(), geolocation=(), clipboard-read=()",
        "cache-control": "no-store",
    }
    if secure:
        found["strict-transport-security"] = "max-age=31536000"
    return found


class Defence:
    """ASGI middleware: refuses, bounds the body, and adds the headers that an answer has not set itself."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        nonce = secrets.token_urlsafe(18)
        scope.setdefault("state", {})["nonce"] = nonce
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        refused = fault(self._site, scope["method"], scope["path"], headers)
        adding = _adding(send, answer_headers(nonce, secure=self._site.secure))
        if refused is not None:
            await _refuse(adding, refused)
            return
        await self._app(scope, _bounded(receive), adding)


def _adding(send: Send, extra: dict[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            set_already = {name.lower() for name, _ in message["headers"]}
            own = [(name.encode(), value.encode()) for name, value in extra.items() if name.encode() not in set_already]
            message = {**message, "headers": [*message["headers"], *own]}
        await send(message)

    return sending


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def receiving() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= LONGEST_BODY else {"type": "http.disconnect"}

    return receiving


async def _refuse(send: Send, refused: Fault) -> None:
    body = refused.message.encode() + b"\n"
    await send(
        {
            "type": "http.response.start",
            "status": refused.status,
            "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})
