"""Who was invited makes a passkey here, from another machine, before they are signed in; nobody is signed in by it.

GET  /enrol/SECRET    the page of an invitation: for whom it is, or why it is of no use. Uses nothing up
POST /enrol/begin     what the browser makes a passkey from
POST /enrol/finish    what it made: four words, which its person reads to who invited them
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from interlock.model.errors import InterlockError
from interlock.panel import acts
from interlock.panel.render import render

_GONE = 410
Handler = Callable[[Request], Awaitable[Response]]
End = tuple[str, int]


class Invited(Protocol):
    """Who knows which links were made, and keeps what their browsers make."""

    async def invited(self, secret: str) -> str:
        """Who is invited. Raises Refused."""

    async def begin(self, secret: str) -> dict[str, Any]:
        """What the browser makes a passkey from. Raises Refused."""

    async def offer(self, secret: str, response: str, label: str, ends: tuple[End, End]) -> dict[str, str]:
        """Whose it is and its words; `ends` are the two of the connection. Raises Refused."""


class Enrolling:
    """The handlers."""

    def __init__(self, invited: Invited) -> None:
        self._invited = invited

    def routes(self, caught: Callable[[Handler], Handler]) -> list[Route]:
        """Where they are."""
        return [
            Route("/enrol/begin", caught(self._begin), methods=["POST"]),
            Route("/enrol/finish", caught(self._finish), methods=["POST"]),
            Route("/enrol/{secret}", caught(self._page)),
        ]

    async def _page(self, request: Request) -> Response:
        secret, name, problem = request.path_params["secret"], "", ""
        try:
            name = await self._invited.invited(secret)
        except InterlockError as error:
            problem = str(error)
        values = {"name": name, "problem": problem, "secret": secret, "nonce": request.state.nonce}
        return HTMLResponse(render("enrol.html", values), _GONE if problem else 200)

    async def _begin(self, request: Request) -> Response:
        from interlock.panel.app import as_json

        sent = acts.unsigned_json(await request.body())
        return as_json({"options": await self._invited.begin(sent.get("link", ""))})

    async def _finish(self, request: Request) -> Response:
        from interlock.panel.app import as_json, ends

        sent = acts.unsigned_json(await request.body())
        secret, response, label = (sent.get(name, "") for name in ("link", "response", "label"))
        return as_json(await self._invited.offer(secret, response, label, ends(request)))
