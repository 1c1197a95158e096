"""The application: sessions, screens and acts behind the defence. `Daemon` is all that it knows of the daemon."""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from interlock.model.errors import (
    AgentError,
    InterlockError,
    InternalError,
    NotFound,
    OperatorError,
    Refused,
    UsageError,
)
from interlock.panel import acts, assets, live, screens
from interlock.panel.defence import Defence, Site
from interlock.panel.doors import Arrivals, Doors
from interlock.panel.enrolling import Enrolling, Invited
from interlock.panel.files import Export, Files
from interlock.panel.live import Live
from interlock.panel.page import Page, page, refusal
from interlock.panel.render import render
from interlock.panel.screen import Act, Screen, Visit
from interlock.panel.seats import Admitted, Owner, Seat, Seats
from interlock.panel.span import again, span

log = structlog.get_logger()

_BUG = InternalError("this page met a bug of Interlock. The daemon's log has it.")
_STREAMS = 100  # pages that listen at once
_STATUS: tuple[tuple[type[InterlockError], int], ...] = (
    (NotFound, 404),
    (Refused, 409),
    (AgentError, 400),
    (UsageError, 400),
    (OperatorError, 503),
)
# The addresses in messages to people (`notify/notice.py`), and where they lead.
_LINKS = (("/inbox/{id:int}", "/requests/"), ("/entry/{id:int}", "/ledger/"))
Handler = Callable[[Request], Awaitable[Response]]


class Daemon(Protocol):
    """What the panel asks of the daemon that serves it."""

    async def ask(self, seat: Seat, method: str, params: dict[str, Any]) -> Any:
        """One method of the daemon's socket, as this person. Raises InterlockError."""

    async def export(self, seat: Seat) -> Export:
        """The whole ledger as one file, for this person. Raises InterlockError."""

    async def admit(self, owner: Owner, client: tuple[str, int], server: tuple[str, int]) -> Admitted:
        """The process that is about to sign in, "" where it cannot be seen. Raises Refused for one below an agent."""

    def holds(self, process: str, client: tuple[str, int], server: tuple[str, int]) -> bool:
        """Whether that process is the other end of this connection."""


