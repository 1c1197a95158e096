"""Roles, for people: which there are, who has one, give one to a session, take it back. Agents give none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.broker.broker import Broker
from interlock.broker.clock import Clock, stamp
from interlock.broker.envelope import canonical
from interlock.broker.granting import check
from interlock.broker.records import clean, short
from interlock.broker.restricting import Restriction
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text, texts
from interlock.daemon.rules import RuleBook
from interlock.daemon.server import Peer
from interlock.halt.order import Order, What
from interlock.identity import people as crowd
from interlock.identity.people import Change, People, Person
from interlock.model.action import Principal
from interlock.model.errors import NotFound, Refused, UsageError
from interlock.model.fingerprint import fingerprint
from interlock.model.grant import Grant
from interlock.model.provenance import Facts, only
from interlock.model.selector import Match
from interlock.policy.roles import Role, patterns

_RESOURCE = 400  # characters of one name


class RolesDesk:
    """The roles of one daemon."""

    def __init__(self, broker: Broker, rules: RuleBook, people: People, *, callers: Callers, clock: Clock) -> None:
        self._broker = broker
        self._rules = rules
        self._people = people
        self._callers = callers
        self._clock = clock

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {
            "role.list": self._list,
            "role.draft": self._draft,
            "role.give": self._give,
            "role.end": self._end,
        }

    async def heard(self, kind: str, change: Change) -> None:
        """Somebody left, or may not give any more what they gave: their grants end."""
        if kind not in {crowd.REMOVE, crowd.GROUPS}:
            return
        left = self._people.find(change.name)

        def lost(grant: Grant) -> bool:
            if grant.given_by != change.name:
                return False
            role = self._rules.config(grant.workspace).roles.get(grant.role)
            return left is None or (bool(grant.role) and (role is None or not set(role.who) & set(left.groups)))

        await self._broker.grants.revoke_where(lost, change.name, "who gave it may not any more")

    async def halted(self, order: Order) -> None:
        """A person killed sessions: what was granted for them alone ends for good, also where the order is lifted."""
        if order.what is not What.KILL:
            return

        def meant(grant: Grant) -> bool:
            of = only(Principal(agent=grant.agent, session=grant.session))
            facts = Facts(of if grant.agent else {**of, "agent": None})
            return bool(grant.session) and facts.covered(order.where, order.allow) is not Match.NO

        await self._broker.grants.revoke_where(meant, order.by, f"order {order.id} ended what it was for")

    async def _list(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        workspace = text(params, "workspace", "")
        roles = self._rules.config(workspace).roles
        given = [g for g in self._broker.grants.all(self._rules.digest) if g["role"] and g["standing"] == "live"]
        return {
            "roles": {name: msgspec.to_builtins(role) for name, role in roles.items()},
            "restricting": [msgspec.to_builtins(one) for one in self._broker.restrictions.live()],
            "grants": given,
        }

    async def _draft(self, params: dict[str, Any], peer: Peer) -> Any:
        """What would be given, and the fingerprint whose code a strong role asks for. Changes nothing."""
        draft = self._drafted(params, self._callers.known(peer))
        return {"grant": msgspec.to_builtins(draft), "fingerprint": _fingerprint(draft)}

    async def _give(self, params: dict[str, Any], peer: Peer) -> Any:
        giver = self._callers.known(peer)
        name, role, session, _ = self._meant(params)
        if role.restricts:
            self._may_give(giver, name, role)
            seconds = integer(params, "seconds", 0)
            until = stamp(self._clock.now() + seconds) if seconds > 0 else ""
            draft = Restriction(-1, name, session, giver.name, until, short(text(params, "why", "")))
            return {"restriction": msgspec.to_builtins(await self._broker.restrictions.give(draft))}
        grant = self._drafted(params, giver)
        shown = _fingerprint(grant)
        if role.strong and text(params, "code", "").strip().lower() != shown.rsplit("-", 1)[1]:
            raise Refused(
                f"the role {name} is given strongly: type the last part of the fingerprint of what you give, {shown}, "
                "to show that you read it (--code ________)."
            )
        return {"grant": msgspec.to_builtins(await self._broker.grants.give(grant))}

    async def _end(self, params: dict[str, Any], peer: Peer) -> Any:
        person = self._callers.known(peer)
        name, role, session, _ = self._meant(params)
        why = clean(text(params, "why", "")[:500])
        if role.restricts:
            self._in_charge(person, name, role)
            return {"ended": await self._broker.restrictions.end(name, session, person.name, why)}

        def same(grant: Grant) -> bool:
            return grant.role == name and grant.session == session

        ended = await self._broker.grants.revoke_where(same, person.name, why)
        if not ended:
            raise NotFound(
                f"session {session!r} does not have the role {name}. `interlock role list` shows who has what."
            )
        return {"ended": list(ended)}

    def _meant(self, params: dict[str, Any]) -> tuple[str, Role, str, str]:
        """Role, session and the session's project. Raises NotFound, UsageError."""
        name, session = text(params, "role"), short(text(params, "session"))
        known = [s for s in self._broker.sessions.all() if s.principal.session.startswith(session)] if session else []
        if len(known) > 1 and all(s.principal.session != session for s in known):
            raise UsageError(f"{len(known)} sessions begin with {session!r}. Write more of it (interlock sessions).")
        if known and all(s.principal.session != session for s in known):
            session = known[0].principal.session
        live = next((s for s in known if s.principal.session == session), None)
        workspace = live.workspace if live is not None else ""
        role = self._rules.config(workspace).roles.get(name)
        if role is None:
            raise NotFound(f"there is no role {name!r}. `interlock role list` shows which there are.")
        if not session:
            raise UsageError("a role is given to a session: --session (interlock sessions lists them).")
        return name, role, session, workspace

    def _drafted(self, params: dict[str, Any], giver: Person) -> Grant:
        name, role, session, workspace = self._meant(params)
        self._may_give(giver, name, role)
        if role.restricts or not role.grants:
            raise UsageError(f"the role {name} gives nothing that could be shown or granted.")
        seconds = integer(params, "seconds", role.minutes * 60)
        if not 0 < seconds <= role.minutes * 60:
            raise Refused(f"the role {name} is given for at most {role.minutes} minutes.")
        names = texts(params, "resources")
        if any(len(one) > _RESOURCE for one in names):
            raise UsageError(f"a name has at most {_RESOURCE} characters.")
        draft = Grant(
            id=-1,
            patterns=patterns(role, names),
            rung=role.rung,
            until=stamp(self._clock.now() + seconds),
            policy=self._rules.engine(workspace).digest,
            given_by=giver.name,
            session=session,
            workspace=workspace,
            role=name,
            why=short(text(params, "why", "")),
        )
        check(draft, self._clock.now())
        return draft

    def _may_give(self, giver: Person, name: str, role: Role) -> None:
        if role.off:
            raise Refused(f"the role {name} is switched off in this project.")
        self._in_charge(giver, name, role)

    @staticmethod
    def _in_charge(giver: Person, name: str, role: Role) -> None:
        if not set(role.who) & set(giver.groups):
            raise Refused(
                f"the role {name} is given by the groups {', '.join(role.who) or 'of nobody'}; {giver.name} is in "
                f"{', '.join(giver.groups) or 'none'}."
            )


def _fingerprint(draft: Grant) -> str:
    """What a person compares: of what is given, without its end, which moves while one reads."""
    fields = msgspec.to_builtins(msgspec.structs.replace(draft, id=-1, until=""))
    return fingerprint(hashlib.sha256(canonical(fields)).digest())
