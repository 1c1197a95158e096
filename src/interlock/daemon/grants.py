"""What a person asks about grants: which hold, a new one, an end to one, and what one would have let pass before."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.approvals.request import Request
from interlock.broker.broker import Broker
from interlock.broker.clock import Clock, seconds, stamp
from interlock.broker.envelope import canonical
from interlock.broker.granting import check
from interlock.broker.records import clean, short
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.questions import DAYS, Questions
from interlock.daemon.rules import RuleBook
from interlock.daemon.server import Peer
from interlock.ledger.store import Ledger
from interlock.model.errors import AgentError, Refused
from interlock.model.fingerprint import fingerprint
from interlock.model.grant import Grant, Pattern
from interlock.model.rung import Rung

_SECONDS = 8 * 3_600  # how long a grant holds where nobody says
_MOST = 366 * 86_400  # beyond any bound, and within what a date can say
_SHOWN = 50  # earlier questions shown one by one; the rest is counted


class GrantsDesk:
    """Grants, for people. An agent can neither give nor end one."""

    def __init__(self, broker: Broker, ledger: Ledger, rules: RuleBook, clock: Clock, callers: Callers) -> None:
        self._grants = broker.grants
        self._broker = broker
        self._questions = Questions(ledger, clock)
        self._rules = rules
        self._clock = clock
        self._callers = callers

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {
            "grants": self._list,
            "grant.draft": self._draft,
            "grant.give": self._give,
            "grant.revoke": self._revoke,
        }

    async def _list(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        shown = self._grants.all(self._rules.digest)
        return shown if params.get("all") else [grant for grant in shown if grant["standing"] == "live"]

    async def _draft(self, params: dict[str, Any], peer: Peer) -> Any:
        """The grant as it would be given, its fingerprint, and what it would have let pass. Changes nothing."""
        draft = self._drafted(params, self._callers.known(peer).name)
        check(draft, self._clock.now())
        shown = min(_SHOWN, max(0, integer(params, "shown", _SHOWN)))
        return {
            "grant": msgspec.to_builtins(draft),
            "fingerprint": _fingerprint(draft),
            **await asyncio.to_thread(self._would, draft, shown),
            "days": DAYS,
        }

    def _would(self, draft: Grant, shown: int) -> dict[str, Any]:
        passed = self._questions.covered(draft)
        return {"would": self._questions.told(passed[:shown]), "would_total": len(passed)}

    async def _give(self, params: dict[str, Any], peer: Peer) -> Any:
        draft = self._drafted(params, self._callers.known(peer).name)
        shown = _fingerprint(draft)
        if draft.rung is Rung.ONE_STRONG and str(params.get("code", "")).strip().lower() != shown.rsplit("-", 1)[1]:
            raise Refused(
                f"this grant stands for a strong yes: type the last part of its fingerprint, {shown}, to show that you "
                "read it (--code ________)."
            )
        return msgspec.to_builtins(await self._grants.give(draft))

    async def _revoke(self, params: dict[str, Any], peer: Peer) -> Any:
        because = clean(str(params.get("because", ""))[:2_000])
        person = self._callers.person(peer)
        return msgspec.to_builtins(await self._grants.revoke(integer(params, "id"), person.name, because))

    def _drafted(self, params: dict[str, Any], person: str) -> Grant:
        """From a request, or from patterns; for a session, or for a project."""
        request = self._broker.queue.get(integer(params, "request")) if "request" in params else None
        patterns = self._patterns(params, request)
        workspace, session, agent = (short(text(params, name, "")) for name in ("workspace", "session", "agent"))
        rung = Rung.ONE_STRONG if params.get("strong") is True else Rung.ONE
        if request is not None:
            agent = agent or request.principal.agent
            rung = Rung.ONE_STRONG if request.rung is Rung.ONE_STRONG else rung
            if not session and not workspace:
                known = self._broker.sessions.workspace(request.principal)
                workspace = known or ""
                session = "" if workspace else request.principal.session
        until = params.get("until")
        if not isinstance(until, str):
            until = stamp(self._clock.now() + min(integer(params, "seconds", _SECONDS), _MOST))
        return Grant(
            id=-1,
            patterns=patterns,
            rung=rung,
            until=_moment(until),
            policy=self._rules.engine(workspace).digest,
            given_by=person,
            agent=agent,
            session=session,
            workspace=workspace,
            uses=max(0, integer(params, "uses", 0)),
            why=short(text(params, "why", "")),
        )

    def _patterns(self, params: dict[str, Any], request: Request | None) -> tuple[Pattern, ...]:
        if request is not None:
            if not request.grantable:
                raise Refused(
                    f"request {request.id} cannot be granted in advance: it needs two people, or something in it could "
                    "not be read. Decide it by itself: interlock inbox " + str(request.id)
                )
            name = params.get("name")
            if not isinstance(name, str):
                return request.grantable
            if len({pattern.name for pattern in request.grantable}) != 1:
                raise Refused("it names several things: widen them one by one, or grant it as it is.")
            return tuple(msgspec.structs.replace(pattern, name=name) for pattern in request.grantable)
        try:
            return msgspec.convert(params.get("patterns"), tuple[Pattern, ...])
        except msgspec.ValidationError as error:
            raise AgentError(f"these patterns cannot be taken: {error}") from error


def _fingerprint(draft: Grant) -> str:
    """What a person compares: of the grant without its number and its end, which moves while one reads."""
    fields = msgspec.to_builtins(msgspec.structs.replace(draft, id=-1, until=""))
    return fingerprint(hashlib.sha256(canonical(fields)).digest())


def _moment(until: str) -> str:
    try:
        return stamp(seconds(until))
    except (ValueError, OverflowError, OSError) as error:
        raise AgentError(f"{short(until)!r} is no moment in RFC 3339, like 2030-01-31T18:00:00Z.") from error
