"""What a person's commands can ask of the daemon: one method a name, JSON in, JSON out."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import resource
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from interlock import __version__
from interlock.approvals.machine import LIVE
from interlock.approvals.queue import Queue
from interlock.approvals.request import Approver, Request
from interlock.broker.broker import Broker
from interlock.broker.clock import Clock, stamp
from interlock.broker.config import End
from interlock.broker.contain import Wish
from interlock.broker.records import clean
from interlock.daemon.agents import AgentProcesses
from interlock.daemon.contained import Contained
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.rules import RuleBook
from interlock.daemon.server import Peer
from interlock.daemon.undo import UndoDesk
from interlock.daemon.wire import Reply
from interlock.ledger.store import Ledger
from interlock.model.action import Principal
from interlock.model.errors import AgentError, InterlockError, NotFound, OperatorError, Refused

_PAGE = 1_000  # entries in one answer
_PAGE_BYTES = 1 << 20  # and their bytes: an entry may have 16 KiB
_KINDS = 32  # kinds that one call may ask for


class Desks(NamedTuple):
    """What answers for a part of the methods."""

    undo: UndoDesk
    contained: Contained


class Rpc:
    """The methods. `stop` asks the daemon to drain and end."""

    def __init__(
        self,
        *,
        broker: Broker,
        ledger: Ledger,
        recorder: LedgerRecorder,
        rules: RuleBook,
        clock: Clock,
        agents: AgentProcesses,
        desks: Desks,
        stop: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._ledger = ledger
        self._recorder = recorder
        self._rules = rules
        self._clock = clock
        self._agents = agents
        self._desk = desks.undo
        self._contained = desks.contained
        self._stop = stop
        self._started = clock.stamp()
        self._methods: dict[str, Callable[[dict[str, Any], Peer], Awaitable[Any]]] = {
            "ping": self._ping,
            "status": self._status,
            "inbox": self._inbox,
            "request": self._request,
            "approve": self._approve,
            "deny": self._deny,
            "log": self._log,
            "entry": self._entry,
            "checkpoint": self._checkpoint,
            "undo.plan": self._undo_plan,
            "undo": self._undo,
            "reload": self._reload,
            "run": self._run,
            "changes": self._changes,
            "tier": self._tier,
            "settle": self._settle,
            "stop": self._stop_daemon,
        }

    async def serve(self, payload: bytes, peer: Peer) -> Reply:
        """Answer one call. Known failures become {error, message}; bugs propagate and the connection is closed."""
        try:
            method, params = _parse(payload)
            run = self._methods.get(method)
            if run is None:
                raise NotFound(
                    f"the daemon has no method {method!r}. Is the command newer than the daemon? Restart it."
                )
            result = await run(params, peer)
        except InterlockError as error:
            return Reply(exit=error.exit, stderr=json.dumps({"error": error.code, "message": str(error)}).encode())
        return Reply(stdout=result if isinstance(result, bytes) else json.dumps(result).encode())

    async def _ping(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        return {"pid": os.getpid(), "version": __version__}

    async def _status(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        try:
            mode, policy = self._rules.config("").mode.value, self._rules.engine("").digest
        except OperatorError:
            mode, policy = "refused", ""  # every agent is stopped; `rule_problems` says why
        return {
            "pid": os.getpid(),
            "version": __version__,
            "started": self._started,
            "mode": mode,
            "policy": policy,
            "rule_problems": self._rules.problems(),
            "entries": self._ledger.size,
            "ledger_healthy": self._ledger.healthy,
            "ledger_problem": self._ledger.faults.last,
            "sessions": [
                {
                    "agent": session.principal.agent,
                    "session": session.principal.session,
                    "workspace": session.workspace,
                    "counts": session.counts,
                }
                for session in self._broker.sessions.all()
            ],
            "contained": self._contained.facts(),
            "waiting": len([r for r in self._queue.all() if r.state in LIVE]),
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }

    async def _inbox(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._queue.expire()
        shown = [r for r in self._queue.all() if params.get("all") or r.state in LIVE]
        return [_request_body(request) for request in shown]

    async def _request(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        return _request_body(self._queue.get(_integer(params, "id")))

    async def _approve(self, params: dict[str, Any], peer: Peer) -> Any:
        approver = self._person(peer)
        request_id = _integer(params, "id")
        workspace = self._workspace_of(self._queue.get(request_id))
        execute_by = stamp(self._clock.now() + self._rules.config(workspace).execute_seconds)
        code = str(params.get("code", ""))
        return _request_body(await self._queue.approve(request_id, approver, code=code, execute_by=execute_by))

    async def _deny(self, params: dict[str, Any], peer: Peer) -> Any:
        because = clean(str(params.get("because", ""))[:2_000])
        return _request_body(await self._queue.deny(_integer(params, "id"), self._person(peer), because=because))

    async def _log(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._recorder.settle()
        kinds = _texts(params, "kinds")
        start = _integer(params, "start", 0)
        if "tail" in params:
            start = max(0, self._ledger.size - max(0, _integer(params, "tail")))
        # Beside the loop: a person who reads the whole ledger must not slow down an agent's call.
        return await asyncio.to_thread(_page, self._ledger, start, kinds)

    async def _entry(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._recorder.settle()
        index = _integer(params, "id")
        if not 0 <= index < self._ledger.size:
            raise NotFound(f"the ledger has no entry {index}; it has {self._ledger.size}. `interlock log` lists them.")
        stored = self._ledger.entry(index)
        return {"index": index, **json.loads(stored.raw), "proof": self._ledger.proof(index)}

    async def _checkpoint(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        return {"checkpoint": self._ledger.checkpoint()}

    async def _undo_plan(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        return await self._desk.plan(params)

    async def _undo(self, params: dict[str, Any], peer: Peer) -> Any:
        return await self._desk.run(params, self._person(peer).name)

    async def _reload(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        self._rules.refresh()
        return {"problems": self._rules.problems()}

    async def _run(self, params: dict[str, Any], peer: Peer) -> Any:
        cwd, argv = params.get("cwd"), params.get("argv")
        if not isinstance(cwd, str) or not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
            raise AgentError("a run has a cwd and the words of a command.")
        inside = self._rules.config("").containment
        if params.get("end") in set(End):
            inside = msgspec.structs.replace(inside, end=End(params["end"]))
        if params.get("agent") is True:
            hosts, keep = tuple(_texts(params, "hosts")), tuple(_texts(params, "keep"))
            return await self._contained.agent(argv, cwd, hosts, keep, self._whoever(peer))
        name = str(params.get("profile", "build"))
        return await self._contained.start(argv, cwd, name, inside, self._whoever(peer))

    def asked(self, argv: list[str], cwd: str, profile: str, peer: Peer) -> Wish:
        """The same for the launcher, which asks for itself."""
        inside = self._rules.config("").containment
        return self._contained.meant(argv, cwd, profile, inside, self._whoever(peer))

    async def noted(self, wish: Wish) -> int:
        """Its entry."""
        return await self._contained.note(wish)

    def _whoever(self, peer: Peer) -> Principal:
        """Who asks for a run: a person, or the agent below which the asking process runs."""
        agent = self._agents.ancestor(peer.pid)
        return Principal(agent=agent if agent not in {"", "?"} else "person", session="", person=_name(peer.uid))

    async def _tier(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        return self._contained.means()

    async def _changes(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._recorder.settle()
        return await self._contained.show(_integer(params, "id"))

    async def _settle(self, params: dict[str, Any], peer: Peer) -> Any:
        person = self._person(peer)
        await self._recorder.settle()
        return await self._contained.decide(_integer(params, "id"), str(params.get("word", "")), person.name)

    async def _stop_daemon(self, params: dict[str, Any], peer: Peer) -> Any:
        del params
        self._person(peer)
        self._stop()
        return {"stopping": True}

    @property
    def _queue(self) -> Queue:
        return self._broker.queue

    def _person(self, peer: Peer) -> Approver:
        """The person behind a peer. INVARIANT: a process started by an agent is never a person."""
        agent = self._agents.ancestor(peer.pid)
        if agent == "?":
            raise Refused(
                "it cannot be seen who started this command (it ended, or it runs in a container). "
                "Decide in a terminal of your own, and let the command run to its end."
            )
        if agent:
            raise Refused(
                f"this command was started by the agent {agent}; an agent cannot decide. Use a terminal of your own."
            )
        return Approver(uid=peer.uid, name=_name(peer.uid))

    def _workspace_of(self, request: Request) -> str:
        session = self._broker.sessions.get(request.principal)
        return session.workspace if session else ""


def _parse(payload: bytes) -> tuple[str, dict[str, Any]]:
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise AgentError(f"the call is not JSON: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        raise AgentError("the call is no {method, params} object.")
    params = message.get("params", {})
    if not isinstance(params, dict):
        raise AgentError("params is no object.")
    return message["method"], params


def _page(ledger: Ledger, start: int, kinds: list[str]) -> bytes:
    """Entries from `start` on, as many as fit one answer. Each goes out as the bytes that stand in the ledger."""
    size = ledger.size
    parts: list[bytes] = []
    following, room = size, _PAGE_BYTES
    for stored in ledger.entries(start=start, stop=size, kinds=kinds or None):
        if len(parts) >= _PAGE or room <= 0:
            following = stored.index
            break
        parts.append(b'{"index":%d,' % stored.index + stored.raw.removeprefix(b"{"))
        room -= len(stored.raw)
    return b'{"entries":[' + b",".join(parts) + b'],"next":%d}' % following


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _integer(params: dict[str, Any], name: str, otherwise: int | None = None) -> int:
    value = params.get(name, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 63:
        raise AgentError(f"{name} is no integer, or too large.")
    return value


def _texts(params: dict[str, Any], name: str) -> list[str]:
    values = params.get(name, [])
    if not isinstance(values, list) or len(values) > _KINDS or not all(isinstance(value, str) for value in values):
        raise AgentError(f"{name} is no list of at most {_KINDS} texts.")
    return values


def _request_body(request: Request) -> Any:
    return msgspec.to_builtins(request)
