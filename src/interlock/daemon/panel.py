"""The control panel as a part of the daemon: where it listens, who gets in, and its thread.

Its sockets are bound with the daemon; the web server behind them is loaded when the first person comes, because most
daemons never see one. From then on it has a thread and an event loop of its own: what it asks, it asks the daemon's
loop, call by call, as the person who is signed in.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from interlock.broker.config import Panel as Settings
from interlock.broker.records import ALARM
from interlock.daemon import beyond, ends, unixend
from interlock.daemon.agents import alive
from interlock.daemon.arriving import Arrivals, Counted
from interlock.daemon.beyond import Beyond
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.inviting import InvitingDesk, Place
from interlock.daemon.listening import Addresses, Bound
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.rpc import Rpc
from interlock.daemon.server import Peer
from interlock.identity.people import People
from interlock.model.errors import InterlockError, InternalError, Refused
from interlock.panel.live import Live
from interlock.panel.seats import Admitted, Owner, Seat, Seats

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from interlock.ledger.archive import Archive
    from interlock.panel.app import Panel

log = structlog.get_logger()

_ASK_SECONDS = 20.0
_STOP_SECONDS = 3.0
_CONNECTIONS = 300  # at once: a hundred pages with a stream each, and what they load
EXPORT = "ledger.export"  # not of the socket: whoever sits at that has the files
# What a session that may only look can ask. Whatever else a screen asks for, it is refused here once more.
READS = frozenset({
    "status", "inbox", "request", "sessions.list", "halt.list", "halt.reach", "halt.certificate", "log", "entry",
    "checkpoint", "people.list", "grants", "role.list", "token.list", "plan.show", "undo.plan", "decide.printed",
    "changes", "tier", "history.sessions", "history.session", "history.entries", "history.insights", "history.verified",
    "why.explain", "why.rules", "suggestions", "notify.status", "gate.list", "gate.show", EXPORT,
    "incident.list", "incident.show", "incident.origin", "incident.touching", "incident.marks",
})  # fmt: skip


# What somebody may do who signed in from another machine. The rest is done on the machine itself.
FROM_AFAR = frozenset({
    "approve", "deny", "decide.challenge", "decide.passkey", "halt.order", "halt.resume", "grant.revoke",
    "review.challenge", "review.passkey", "incident.record",
})  # fmt: skip


class PanelDesk:
    """Serves the panel, and hands out links to it."""

    def __init__(
        self,
        addresses: Addresses,
        *,
        callers: Callers,
        recorder: LedgerRecorder,
        settings: Settings,
        people: People,
        counted: Counted,
        ledger: Path,
        inviting: InvitingDesk,
    ) -> None:
        self._addresses = addresses
        self._callers = callers
        self._recorder = recorder
        self._settings = settings
        self._people = people
        self._counted = counted
        self._ledger = ledger  # its directory
        self._inviting = inviting
        inviting.place = self._place
        self.rpc: Rpc | None = None  # the desks' own, once all of them are there
        self._live = Live()
        self._seats = Seats(time.time, secrets.token_bytes)
        self._lock = threading.Lock()
        self._bound: Bound | None = None
        self._beyond: Beyond | None = None
        self._far_seats = Seats(time.time, secrets.token_bytes)  # another site: no cookie of one counts at the other
        self._far_problem = "[panel.remote] in interlock.toml says where."
        self._problem = "the daemon is still starting. Try again in a moment."
        self._thread: threading.Thread | None = None
        self._servers: list[uvicorn.Server] = []
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
        if self._settings.remote is not None:
            try:
                self._beyond = beyond.bind(self._settings.remote)
            except InterlockError as error:
                self._far_problem = str(error)
                log.warning("panel.not-served-beyond", problem=str(error))
        for listener in self._sockets():
            self._loop.add_reader(listener, self._serve)

    def _sockets(self) -> tuple[socket.socket, ...]:
        near = self._bound.sockets if self._bound is not None else ()
        return near + (self._beyond.sockets if self._beyond is not None else ())

    def stop(self) -> None:
        """Take nothing new, end what is open, and wait a moment for the thread. Blocks."""
        for server in self._servers:
            server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        for listener in self._sockets():
            listener.close()
        if self._bound is not None and self._bound.path is not None:
            self._bound.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        """Somebody comes: load the web server and let it accept. In the daemon's loop, and only once."""
        if self._thread is not None or self._bound is None or self._loop is None:
            return
        for listener in self._sockets():
            self._loop.remove_reader(listener)
        self._thread = threading.Thread(target=self._run, args=(self._bound,), name="panel", daemon=True)
        self._thread.start()

    def _run(self, bound: Bound) -> None:
        try:
            from interlock.panel.app import Panel

            panel = Panel(self, self._seats, self._live, bound.site, cookie=f"interlock-{bound.port}")
            served = [(_server(panel.app(), unix=bound.path is not None), bound.sockets)]
            if self._beyond is not None:
                served.append((_server(self._far(self._beyond).app(), tls=self._beyond.tls), self._beyond.sockets))
            self._servers = [server for server, _ in served]
            asyncio.run(_serving(served))
        except Exception:
            # The panel may fail; the guard does not.
            log.exception("panel.failed")

    def _far(self, found: Beyond) -> Panel:
        """The panel as it is served to other machines."""
        from interlock.panel.app import Panel

        arrivals = Arrivals(
            found.settings, found.address, self._people, now=time.time, counted=self._counted, there=self._there,
            secret=found.secret,
        )  # fmt: skip
        cookie = "__Host-interlock"
        invited = self if found.settings.passkeys else None
        return Panel(self, self._far_seats, self._live, found.site, cookie=cookie, arrivals=arrivals, invited=invited)

    # --- what is asked over the daemon's socket

    async def _link(self, params: dict[str, Any], peer: Peer) -> Any:
        """A login link, for the person who asks. Raises Refused for agents, and where there is no panel."""
        person = self._callers.known(peer)
        if self._bound is None:
            raise Refused(f"the panel is not served: {self._problem}")
        owner = Owner(person.name, peer.uid, "reader" if params.get("reader") is True else "person")
        seats, address = self._seats, self._bound.address
        if params.get("remote") is True:
            if self._beyond is None:
                raise Refused(f"the panel is not served beyond this machine: {self._far_problem}")
            seats, address = self._far_seats, self._beyond.address
        self._serve()
        path = "" if seats is self._far_seats or self._bound.path is None else str(self._bound.path)
        return {
            "address": address,
            "link": f"{address}login/{seats.link(owner)}",
            "seconds": 120,
            "role": owner.role,
            "socket": path,
        }

    def _place(self) -> Place:
        """Where invited people go. Raises Refused where there is no such place."""
        if self._beyond is None:
            why = self._far_problem if self._bound is not None else self._problem
            raise Refused(f"the panel is not served beyond this machine: {why}")
        if not self._beyond.settings.passkeys:
            raise Refused("nobody signs in with a passkey there: [panel.remote] passkeys = true in interlock.toml.")
        self._serve()
        return Place(self._beyond.address, self._beyond.settings.name)

    async def _sessions(self, params: dict[str, Any], peer: Peer) -> Any:
        """Who is signed in."""
        del params, peer
        return [
            {
                "id": seat.id[:12],
                "person": seat.name,
                "decides": seat.decides,
                "opened": seat.opened,
                "used": seat.used,
                "by": seat.means,
            }
            for seats in (self._seats, self._far_seats)
            for seat in seats.all()
        ]

    async def _close(self, params: dict[str, Any], peer: Peer) -> Any:
        """End every session of the panel."""
        del params
        self._callers.person(peer)
        closed = 0
        for seats in (self._seats, self._far_seats):
            for seat in seats.all():
                seats.leave(seat)
                closed += 1
        return {"closed": closed}

    # --- what the panel's thread asks (`panel.app.Daemon`)

    async def ask(self, seat: Seat, method: str, params: dict[str, Any]) -> Any:
        """One method of the socket, in the daemon's loop, as this person and from their browser's process."""
        if self.rpc is None:
            raise InternalError("the panel was served before the desks were there")
        self._may(seat, method)
        pid = _pid(seat.process) if seat.process else 0
        afar = seat.name if seat.afar else ""
        return await self._there(self.rpc.ask(method, params, Peer(pid, seat.uid, login=seat.login, afar=afar)))

    async def export(self, seat: Seat) -> Archive:
        """The whole ledger as one file, read beside the daemon's own work. Raises Refused, LedgerError."""
        from interlock.ledger.archive import Archive

        self._may(seat, EXPORT)
        await self._there(self._recorder.settle())
        return await asyncio.to_thread(Archive, self._ledger)

    def _may(self, seat: Seat, method: str) -> None:
        """Raises Refused unless this session may ask for this."""
        if not seat.decides and method not in READS:
            raise Refused(f"a session that may only look asked for {method}.")
        if seat.afar and method not in READS | FROM_AFAR:
            raise Refused("this is done on the machine itself: sign in there with `interlock panel`.")
        if seat.afar and seat.role == "person":
            self._still(seat)

    def _still(self, seat: Seat) -> None:
        """Raises Refused, and ends the session, unless who signed in is still there, with what they signed in with."""
        person = self._people.find(seat.name)
        if person is None:
            why = f"{seat.name} is nobody here any more: they were removed."
        elif person.since > seat.login and person.name != self._people.owner.name:
            why = f"{seat.name} was removed since you signed in, and added anew. Sign in again."
        elif seat.key and self._people.holder(seat.key) != person:
            why = "the passkey that you signed in with was removed. Sign in with another one."
        else:
            return
        self._far_seats.leave(seat)
        raise Refused(why)

    async def admit(self, owner: Owner, client: ends.End, server: ends.End) -> Admitted:
        """The process that is about to sign in. Raises Refused for one below an agent, or of another user."""
        if server[0] == unixend.HERE:  # the kernel said it when they connected, and that they are this user's
            said: Admitted = await self._there(self._admitted(owner, None, (client[0],) if client[0] else (), "socket"))
            return said
        found = await asyncio.to_thread(ends.other_end, client, server)
        names = await asyncio.to_thread(ends.holders, found) if found else ()
        admitted: Admitted = await self._there(self._admitted(owner, found, names, client[0]))
        return admitted

    async def invited(self, secret: str) -> str:
        """Who is invited by this link. Raises Refused."""
        name: str = await self._there(self._inviting.invited(secret))
        return name

    async def begin(self, secret: str) -> dict[str, Any]:
        """What the invited browser makes a passkey from. Raises Refused."""
        options: dict[str, Any] = await self._there(self._inviting.begin(secret))
        return options

    async def offer(self, secret: str, response: str, label: str, ends_of: tuple[ends.End, ends.End]) -> dict[str, str]:
        """What it made waits from now on. Raises Refused, also for a program below an agent on this machine."""
        found = await asyncio.to_thread(ends.other_end, *ends_of)
        names = await asyncio.to_thread(ends.holders, found) if found else ()
        address = ends_of[0][0]
        await self._there(self._inviting.seen(secret, tuple(_pid(name) for name in names), address))
        made = await self._there(self._inviting.offer(secret, response, label=label, address=address))
        return {"name": made.person, "words": made.words}

    def holds(self, process: str, client: ends.End, server: ends.End) -> bool:
        """Whether that process is the other end of this connection."""
        if server[0] == unixend.HERE:
            return client[0] == process and alive(process)
        return ends.holds(process, client, server)

    async def _admitted(self, owner: Owner, found: ends.Socket | None, names: tuple[str, ...], client: str) -> Admitted:
        process = names[0] if names else ""
        body: dict[str, Any] = {"person": owner.name, "role": owner.role, "process": process, "by": owner.means}
        if found is None:
            body["from"] = client  # another machine's address, or the socket
        try:
            _of_the_same_user(owner, found)
            for name in names:
                self._callers.person(Peer(_pid(name), owner.uid))
        except Refused as error:
            message = f"a link to the panel was used by what is no person's browser: {error}"
            await self._recorder.record(ALARM, {"alarm": "panel-login", "message": message, **body})
            raise
        return Admitted(process, await self._recorder.record("panel.login", body), "" if process else client)

    async def _there(self, asked: Coroutine[Any, Any, Any]) -> Any:
        """The result of something that runs in the daemon's loop."""
        if self._loop is None:
            raise InternalError("the panel was served before the daemon's loop ran")
        future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), _ASK_SECONDS)
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            raise Refused("the daemon does not answer. Is it stopping? `interlock status` says more.") from error


def _server(app: ASGIApp, *, unix: bool = False, tls: ssl.SSLContext | None = None) -> uvicorn.Server:
    import uvicorn

    from interlock.panel.connection import Connection

    kind = unixend.connection() if unix else Connection
    return uvicorn.Server(
        uvicorn.Config(
            app, http=kind, loop="asyncio", ws="none", lifespan="off", log_config=None,
            access_log=False, server_header=False, date_header=False, proxy_headers=False,
            limit_concurrency=_CONNECTIONS, timeout_keep_alive=30, timeout_graceful_shutdown=1,
            ssl_context_factory=None if tls is None else lambda _config, _usual: tls,
        )
    )  # fmt: skip


async def _serving(served: Sequence[tuple[uvicorn.Server, Sequence[socket.socket]]]) -> None:
    await asyncio.gather(*(server.serve(sockets=list(sockets)) for server, sockets in served))


def _of_the_same_user(owner: Owner, found: ends.Socket | None) -> None:
    if owner.means == "link" and found is not None and found.uid not in {owner.uid, 0}:
        raise Refused(f"this link is for uid {owner.uid}; a program of uid {found.uid} used it.")


def _pid(name: str) -> int:
    return int(name.split(maxsplit=1)[0])