class Panel:
    """The handlers, around one daemon."""

    def __init__(
        self,
        daemon: Daemon,
        seats: Seats,
        changes: Live,
        site: Site,
        *,
        cookie: str,
        arrivals: Arrivals | None = None,
        invited: Invited | None = None,
    ) -> None:
        self._daemon = daemon
        self._seats = seats
        self._live = changes
        self._site = site
        self._cookie = cookie
        self._doors = None if arrivals is None else Doors(arrivals, seats, self._by_script)
        self._files = Files(daemon, seats, self._seat, self._outside)
        self._enrolling = None if invited is None else Enrolling(invited)
        self.screens, self.acts = found()

    def app(self) -> ASGIApp:
        """The whole application."""
        routes = [
            Route("/static/{digest}/{name}", self._static),
            *(self._doors.routes(self._caught) if self._doors is not None else ()),
            *(self._enrolling.routes(self._caught) if self._enrolling is not None else ()),
            Route("/login/{secret}", self._caught(self._link)),
            Route("/login", self._caught(self._enter), methods=["POST"]),
            Route("/logout", self._caught(self._leave), methods=["POST"]),
            Route("/events", self._caught(self._events)),
            *self._files.routes(self._caught),
            *(Route(path, _moved(to)) for path, to in _LINKS),
        ]
        for screen in self.screens:
            shown = self._caught(self._shown(screen))
            routes += [Route(f"{screen.path.rstrip('/') or '/now'}.json", shown), Route(screen.path, shown)]
        routes += [Route(act.path, self._caught(self._done(act)), methods=["POST"]) for act in self.acts]
        application = Starlette(routes=routes, exception_handlers={404: self._nowhere, 405: self._nowhere})
        return Defence(application, self._site)

    # --- who is there

    def _seat(self, request: Request) -> Seat | None:
        """The session of a request, where it comes from the process that opened it."""
        seat = self._seats.seat(request.cookies.get(self._cookie, ""))
        client, server = ends(request)
        if seat is None or (seat.address and seat.address != client[0]):
            return None
        if not seat.process:
            return seat
        return seat if self._daemon.holds(seat.process, client, server) else None

    async def _link(self, request: Request) -> Response:
        """The page of a login link. Looking at it uses nothing up."""
        secret = request.path_params["secret"]
        owner = self._seats.whose(secret)
        return self._door(request, 200 if owner else 410, owner, secret)

    def _door(self, request: Request, status: int, owner: Owner | None = None, secret: str = "") -> HTMLResponse:
        """The page before all others."""
        ways = self._doors.ways if self._doors is not None and owner is None else ()
        values = {"owner": owner, "secret": secret, "nonce": request.state.nonce, "ways": ways}
        return HTMLResponse(render("login.html", values), status)

    async def _enter(self, request: Request) -> Response:
        sent = acts.unsigned(await request.body())
        return await self._enter_by(request, sent.get("link", ""), RedirectResponse("/", 303))

    async def _by_script(self, request: Request, secret: str) -> Response:
        return await self._enter_by(request, secret, as_json({"go": "/"}))

    async def _enter_by(self, request: Request, secret: str, answer: Response) -> Response:
        owner = self._seats.whose(secret)
        if owner is None:
            return self._door(request, 410)
        try:
            admitted = await self._daemon.admit(owner, *ends(request))
        except Refused:
            self._seats.burn(secret)  # whoever had it was none of those that it was for
            raise
        cookie, _ = self._seats.enter(secret, admitted)
        answer.set_cookie(self._cookie, cookie, httponly=True, samesite="strict", secure=self._site.secure, path="/")
        return answer

    async def _leave(self, request: Request) -> Response:
        seat = self._seat(request)
        if seat is not None:
            await acts.fields(request, seat)
            self._seats.leave(seat)
        answer = self._door(request, 200)
        answer.delete_cookie(self._cookie, path="/", httponly=True, samesite="strict", secure=self._site.secure)
        return answer

    # --- what they see

    def _visit(self, request: Request, seat: Seat) -> Visit:
        async def ask(method: str, /, **params: Any) -> Any:
            return await self._daemon.ask(seat, method, params)

        now = time.time()
        query = dict(request.query_params)
        host = request.headers["host"].lower()
        origin = f"{'https' if self._site.secure else 'http'}://{host}"
        site = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return Visit(ask, seat, now, span(query, now), dict(request.path_params), query, site, origin)

    def _shown(self, screen: Screen) -> Handler:
        async def handler(request: Request) -> Response:
            seat = self._seat(request)
            if seat is None:
                return self._outside(request)
            if "kept" in request.query_params:  # from the form of the time range
                return RedirectResponse(f"{inside(request.url.path)}?{again(dict(request.query_params))}", 303)
            visit = self._visit(request, seat)
            if request.url.path.endswith(".json"):
                return as_json(await screen.load(visit))
            versions = live.written(self._live.versions())  # before anything is asked: what changes meanwhile is heard
            view, status = await asyncio.gather(screen.load(visit), visit.ask("status"))
            here = page(request.url.path, request.state.nonce, screen, visit, status, versions, self.screens)
            return self._page(here, screen.template, view=view, visit=visit)

        return handler

    def _page(self, here: Page, template: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(render(template, {"page": here, **values}), status)

    def _outside(self, request: Request) -> Response:
        if wants_json(request):
            return as_json({"error": "login", "message": "sign in: `interlock panel` prints a link."}, 401)
        return self._door(request, 401)

    async def _events(self, request: Request) -> Response:
        seat = self._seat(request)
        if seat is None:
            return self._outside(request)
        if self._live.listening >= _STREAMS:
            raise Refused(f"{_STREAMS} pages listen already. Close some of them.")
        known = live.read(request.headers.get("last-event-id", "") or request.query_params.get("known", ""))

        async def stream() -> Any:
            async for changed in self._live.changes(known):
                if self._seats.alive(seat) is None:
                    return
                yield ": here\n\n"
                mark = live.written(self._live.versions())
                for topic, version in changed.items():
                    yield f"id: {mark}\nevent: {topic}\ndata: {version}\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def _static(self, request: Request) -> Response:
        asset = assets.assets().get(request.path_params["name"])
        if asset is None or asset.digest[:16] != request.path_params["digest"]:
            return Response("there is no such file\n", 404, media_type="text/plain")
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(asset.data, headers=headers, media_type=asset.media_type)

    # --- what they do

    def _done(self, act: Act) -> Handler:
        async def handler(request: Request) -> Response:
            seat = self._seat(request)
            if seat is None:
                return self._outside(request)
            sent = await acts.fields(request, seat)
            if act.decides and not seat.decides:
                raise Refused(refusal(seat))
            result = await act.run(self._visit(request, seat), sent)
            if sent["by"] == "script":
                return as_json({"go": result} if isinstance(result, str) else result)
            return RedirectResponse(inside(result), 303)

        return handler

    # --- what goes wrong

    def _caught(self, handler: Handler) -> Handler:
        async def caught(request: Request) -> Response:
            try:
                return await handler(request)
            except InterlockError as error:
                return self._failed(request, error)
            except Exception:
                log.exception("panel.bug", path=request.url.path)
                return self._failed(request, _BUG)

        return caught

    def _failed(self, request: Request, error: InterlockError) -> Response:
        status = next((number for kind, number in _STATUS if isinstance(error, kind)), 500)
        if wants_json(request):
            return as_json({"error": error.code, "message": str(error)}, status)
        values = {"message": str(error), "status": status, "nonce": request.state.nonce}
        return HTMLResponse(render("error.html", values), status)

    async def _nowhere(self, request: Request, exc: Exception) -> Response:
        del exc
        return self._failed(request, NotFound("there is no such page."))


def _moved(to: str) -> Handler:
    async def handler(request: Request) -> Response:
        return RedirectResponse(f"{to}{int(request.path_params['id'])}", 307)

    return handler


def found() -> tuple[tuple[Screen, ...], tuple[Act, ...]]:
    """The screens and acts of every file in `screens/`."""
    modules = [importlib.import_module(f"{screens.__name__}.{m.name}") for m in pkgutil.iter_modules(screens.__path__)]
    shown = [screen for module in modules for screen in getattr(module, "SCREENS", ())]
    done = [act for module in modules for act in getattr(module, "ACTS", ())]
    return tuple(shown), tuple(done)


def ends(request: Request) -> tuple[tuple[str, int], tuple[str, int]]:
    """The two ends of a request's connection: theirs and ours."""
    client, server = request.scope.get("client") or ("", 0), request.scope.get("server") or ("", 0)
    return (str(client[0]), int(client[1])), (str(server[0]), int(server[1] or 0))


def wants_json(request: Request) -> bool:
    """Whether a script asked, or an address that ends in `.json`."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    return request.url.path.endswith(".json") or kind == "application/json"


def as_json(value: Any, status: int = 200) -> Response:
    """Plain data, in ASCII: what a terminal or a browser shows of it is what it is."""
    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=True)
    return Response(text + "\n", status, media_type="application/json")


def inside(path: Any) -> str:
    """Where a form leads: a path of the panel, whatever an act returned."""
    text = path if isinstance(path, str) else "/"
    return text if text.startswith("/") and not text.startswith(("//", "/\\")) else "/"
