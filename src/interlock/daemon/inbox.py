"""What people ask about requests: which wait, what one holds, yes and no, at a terminal or signed elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from interlock.approvals.bundle import pack
from interlock.approvals.deciding import Deciding, Said
from interlock.approvals.decision import MOST, Verdict, printed
from interlock.approvals.machine import LIVE
from interlock.approvals.request import Request
from interlock.broker.broker import Broker
from interlock.broker.card import completed
from interlock.broker.clock import Clock, stamp
from interlock.broker.records import clean
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.people import PeopleDesk
from interlock.daemon.rules import RuleBook
from interlock.daemon.server import Peer
from interlock.identity import passkeys
from interlock.identity.people import Change, People, passkeys_of
from interlock.identity.proofs import Proof, message
from interlock.identity.sshsig import DECISION
from interlock.ledger.note import Signer
from interlock.model.errors import AgentError, InterlockError

_FEEDBACK = 1_000  # characters of what a person says along with a decision


class InboxDesk:
    """The questions that wait for people."""

    def __init__(
        self,
        broker: Broker,
        rules: RuleBook,
        clock: Clock,
        callers: Callers,
        *,
        people: People,
        desk: PeopleDesk,
        signer: Signer,
    ) -> None:
        self._queue = broker.queue
        self._rules = rules
        self._clock = clock
        self._callers = callers
        self._people = people
        self._signer = signer
        self._deciding = Deciding(
            self._queue,
            people,
            record=broker.record,
            execute_by=self._execute_by,
            pause=broker.halting.pause,
            counted=desk.count,
            now=clock.now,
            stamp=clock.stamp,
        )
        desk.heard.append(self._people_changed)

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {
            "inbox": self._inbox,
            "request": self._request,
            "approve": self._approve,
            "deny": self._deny,
            "decide.printed": self._printed,
            "decide.challenge": self._challenge,
            "decide.passkey": self._passkey,
            "decide.signed": self._signed,
            "request.export": self._export,
        }

    async def tend(self) -> None:
        """What time and new rules do to requests."""
        await self._queue.expire()
        try:
            share = self._rules.config("").approvals.escalate_after
        except InterlockError:
            share = 0.0  # a configuration that is refused stops agents; people must still be able to say no
        await self._queue.escalate(share)
        current = {request.workspace: "" for request in self._queue.live()}
        for workspace in current:
            try:
                current[workspace] = self._rules.engine(workspace).digest
            except InterlockError:
                continue  # rules that are refused stop every agent; once mended they are others, or the same again
        await self._queue.revoke(
            lambda request: bool(current.get(request.workspace)) and current[request.workspace] != request.policy,
            "the rules have changed since it was asked",
        )

    async def _inbox(self, params: dict[str, Any], peer: Peer) -> Any:
        """What waits, and what is approved and not used yet; of what is over what `_over` says. The oldest first."""
        del peer
        await self.tend()
        over = self._over(params)
        return [_body(request) for request in self._queue.all() if request.state in LIVE or over(request)]

    def _over(self, params: dict[str, Any]) -> Callable[[Request], bool]:
        """`all` of it; the newest `past` ones; or what stands `beside` a request: its session's, and of its shape.

        A thousand are remembered, and a page that was handed all of them took a tenth of a second.
        """
        if params.get("all"):
            return lambda _: True
        if "beside" in params:
            this = self._queue.get(integer(params, "beside"))
            return lambda request: request.session == this.session or request.alike == this.alike
        past = max(0, integer(params, "past", 0))
        ended = [request.id for request in self._queue.all() if request.state not in LIVE]
        newest = frozenset(ended[len(ended) - past :] if past < len(ended) else ended)
        return lambda request: request.id in newest

    async def _request(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        return await self._whole(self._queue.get(integer(params, "id")))

    async def _approve(self, params: dict[str, Any], peer: Peer) -> Any:
        return await self._at_terminal(params, peer, "approve", text(params, "but", ""))

    async def _deny(self, params: dict[str, Any], peer: Peer) -> Any:
        verdict: Verdict = "deny_and_pause" if params.get("pause") is True else "deny"
        return await self._at_terminal(params, peer, verdict, text(params, "because", ""))

    async def _at_terminal(self, params: dict[str, Any], peer: Peer, verdict: Verdict, feedback: str) -> Any:
        person = self._callers.person(peer)
        await self.tend()
        words, shown = clean(feedback[:_FEEDBACK]), integer(params, "shown_ms", 0)
        if peer.afar:
            said = await self._deciding.from_afar(person.name, _ids(params), verdict, words, shown, peer.login)
            return _said(said, params)
        said = await self._deciding.at_terminal(
            person.uid,
            _ids(params),
            verdict,
            code=text(params, "code", ""),
            feedback=words,
            shown_ms=shown,
            login=peer.login,
        )
        return _said(said, params)

    async def _printed(self, params: dict[str, Any], peer: Peer) -> Any:
        """The fingerprint of several requests together."""
        del peer
        return {"fingerprint": printed(self._people.origin, [self._queue.get(number) for number in _ids(params)])}

    async def _challenge(self, params: dict[str, Any], peer: Peer) -> Any:
        """What a person's passkey is asked to sign: the decision, whole, and the browser's options for it."""
        del peer
        verdict = text(params, "verdict")
        if verdict not in {"approve", "deny", "deny_and_pause"}:
            raise AgentError("a verdict is approve, deny or deny_and_pause.")
        approver = self._people.get(text(params, "approver"))
        draft = self._deciding.draft(
            _ids(params),
            verdict,  # type: ignore[arg-type]  # just compared
            approver.name,
            clean(text(params, "feedback", "")[:_FEEDBACK]),
            integer(params, "shown_ms", 0),
        )
        wanted = passkeys.challenge(message(DECISION, draft.text()))
        options = passkeys.assertion_options(text(params, "relying_party"), wanted, passkeys_of(approver))
        return {"decision": draft.text().decode(), "options": options}

    async def _passkey(self, params: dict[str, Any], peer: Peer) -> Any:
        return await self._by_proof(params, peer, Proof("passkey", text(params, "response")))

    async def _signed(self, params: dict[str, Any], peer: Peer) -> Any:
        return await self._by_proof(params, peer, Proof("ssh", text(params, "signature")))

    async def _by_proof(self, params: dict[str, Any], peer: Peer, proof: Proof) -> Any:
        # The signature says who decided. Whoever hands it in must nevertheless be a person: an agent that found a
        # signed file somewhere is not to choose the moment.
        self._callers.person(peer)
        await self.tend()
        raw = text(params, "decision").encode("utf-8", "surrogatepass")
        said = await self._deciding.signed(raw, proof, login=peer.login)
        return _said(said, params)

    async def _export(self, params: dict[str, Any], peer: Peer) -> Any:
        self._callers.person(peer)
        requests = [self._queue.get(number) for number in _ids(params)]
        store = self._queue.store
        cards = {str(r.whole["digest"]): store.get(r.whole["digest"]) for r in requests if r.whole and store}
        made = pack(
            requests,
            cards,
            signer=self._signer,
            log=self._people.origin,
            epoch=self._queue.epoch(),
            made_at=self._clock.stamp(),
        )
        return {"bundle": made.decode(), "key": self._people.origin}

    async def _people_changed(self, kind: str, change: Change) -> None:
        del kind, change
        await self._queue.people_changed()

    async def _whole(self, request: Request) -> Any:
        return _body(await asyncio.to_thread(completed, request, self._queue.store))

    def _execute_by(self, request: Request) -> str:
        seconds = self._rules.config(request.workspace).execute_seconds
        steps = request.plan.of if request.plan is not None else 1  # the last step of a plan comes after all the others
        return stamp(self._clock.now() + min(seconds * steps, 86_400))


def _ids(params: dict[str, Any]) -> list[int]:
    if "ids" not in params:
        return [integer(params, "id")]
    ids = params["ids"]
    if not isinstance(ids, list) or not 0 < len(ids) <= MOST or any(type(number) is not int for number in ids):
        raise AgentError(f"ids is no list of 1 to {MOST} numbers.")
    return ids


def _said(said: list[Said], params: dict[str, Any]) -> Any:
    if "ids" not in params and "decision" not in params:
        return _body(said[0].request)
    return [{"request": _body(one.request), "refused": one.refused} for one in said]


def _body(request: Request) -> Any:
    """Every field, also those that have their default: who reads it must not know the defaults."""
    return {name: msgspec.to_builtins(getattr(request, name)) for name in request.__struct_fields__}
