"""The control panel as a part of the daemon: where it listens, who gets in, and its thread.

Its sockets are bound with the daemon; the web server behind them is loaded when the first person comes, because most
daemons never see one. From then on it has a thread and an event loop of its own: what it asks, it asks the daemon's
loop, call by call, as the person who is signed in.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import secrets
import threading
import time
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from interlock.broker.config import Panel as Settings
from interlock.broker.records import ALARM
from interlock.daemon import ends
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.listening import Addresses, Bound
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.rpc import Rpc
from interlock.daemon.server import Peer
from interlock.model.errors import InterlockError, InternalError, Refused
from interlock.panel.live import Live
from interlock.panel.seats import Admitted, Owner, Seat, Seats

if TYPE_CHECKING:
    import uvicorn

log = structlog.get_logger()

_ASK_SECONDS = 20.0
_STOP_SECONDS = 3.0
_CONNECTIONS = 300  # at once: a hundred pages with a stream each, and what they load
# What a session that may only look can ask. Whatever else a screen asks for, it is refused here once more.
READS = frozenset({
    "status", "inbox", "request", "sessions.list", "halt.list", "halt.reach", "halt.certificate", "log", "entry",
    "checkpoint", "people.list", "grants", "role.list", "token.list", "plan.show", "undo.plan", "decide.printed",
    "changes", "tier", "history.sessions", "history.session", "history.entries", "history.insights", "history.verified",
    "why.explain", "why.rules", "suggestions", "notify.status",
})  # fmt: skip


class PanelDesk:
    """Serves the panel, and hands out links to it."""

    def __init__(self, addresses: Addresses, *, callers: Callers, recorder: LedgerRecorder, settings: Settings) -> None:
        self._addresses = addresses
        self._callers = callers
        self._recorder = recorder
        self._settings = settings
        self.rpc: Rpc | None = None  # the desks' own, once all of them are there
        self._live = Live()
        self._seats = Seats(time.time, secrets.token_bytes)
        self._lock = threading.Lock()
        self._bound: Bound | None = None
        self._problem = "the daemon is still starting. Try again in a moment."
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        recorder.heard = self._live.recorded

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"panel.link": self._link, "panel.sessions": self._sessions, "panel.close": self._close}

    def address(self) -> str:
        """Where its pages are, without a slash at the end; "" where it is not served."""
        return self._bound.address.rstrip("/") if self._bound is not None else ""

    # --- its life

    def start(self) -> None:
        """Bind the sockets; where that does not work, the daemon goes on, and whoever asks for a link hears why."""
        self._loop = asyncio.get_running_loop()
        try:
            self._bound = self._addresses.bind(self._settings)
        except InterlockError as error:
            self._problem = str(error)
            log.warning("panel.not-served", problem=str(error))
            return
        for listener in self._bound.sockets:
            self._loop.add_reader(listener, self._serve)

    def stop(self) -> None:
        """Take nothing new, end what is open, and wait a moment for the thread. Blocks."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        if self._bound is not None:
            for listener in self._bound.sockets:
                listener.close()

    def _serve(self) -> None:
        """Somebody comes: load the web server and let it accept. In the daemon's loop, and only once."""
        if self._thread is not None or self._bound is None or self._loop is None:
            return
        for listener in self._bound.sockets:
            self._loop.remove_reader(listener)
        self._thread = threading.Thread(target=self._run, args=(self._bound,), name="panel", daemon=True)
        self._thread.start()

    def _run(self, bound: Bound) -> None:
        try:
            import uvicorn

            from interlock.panel.app import Panel
            from interlock.panel.connection import Connection

            panel = Panel(self, self._seats, self._live, bound.site, cookie=f"interlock-{bound.port}")
            self._server = uvicorn.Server(
                uvicorn.Config(
                    panel.app(), http=Connection, loop="asyncio", ws="none", lifespan="off", log_config=None,
                    access_log=False, server_header=False, date_header=False, proxy_headers=False,
                    limit_concurrency=_CONNECTIONS, timeout_keep_alive=30, timeout_graceful_shutdown=1,
                )
            )  # fmt: skip
            asyncio.run(self._server.serve(sockets=list(bound.sockets)))
        except Exception:
            # The panel may fail; the guard does not.
            log.exception("panel.failed")

    # --- what is asked over the daemon's socket

    async def _link(self, params: dict[str, Any], peer: Peer) -> Any:
        """A login link, for the person who asks. Raises Refused for agents, and where there is no panel."""
        person = self._callers.known(peer)
        if self._bound is None:
            raise Refused(f"the panel is not served: {self._problem}")
        owner = Owner(person.name, peer.uid, "reader" if params.get("reader") is True else "person")
        self._serve()
        return {
            "address": self._bound.address,
            "link": f"{self._bound.address}login/{self._seats.link(owner)}",
            "seconds": 120,
            "role": owner.role,
        }

    async def _sessions(self, params: dict[str, Any], peer: Peer) -> Any:
        """Who is signed in."""
        del params, peer
        return [
            {"id": seat.id[:12], "person": seat.name, "decides": seat.decides, "opened": seat.opened, "used": seat.used}
            for seat in self._seats.all()
        ]

    async def _close(self, params: dict[str, Any], peer: Peer) -> Any:
        """End every session of the panel."""
        del params
        self._callers.person(peer)
        seats = self._seats.all()
        for seat in seats:
            self._seats.leave(seat)
        return {"closed": len(seats)}

    # --- what the panel's thread asks (`panel.app.Daemon`)

    async def ask(self, seat: Seat, method: str, params: dict[str, Any]) -> Any:
        """One method of the socket, in the daemon's loop, as this person and from their browser's process."""
        if self.rpc is None:
            raise InternalError("the panel was served before the desks were there")
        if not seat.decides and method not in READS:
            raise Refused(f"a session that may only look asked for {method}.")
        pid = _pid(seat.process) if seat.process else 0
        return await self._there(self.rpc.ask(method, params, Peer(pid, seat.uid, login=seat.login)))

    async def admit(self, owner: Owner, client: ends.End, server: ends.End) -> Admitted:
        """The process that is about to sign in. Raises Refused for one below an agent, or of another user."""
        found = await asyncio.to_thread(ends.other_end, client, server)
        names = await asyncio.to_thread(ends.holders, found) if found else ()
        admitted: Admitted = await self._there(self._admitted(owner, found, names))
        return admitted

    def holds(self, process: str, client: ends.End, server: ends.End) -> bool:
        """Whether that process is the other end of this connection."""
        return ends.holds(process, client, server)

    async def _admitted(self, owner: Owner, found: ends.Socket | None, names: tuple[str, ...]) -> Admitted:
        body: dict[str, Any] = {"person": owner.name, "role": owner.role, "process": names[0] if names else ""}
        try:
            _of_the_same_user(owner, found)
            for name in names:
                self._callers.person(Peer(_pid(name), owner.uid))
        except Refused as error:
            message = f"a link to the panel was used by what is no person's browser: {error}"
            await self._recorder.record(ALARM, {"alarm": "panel-login", "message": message, **body})
            raise
        return Admitted(body["process"], await self._recorder.record("panel.login", body))

    async def _there(self, asked: Coroutine[Any, Any, Any]) -> Any:
        """The result of something that runs in the daemon's loop."""
        if self._loop is None:
            raise InternalError("the panel was served before the daemon's loop ran")
        future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), _ASK_SECONDS)
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            raise Refused("the daemon does not answer. Is it stopping? `interlock status` says more.") from error


def _of_the_same_user(owner: Owner, found: ends.Socket | None) -> None:
    if found is not None and found.uid not in {owner.uid, 0}:
        raise Refused(f"this link is for uid {owner.uid}; a program of uid {found.uid} used it.")


def _pid(name: str) -> int:
    return int(name.split(maxsplit=1)[0])
