"""The socket by which launchers hand in the listeners of their runs: who may, for which run, and what they must be.

A launcher connects, sends `RUN <id> <port/protocol>…` with one descriptor for each, and keeps the connection open:
when it closes, the run is over and everything of it is ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import socket
import stat
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from interlock.containment.egress.allow import Allow
from interlock.containment.egress.attempts import Seen, Summary, Tally
from interlock.containment.egress.dial import Connect, Resolve, connect, host_resolver
from interlock.containment.egress.listening import bind
from interlock.containment.egress.refusal import Refused
from interlock.containment.egress.run import Listener, Means, Run
from interlock.model.errors import InternalError, StateError

_LINE = 4096  # bytes
_MOST_LISTENERS = 64
_LINE_SECONDS = 10.0
_LISTENER = re.compile(r"([0-9]{1,5})/(tcp|udp)")
_SO_NETNS_COOKIE = 71  # Linux 5.14: which network namespace a socket belongs to

Complain = Callable[[str], None]


class Egress:
    """The network of all contained runs of one daemon. `expect` a run before its launcher starts, `finish` it after."""

    def __init__(
        self, path: Path, seen: Seen, complain: Complain, *, resolve: Resolve | None = None, dialer: Connect = connect
    ) -> None:
        self._path = path
        self._seen = seen
        self._complain = complain
        self._threads = ThreadPoolExecutor(8, "egress-lookup")
        # Two descriptors a connection: never more than half of what the daemon may have open.
        most = max(16, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        self._means = Means(resolve or host_resolver(self._threads), dialer, min(most, 2048))
        self._expected: dict[str, tuple[Allow, Tally]] = {}
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None

    @property
    def path(self) -> Path:
        """Where launchers connect (the plan's `egress`)."""
        return self._path

    async def start(self) -> None:
        """Listen. What stands at the path is a dead daemon's (the caller holds the home's lock)."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            bind(listener, self._path)
        except OSError as error:
            listener.close()
            raise StateError(
                f"cannot listen on {self._path}: {error.strerror or error}. Check its directory."
            ) from error
        finally:
            os.umask(old)
        listener.listen(64)
        listener.setblocking(False)
        self._listener = listener
        self._keep(asyncio.get_running_loop().create_task(self._accept(listener)))

    async def stop(self) -> None:
        """End every run's network."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
            self._path.unlink(missing_ok=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def expect(self, run: str, allow: Allow) -> None:
        """A run with this id will hand in its listeners, once."""
        if run in self._expected:
            raise InternalError(f"the run {run} has a network already")
        self._expected[run] = (allow, Tally(self._seen))

    async def finish(self, run: str) -> Summary:
        """The run is over: end what is left of its network and say what it tried."""
        live = self._runs.pop(run, None)
        if live is not None:
            await live.close()
        found = self._expected.pop(run, None)
        return found[1].summary if found else Summary()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                launcher, _ = await loop.sock_accept(listener)
            except OSError as error:  # out of descriptors: some will be free soon
                self._complain(f"cannot take a run's network: {error.strerror}")
                await asyncio.sleep(0.2)
                continue
            self._keep(loop.create_task(self._launcher(launcher)))

    async def _launcher(self, launcher: socket.socket) -> None:
        """One launcher's connection, as long as it lasts."""
        with launcher:
            launcher.setblocking(False)
            try:
                _check_peer(launcher)
                async with asyncio.timeout(_LINE_SECONDS):
                    ident, listeners = await _handed(launcher)
                run = self._begin(ident, listeners)
            except (Refused, OSError, TimeoutError) as error:
                why = str(error) or "it said nothing in time"
                self._complain(f"a run's network was refused: {why}")
                return
            try:
                await _hung_up(launcher)
            finally:
                self._runs.pop(ident, None)
                await run.close()

    def _begin(self, ident: str, listeners: list[Listener]) -> Run:
        known = self._expected.get(ident)
        why = "no run of that name is expected"
        if known is not None and ident not in self._runs:
            allow, tally = known
            why = next((text for one in listeners if (text := _wrong(one))), "")
            if not why:
                run = self._runs[ident] = Run(ident, allow, tally, self._means)
                run.serve(listeners)
                return run
        for one in listeners:
            one.socket.close()
        raise Refused(why)


def _check_peer(launcher: socket.socket) -> None:
    """Only this user's own processes (and root's) run launchers."""
    _, uid, _ = struct.unpack("3i", launcher.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid not in {os.getuid(), 0}:
        raise Refused(f"the user {uid} is not the one that Interlock works for")


def _wrong(listener: Listener) -> str:
    """Why a listener is not what it is said to be, or lies in our own network namespace; empty when all is well."""
    one, udp = listener.socket, listener.udp
    if one.family != socket.AF_INET or one.type != (socket.SOCK_DGRAM if udp else socket.SOCK_STREAM):
        return "a descriptor that is no such listener"
    if not udp and not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return "a descriptor that does not listen"
    if one.getsockname()[1] != listener.port or (udp and listener.port != 53):
        return "a listener on another port than it is said to be"
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        # Where the kernel is too old to tell, the launcher is trusted to have made its namespace.
        mine, its = (s.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8) for s in (own, one))
        if mine == its:
            return "a listener of this machine's own network"
    return ""


async def _handed(launcher: socket.socket) -> tuple[str, list[Listener]]:
    """The run that a launcher names and the listeners that came with it."""
    data, sockets = b"", list[socket.socket]()
    whole = True
    with contextlib.ExitStack() as held:
        while whole and b"\n" not in data:
            await _readable(launcher)
            part, got, flags, _ = socket.recv_fds(launcher, _LINE, _MOST_LISTENERS, socket.MSG_CMSG_CLOEXEC)
            for descriptor in got:
                if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    sockets.append(held.enter_context(socket.socket(fileno=descriptor)))
                else:
                    os.close(descriptor)
                    whole = False
            data += part
            whole = whole and bool(part) and len(data) <= _LINE and not flags & socket.MSG_CTRUNC
        words = data.decode("ascii", "replace").removesuffix("\n").split(" ")
        specs = [match for word in words[2:] if (match := _LISTENER.fullmatch(word))]
        if not whole or words[0] != "RUN" or not specs or not len(specs) == len(words) - 2 == len(sockets):
            raise Refused("no line of a launcher, or not one descriptor for each listener")
        held.pop_all()
    return words[1], [Listener(one, int(spec[1]), spec[2] == "udp") for one, spec in zip(sockets, specs, strict=True)]


async def _readable(one: socket.socket) -> None:
    """Wait until there is something to read."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def come() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(one, come)
    try:
        await ready
    finally:
        loop.remove_reader(one)


async def _hung_up(launcher: socket.socket) -> None:
    """Wait for the end of the connection; what a launcher says after its line means nothing."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while await loop.sock_recv(launcher, _LINE):
            pass
