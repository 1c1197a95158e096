"""Signing in from another machine: by a passkey, or at a provider of identities. What each proves, the daemon checks.

    POST /login/passkey/begin    what the browser's passkeys are asked to sign
    POST /login/passkey          what one of them signed: a session
    GET  /login/oidc             sends the browser to the provider
    GET  /login/oidc/back        it comes back: a page with a button, which uses a link as every login does

No GET opens a session: the button of the last page does. While the browser is at the provider, it keeps what it will
need in a cookie that comes along when it is sent back (`SameSite=Lax`), and that opens nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from interlock.model.errors import Refused
from interlock.panel import acts
from interlock.panel.render import render
from interlock.panel.seats import Owner, Seats

FLOW = "__Host-interlock-login"
_FLOW_SECONDS = 300


class Arrivals(Protocol):
    """Who checks what somebody signs in with."""

    @property
    def ways(self) -> tuple[str, ...]:
        """By what people sign in: "passkey", "oidc"."""

    def passkey_begin(self) -> dict[str, Any]:
        """What a browser asks its passkeys to sign."""

    async def passkey_owner(self, sealed: str, response: str) -> Owner:
        """Whose passkey signed it. Raises Refused."""

    async def oidc_begin(self) -> tuple[str, str]:
        """Where the browser is sent, and what it keeps meanwhile."""

    async def oidc_owner(self, kept: str, answer: Mapping[str, str]) -> Owner:
        """Who came back. Raises Refused."""


Enter = Callable[[Request, str], Awaitable[Response]]
Caught = Callable[[Callable[[Request], Awaitable[Response]]], Callable[[Request], Awaitable[Response]]]


class Doors:
    """The handlers. `enter` uses a link, as for every session of the panel."""

    def __init__(self, arrivals: Arrivals, seats: Seats, enter: Enter) -> None:
        self._arrivals = arrivals
        self._seats = seats
        self._enter = enter

    @property
    def ways(self) -> tuple[str, ...]:
        """By what people sign in here."""
        return self._arrivals.ways

    def routes(self, caught: Caught) -> list[Route]:
        """Where they are."""
        return [
            Route("/login/passkey/begin", caught(self._passkey_begin), methods=["POST"]),
            Route("/login/passkey", caught(self._passkey), methods=["POST"]),
            Route("/login/oidc", caught(self._oidc)),
            Route("/login/oidc/back", caught(self._back)),
        ]

    async def _passkey_begin(self, request: Request) -> Response:
        from interlock.panel.app import as_json

        acts.unsigned_json(await request.body())
        return as_json(self._arrivals.passkey_begin())

    async def _passkey(self, request: Request) -> Response:
        sent = acts.unsigned_json(await request.body())
        owner = await self._arrivals.passkey_owner(sent.get("statement", ""), sent.get("response", ""))
        return await self._enter(request, self._seats.link(owner))

    async def _oidc(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-site") not in {None, "same-origin", "none"}:
            raise Refused("another page sent you here. Open the panel yourself, and sign in there.")
        where, kept = await self._arrivals.oidc_begin()
        answer = RedirectResponse(where, 303)
        answer.set_cookie(FLOW, kept, _FLOW_SECONDS, httponly=True, samesite="lax", secure=True, path="/")
        return answer

    async def _back(self, request: Request) -> Response:
        owner = await self._arrivals.oidc_owner(request.cookies.get(FLOW, ""), dict(request.query_params))
        values = {"owner": owner, "secret": self._seats.link(owner), "nonce": request.state.nonce, "ways": ()}
        answer = HTMLResponse(render("login.html", values))
        answer.delete_cookie(FLOW, path="/", httponly=True, samesite="lax", secure=True)
        return answer
