"""Tokens, as the daemon deals with them: issue, revocation, and the door for agents and jobs that have no hook.

`act` is judged as any other action is; before that, the token must be whole, alive and known, its holder must have
signed this very request just now, and what the action would do must be inside of the token's scope.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.broker.attending import Recorder
from interlock.broker.broker import Broker
from interlock.broker.clock import Clock
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.server import Peer
from interlock.halt.order import Order, What
from interlock.identity import people as crowd
from interlock.identity import tokenbook, tokens
from interlock.identity.people import Change, People
from interlock.identity.tokenbook import ISSUE, REVOKE, Replays, TokenBook
from interlock.identity.tokens import MICROS, WINDOW, Link, Proof, Token
from interlock.ledger.note import PublicKey, Signer
from interlock.model.action import Action, Principal
from interlock.model.errors import AgentError, Refused
from interlock.model.provenance import Facts, Values
from interlock.model.selector import Match
from interlock.model.warrant import Permit, Warrant

GATE = "token"
_TOOL = 200  # characters of a tool's name


# What a token does not say of its session; an order that asks for it may be about the token.
_UNSAID: dict[str, Values] = dict.fromkeys(
    ("model", "repository", "organisation", "workspace", "prompt", "skill", "mcp", "tool", "subagent")
)


class TokenDesk:
    """The tokens of one daemon."""

    def __init__(
        self,
        people: People,
        broker: Broker,
        *,
        recorder: Recorder,
        callers: Callers,
        clock: Clock,
        signer: Signer,
    ) -> None:
        self.book = TokenBook()
        self._people = people
        self._broker = broker
        self._recorder = recorder
        self._callers = callers
        self._clock = clock
        self._signer = signer
        self._replays = Replays(clock.now())

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {
            "token.issue": self._issue,
            "token.revoke": self._revoke,
            "token.list": self._list,
            "act": self._act,
            "act.done": self._done,
        }

    async def heard(self, kind: str, change: Change) -> None:
        """Somebody left: what was issued for them ends."""
        if kind == crowd.REMOVE:
            for known in self.book.live(self._clock.now()):
                if known.principal == change.name:
                    await self._end(known.id, f"{change.name} was removed", change.name)

    async def halted(self, order: Order) -> None:
        """A person killed sessions: tokens that were issued for them before end for good, also where it is lifted."""
        if order.what is not What.KILL:
            return
        for known in self.book.live(self._clock.now()):
            said = {"agent": known.agent, "session": _session(known.session, known.id), "person": known.principal}
            facts = Facts({**_UNSAID, **{name: frozenset({value}) for name, value in said.items()}})
            if facts.covered(order.where, order.allow) is not Match.NO:
                await self._end(known.id, f"order {order.id} ended what it was for", order.by)

    def ended(self, warrant: Warrant) -> str:
        """Why this token does not count any more; "" while it does. Asked again right before a release: a token may
        end while a person is asked.
        """
        if warrant.expires <= self._clock.now():
            return "The token has expired."
        try:
            self._alive(warrant)
        except Refused as refused:
            return str(refused)
        return ""

    def _alive(self, warrant: Warrant) -> None:
        self.book.valid(warrant)
        if self._people.find(warrant.principal) is None:
            raise Refused(f"{warrant.principal}, who is accountable for this token, is not here any more.")

    async def _issue(self, params: dict[str, Any], peer: Peer) -> Any:
        by = self._callers.known(peer)
        principal = self._people.get(text(params, "principal", by.name))
        now = int(self._clock.now())
        seconds = integer(params, "seconds")
        link = Link(
            scope=_scope(params.get("scope")),
            holder=text(params, "holder"),
            issued=now,
            starts=now,
            expires=now + seconds,
            depth=integer(params, "depth", 0),
            log=self._people.origin,
            id=secrets.token_hex(16),
            principal=principal.name,
            agent=text(params, "agent"),
            session=text(params, "session", ""),
            epoch=self._broker.halting.epoch,
        )
        made = tokens.issue(link, self._signer)
        body = tokenbook.body(made, by.name)
        self.book.apply(await self._recorder.record(ISSUE, body), ISSUE, body)
        return {"token": made.text, "id": link.id, "expires": link.expires, "root": str(PublicKey.of(self._signer))}

    async def _revoke(self, params: dict[str, Any], peer: Peer) -> Any:
        caller = self._callers.person(peer)
        reason = "".join(c for c in text(params, "reason", "")[:500] if c.isprintable())
        if link := text(params, "link", ""):
            await self._revoked({"id": "", "link": link[:64], "reason": reason, "by": caller.name})
            return {"revoked": link}
        known = self.book.find(text(params, "id"))
        await self._end(known.id, reason or "revoked", caller.name)
        return {"revoked": known.id}

    async def _end(self, token: str, reason: str, by: str) -> None:
        await self._revoked({"id": token, "reason": reason, "by": by})

    async def _revoked(self, body: dict[str, Any]) -> None:
        # In force before it is an entry: what is released from now on stands in front of it in the log.
        self.book.apply(-1, REVOKE, body)
        await self._recorder.record(REVOKE, body)

    async def _list(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        now = self._clock.now()
        shown = self.book.all() if params.get("all") else self.book.live(now)
        return [{**msgspec.to_builtins(known), "live": known.expires > now and not known.revoked} for known in shown]

    async def _act(self, params: dict[str, Any], peer: Peer) -> Any:
        wanted = params.get("action")
        if not isinstance(wanted, dict):
            raise AgentError("an action is an object of tool, input and cwd.")
        token, principal, proof = await self._presented(params, {"do": "act", "action": wanted})
        tool, given, cwd = wanted.get("tool"), wanted.get("input"), wanted.get("cwd")
        if not isinstance(tool, str) or not 0 < len(tool) <= _TOOL or not isinstance(given, dict):
            raise AgentError("an action names a tool, and its input is an object.")
        if not isinstance(cwd, str) or not cwd.startswith("/") or "\0" in cwd:
            raise AgentError("an action's cwd is an absolute path.")
        action = Action(tool, given, cwd, principal, gate=GATE, call_id=f"token-{proof.nonce}", warrant=token.warrant)
        answer = await self._broker.propose(action, peer.gone)
        return {
            "released": answer.released,
            "verdict": answer.decision.verdict.value,
            "tier": answer.decision.tier,
            "rules": list(answer.decision.rules),
            "message": answer.message,
            "entry": answer.entry,
            "request": answer.request,
            "call": action.call_id,
        }

    async def _done(self, params: dict[str, Any], peer: Peer) -> Any:
        """How a released action came out, in its holder's word."""
        del peer
        call, ok, cwd = text(params, "call"), params.get("ok") is True, text(params, "cwd")
        _, principal, _ = await self._presented(params, {"do": "done", "call": call, "ok": ok, "cwd": cwd})
        return {"entry": await self._broker.outcome(principal, cwd, call, {"ok": ok})}

    async def _presented(self, params: dict[str, Any], request: dict[str, Any]) -> tuple[Token, Principal, Proof]:
        """The token, whom it stands for, and its holder's word for this request. Raises AgentError and Refused."""
        try:
            proof = msgspec.convert(params.get("proof"), Proof)
        except msgspec.ValidationError as error:
            raise AgentError(f"a proof is at, nonce and signature: {error}") from error
        token = tokens.parse(text(params, "token"))
        now = self._clock.now()
        # Cryptography beside the loop: a chain of five links takes a millisecond.
        warrant = await asyncio.to_thread(tokens.verify, token, PublicKey.of(self._signer), now)
        first = token.first
        if first.log != self._people.origin:
            raise Refused("the token is for another log.")
        self._alive(warrant)
        sub = next((link.sub for link in reversed(token.links) if link.sub), "")
        principal = Principal(first.agent, _session(first.session, first.id), sub, person=first.principal)
        tokens.check_proof(token, proof, tokens.request_digest(request), now)
        self._replays.use(warrant.link, proof.nonce, proof.at / MICROS, now, WINDOW)
        return token, principal, proof


def _session(session: str, token: str) -> str:
    """The session of what is asked under a token: its own where it names none."""
    return session or f"token-{token[:12]}"


def _scope(given: Any) -> tuple[Permit, ...]:
    try:
        return msgspec.convert(given, tuple[Permit, ...])
    except msgspec.ValidationError as error:
        raise AgentError(f"a scope is a list of verbs, kinds, names and environments: {error}") from error
