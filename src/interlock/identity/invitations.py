"""Invitations: one named person may offer one passkey, from a browser elsewhere. Time and chance come in.

    open ──offer──► offered ──person.key.add──► over

An invitation gives nothing: what was offered counts once administrators have added it, as they add any key. The words
of an offer are a digest of the person and the key; who invited types what the person reads out, so that a link which
fell into other hands adds nobody's key. In memory alone: all of it ends with the daemon.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from interlock.identity.authenticator import Authenticator
from interlock.model.errors import NotFound, Refused
from interlock.model.fingerprint import fingerprint

LONGEST_SECONDS = 24 * 3_600
OFFER_SECONDS = 3_600.0  # in which an offer is accepted, or made anew
_KEPT_SECONDS = 24 * 3_600.0  # for which a link that is over is still told why
_INVITATIONS = 256
_OFFERS = 64
_TRIES = 3  # words that are not the offer's, before it ends
_BYTES = 32
_AGAIN = "Ask whoever sent it to you for a new one: `interlock people invite {}`."


class Invitation(NamedTuple):
    """For whom, and until when (seconds since the epoch). `over` says why it is of no use any more."""

    person: str
    until: float
    over: str = ""


class Offer(NamedTuple):
    """A passkey that waits for administrators. `words` are what its person reads out, `address` whence it came."""

    person: str
    key: Authenticator
    words: str
    until: float
    address: str
    wrong: int = 0


class Invitations:
    """All of one daemon. `random` gives that many fresh bytes."""

    def __init__(self, now: Callable[[], float], random: Callable[[int], bytes]) -> None:
        self._now = now
        self._random = random
        self._made: dict[str, Invitation] = {}
        self._nonces: dict[str, bytes] = {}
        self._offers: dict[str, Offer] = {}

    def invite(self, person: str, seconds: float) -> str:
        """The secret part of a new link, which ends what this person was sent and offered before. Raises Refused."""
        if not 0 < seconds <= LONGEST_SECONDS:
            raise Refused("an invitation lives between a second and a day: --for 30m.")
        self.end(person, "a newer link was made for {}")
        while len(self._made) >= _INVITATIONS:
            self._made.pop(next(iter(self._made)))
        secret = self._random(_BYTES).hex()
        self._made[_digest(secret)] = Invitation(person, self._now() + seconds)
        return secret

    def whose(self, secret: str) -> Invitation:
        """The invitation of a link that can be used; looking uses nothing up. Raises Refused with why it cannot."""
        self._tidy()
        found = self._made.get(_digest(secret))
        if found is None:
            raise Refused(
                "this link was not made here, or Interlock was started anew since. " + _AGAIN.format("YOUR-NAME")
            )
        if found.over:
            raise Refused(f"{found.over}. {_AGAIN.format(found.person)}")
        return found

    def begin(self, secret: str) -> tuple[str, bytes]:
        """Who makes a passkey, and what it signs: only the last beginning of a link counts. Raises Refused."""
        person = self.whose(secret).person
        nonce = self._nonces[_digest(secret)] = self._random(_BYTES)
        return person, nonce

    def take(self, secret: str) -> tuple[str, bytes]:
        """The same, for what comes back: each beginning is answered once. Raises Refused."""
        person, nonce = self.whose(secret).person, self._nonces.pop(_digest(secret), b"")
        if not nonce:
            raise Refused("this answer was given already, or none was asked for. Press the button again.")
        return person, nonce

    def offer(self, secret: str, key: Authenticator, address: str) -> Offer:
        """Keep what was made for an invitation, which is used up by that. Raises Refused."""
        person = self.whose(secret).person
        self._end(_digest(secret), "this link was used already")
        while len(self._offers) >= _OFFERS:
            self._offers.pop(next(iter(self._offers)))
        made = Offer(person, key, words(person, key), self._now() + OFFER_SECONDS, address)
        self._offers[person] = made
        return made

    def offered(self) -> tuple[Offer, ...]:
        """What waits for administrators."""
        self._tidy()
        return tuple(self._offers.values())

    def matching(self, person: str, said: str) -> Offer:
        """The offer of a person whose words these are. Raises NotFound for none, Refused for other words."""
        self._tidy()
        found = self._offers.get(person)
        if found is None:
            raise NotFound(
                f"no passkey of {person[:64]} waits: none was made yet, or it is older than an hour. "
                f"`interlock people invite {person[:64]}` makes a link for one."
            )
        if hmac.compare_digest(_plain(said).encode(), _plain(found.words).encode()):
            return found
        wrong = found.wrong + 1
        self._offers[person] = found._replace(wrong=wrong)
        if wrong < _TRIES:
            raise Refused(
                f"these are not the words of the passkey that waits for {person}. Nothing is added. Let {person} read "
                "them out again; where they have none, somebody else used the link, and it must not be accepted."
            )
        del self._offers[person]
        raise Refused(
            f"these are not its words, for the third time: what was offered for {person} is thrown away. Ask how "
            f"the link was sent, then `interlock people invite {person}` again, another way."
        )

    def added(self, key: str) -> None:
        """This key is one of a person's now: it waits no more."""
        self._offers = {name: offer for name, offer in self._offers.items() if offer.key.id != key}

    def end(self, person: str, why: str = "{} was removed from the people here") -> None:
        """What this person was sent and offered is of no use any more."""
        self._offers.pop(person, None)
        for digest, found in list(self._made.items()):
            if found.person == person and not found.over:
                self._end(digest, why.format(person))

    def burn(self, secret: str, why: str) -> None:
        """End a link that fell into other hands."""
        self._end(_digest(secret), why)

    def _end(self, digest: str, why: str) -> None:
        self._nonces.pop(digest, None)
        found = self._made.get(digest)
        if found is not None:
            self._made[digest] = Invitation(found.person, self._now(), why)

    def _tidy(self) -> None:
        now = self._now()
        for digest, found in list(self._made.items()):
            if not found.over and found.until <= now:
                self._end(digest, "this link is too old")
            elif found.over and found.until + _KEPT_SECONDS <= now:
                del self._made[digest]
        self._offers = {name: offer for name, offer in self._offers.items() if offer.until > now}


def words(person: str, key: Authenticator) -> str:
    """Four words (64 bits) of a person's key, to be read out."""
    digest = sha256(f"interlock/invitation/v1\n{person}\n{key.relying_party}\n{key.id}\n{key.public}".encode()).digest()
    return fingerprint(digest).rsplit("-", 1)[0]


def _plain(said: str) -> str:
    return "-".join(said.lower().replace("-", " ").split())


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
