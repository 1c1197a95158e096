"""Inviting a person who has no shell here: an administrator makes a link, the person's browser makes a passkey.

What an administrator asks comes over the daemon's socket; what the invited browser sends comes from the panel that
other machines see, in the daemon's loop. The link, the offer and whence it came are entries (`person.invite`,
`person.offer`); the key counts from its `person.key.add` on, which takes whoever changes people here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from interlock.broker.attending import Recorder
from interlock.broker.clock import Clock
from interlock.broker.records import ALARM
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.server import Peer
from interlock.identity import passkeys
from interlock.identity.invitations import Invitations, Offer
from interlock.identity.people import ADMINS, KEY_ADD, REMOVE, Change, People
from interlock.model.errors import Refused

INVITE = "person.invite"
OFFER = "person.offer"


class Place(NamedTuple):
    """Where invited people go: the address with a slash at its end, and the host name that passkeys there are for."""

    address: str
    name: str

    @property
    def origin(self) -> str:
        """The one page that a passkey made there is used from."""
        return self.address.rstrip("/")


def _nowhere() -> Place:
    raise Refused("the panel is not served beyond this machine.")


class InvitingDesk:
    """`place` says where the panel is for other machines, or raises Refused with what is missing."""

    def __init__(
        self, people: People, recorder: Recorder, callers: Callers, *, clock: Clock, random: Callable[[int], bytes]
    ) -> None:
        self._people = people
        self._recorder = recorder
        self._callers = callers
        self._clock = clock
        self._invitations = Invitations(clock.now, random)
        self.place: Callable[[], Place] = _nowhere

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"people.invite": self._invite, "people.offers": self._offers, "people.offered": self._offered}

    async def heard(self, kind: str, change: Change) -> None:
        """People were changed."""
        if kind == REMOVE:
            self._invitations.end(change.name)
        elif kind == KEY_ADD:
            for key in change.keys:
                self._invitations.added(key.id)

    # --- what administrators ask

    async def _invite(self, params: dict[str, Any], peer: Peer) -> Any:
        """A link for one person, once. Raises Refused for who is no administrator, and where nobody can be let in."""
        by = self._callers.known(peer)
        if not by.within(ADMINS):
            raise Refused(f"{by.name} is no administrator: somebody of the group {ADMINS} invites people.")
        person, place, seconds = self._people.get(text(params, "name")), self.place(), integer(params, "seconds")
        secret = self._invitations.invite(person.name, seconds)
        body = {"name": person.name, "by": by.name, "at": place.name, "seconds": seconds}
        entry = await self._recorder.record(INVITE, body)
        return {
            "name": person.name,
            "link": f"{place.address}enrol/{secret}",
            "until": self._invitations.whose(secret).until,
            "entry": entry,
        }

    async def _offers(self, params: dict[str, Any], peer: Peer) -> Any:
        """What waits. The words stay here: who accepts it has them from the person, and from nobody else."""
        del params, peer
        return [
            {"name": o.person, "id": o.key.id, "label": o.key.label, "from": o.address, "until": o.until}
            for o in self._invitations.offered()
        ]

    async def _offered(self, params: dict[str, Any], peer: Peer) -> Any:
        """The passkey with these words. It counts once a `people.change` has added it."""
        self._callers.person(peer)
        person = self._people.get(text(params, "name"))
        return msgspec.to_builtins(self._invitations.matching(person.name, text(params, "words")).key)

    # --- what the invited browser asks, through the panel

    async def invited(self, secret: str) -> str:
        """Who is invited. Uses nothing up. Raises Refused."""
        return self._people.get(self._invitations.whose(secret).person).name

    async def begin(self, secret: str) -> dict[str, Any]:
        """What the browser makes a passkey from. Raises Refused."""
        name, nonce = self._invitations.begin(secret)
        person = self._people.get(name)
        return passkeys.registration_options(name, self.place().name, nonce, person.authenticators, found_alone=True)

    async def offer(self, secret: str, response: str, *, label: str, address: str) -> Offer:
        """What the browser made waits for administrators from now on. Raises Refused."""
        place, (name, nonce) = self.place(), self._invitations.take(secret)
        self._people.get(name)
        made = passkeys.register(response, nonce=nonce, relying_party=place.name, origins=[place.origin], label=label)
        if self._people.holder(made.id) is not None:
            raise Refused("this passkey is somebody's here already. Sign in with it, or make another one.")
        offer = self._invitations.offer(secret, made, address)
        await self._recorder.record(OFFER, {"name": name, "key": made.id, "label": made.label, "from": address})
        return offer

    async def seen(self, secret: str, pids: tuple[int, ...], address: str) -> None:
        """Raises Refused, and ends the link, where a program below an agent on this machine uses it."""
        try:
            for pid in pids:
                self._callers.person(Peer(pid, os.geteuid()))
        except Refused as error:
            self._invitations.burn(secret, "this link was used by what is no person's browser, and ended by that")
            message = f"an invitation was used by what is no person's browser: {error}"
            await self._recorder.record(ALARM, {"alarm": "panel-invitation", "message": message, "from": address})
            raise
