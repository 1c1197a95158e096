"""What a person asks about people: who is there, and changes of that, by one administrator at first, later by two."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from interlock.broker.attending import Recorder
from interlock.broker.clock import Clock
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text, texts
from interlock.daemon.server import Peer
from interlock.identity import passkeys
from interlock.identity.authority import consent, event, needed
from interlock.identity.people import ADD, ADMINS, COUNT, Change, Consent, People, Person, passkeys_of
from interlock.identity.proofs import Proof, message
from interlock.identity.sshsig import PEOPLE
from interlock.model.errors import AgentError, Refused

_NONCES = 100  # registrations begun at once
_NONCE_SECONDS = 300.0

Heard = Callable[[str, Change], Awaitable[None]]


class PeopleDesk:
    """One change at a time, durable before it counts. `heard` are told of each change after it is made."""

    def __init__(
        self,
        people: People,
        recorder: Recorder,
        callers: Callers,
        clock: Clock,
        at_least: Callable[[], int] = lambda: 2,
    ) -> None:
        self._people = people
        self._recorder = recorder
        self._callers = callers
        self._clock = clock
        self._at_least = at_least  # how many administrators configuration asks for
        self._lock = asyncio.Lock()
        self._nonces: dict[str, tuple[bytes, float]] = {}
        self.heard: list[Heard] = []

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {
            "people.list": self._list,
            "people.withdrawn": self._withdrawn,
            "people.statement": self._statement,
            "people.change": self._change,
            "people.passkey.begin": self._passkey_begin,
            "people.passkey.finish": self._passkey_finish,
            "people.passkey.challenge": self._passkey_challenge,
        }

    async def _list(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        people = self._people
        if "at" in params:
            people = people.at(integer(params, "at"))
        return {
            "origin": people.origin,
            "owner": people.owner.name,
            "guarded": people.guarded,
            "needed": needed(people, self._at_least()),
            "people": [msgspec.to_builtins(person) for person in people.all()],
        }

    async def _withdrawn(self, params: dict[str, Any], peer: Peer) -> Any:
        """The keys that count no more, for the gate."""
        del params, peer
        return {"keys": self._people.withdrawn()}

    async def _statement(self, params: dict[str, Any], peer: Peer) -> Any:
        self._callers.person(peer)  # the owner's first entry is written here: no agent brings that about
        kind, change = _asked(params)
        async with self._lock:
            await self._record_owner()
            self._people.possible(kind, change)
            return {
                "statement": self._people.statement(kind, change).decode(),
                "namespace": PEOPLE,
                "needed": needed(self._people, self._at_least()),
                "admins": [person.name for person in self._people.signing_admins() if person.authenticators],
            }

    async def _change(self, params: dict[str, Any], peer: Peer) -> Any:
        caller = self._callers.person(peer)
        kind, change = _asked(params)
        proofs = _proofs(params)
        async with self._lock:
            await self._record_owner()
            people = self._people
            found = [consent(people, kind, change, proof) for proof in proofs]
            consents = [given for given, _ in found]
            owner = people.owner
            if caller.uid == owner.uid and owner.within(ADMINS) and all(c.person != owner.name for c in consents):
                consents.insert(0, Consent(owner.name, "uid"))
            body = event(people, kind, change, consents, self._at_least())
            index = await self._recorder.record(kind, body)
            people.apply(index, kind, body)
            for given, counter in found:
                if counter:
                    await self.count(given.key, counter)
        for tell in self.heard:
            await tell(kind, change)
        return {"entry": index, "by": [given.person for given in consents], "guarded": people.guarded}

    async def count(self, key: str, counter: int) -> None:
        """A passkey was used: its counter is now this one, and an older one will be refused."""
        body = {"key": key, "count": counter}
        index = await self._recorder.record(COUNT, body)
        self._people.apply(index, COUNT, body)

    async def _record_owner(self) -> None:
        """The first entry says whose daemon it is, so that an offline verifier knows."""
        people = self._people
        if people.serial:
            return
        owner = people.owner
        change = Change(owner.name, uid=owner.uid, groups=owner.groups, owner=True)
        body = event(people, ADD, change, [Consent(owner.name, "uid")])
        index = await self._recorder.record(ADD, body)
        people.apply(index, ADD, body)

    async def _passkey_begin(self, params: dict[str, Any], peer: Peer) -> Any:
        self._callers.person(peer)
        person, site = self._people.get(text(params, "name")), text(params, "relying_party")
        passkeys.site(site, (f"https://{site}",))
        now = self._clock.now()
        self._nonces = {name: kept for name, kept in self._nonces.items() if kept[1] > now}
        if len(self._nonces) >= _NONCES:
            raise Refused("too many passkeys are being registered at once. Wait five minutes.")
        nonce = secrets.token_bytes(32)
        self._nonces[person.name] = (nonce, now + _NONCE_SECONDS)
        alone = params.get("found_alone") is True
        return passkeys.registration_options(person.name, site, nonce, person.authenticators, found_alone=alone)

    async def _passkey_finish(self, params: dict[str, Any], peer: Peer) -> Any:
        """The authenticator in the browser's answer. It counts once a `people.change` has added it."""
        self._callers.person(peer)
        nonce, until = self._nonces.pop(text(params, "name"), (b"", 0.0))
        if until <= self._clock.now():
            raise Refused("no registration of a passkey is under way for this person. Begin again.")
        made = passkeys.register(
            text(params, "response"),
            nonce=nonce,
            relying_party=text(params, "relying_party"),
            origins=texts(params, "origins"),
            label=text(params, "label", ""),
        )
        return msgspec.to_builtins(made)

    async def _passkey_challenge(self, params: dict[str, Any], peer: Peer) -> Any:
        """What a page asks an administrator's passkey to sign for a change."""
        del peer
        kind, change = _asked(params)
        person: Person = self._people.get(text(params, "by"))
        statement = self._people.statement(kind, change)
        wanted = passkeys.challenge(message(PEOPLE, statement))
        return passkeys.assertion_options(text(params, "relying_party"), wanted, passkeys_of(person))


def _asked(params: dict[str, Any]) -> tuple[str, Change]:
    try:
        return text(params, "kind"), msgspec.convert(params.get("change"), Change)
    except msgspec.ValidationError as error:
        raise AgentError(f"this is no change of people: {error}") from error


def _proofs(params: dict[str, Any]) -> list[Proof]:
    try:
        return msgspec.convert(params.get("signatures", []), list[Proof])
    except msgspec.ValidationError as error:
        raise AgentError(f"signatures are a list of how and signature: {error}") from error
