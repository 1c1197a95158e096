"""Who sits at the panel: links that are used once, and the sessions they become. Time and chance come in.

A session belongs to the very process that opened it (the browser's, as the kernel names it): a cookie that was read
from a disk, or sent to another server on this host (browsers do not keep the ports of one host apart), opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from interlock.model.errors import Refused

LINK_SECONDS = 120.0  # to click on a link that was just printed
LONGEST_SECONDS = 12 * 3_600.0  # a working day
IDLE_SECONDS = 2 * 3_600.0
_LINKS = 16
_SEATS = 64
_BYTES = 32

Role = Literal["person", "reader"]
Means = Literal["link", "passkey", "oidc"]  # by what somebody signed in


class Owner(msgspec.Struct, frozen=True):
    """For whom a link was made: a person, by the uid that the kernel vouched for."""

    name: str
    uid: int  # -1 for who has signed in from another machine
    role: Role = "person"
    means: Means = "link"
    key: str = ""  # the passkey that they signed in with


class Admitted(NamedTuple):
    """Who signs in: their process, "" where it cannot be seen; the ledger's entry that says so; and for who signed in
    from another machine the address they came from.
    """

    process: str
    entry: int
    address: str = ""


class Seat(msgspec.Struct, frozen=True):
    """One session. `process` is the one that opened it, "" where it cannot be seen: unless its person signed in by
    more than a link, such a session may only look. `address` is where all of it comes from, "" for this machine.
    """

    id: str  # a digest: the cookie itself is kept nowhere
    name: str
    uid: int
    role: Role
    process: str
    secret: bytes  # of its tokens
    opened: float
    used: float
    login: int = -1  # the entry of the ledger with which it began: a decision names it
    means: Means = "link"
    address: str = ""
    key: str = ""  # the passkey with which it began: without that it is over

    @property
    def afar(self) -> bool:
        """Whether its person signed in as from another machine: some of what they could do is done on this one."""
        return self.means != "link"

    @property
    def decides(self) -> bool:
        """Whether this session may change anything."""
        return self.role == "person" and (bool(self.process) or self.afar)


class Seats:
    """Links and sessions, in memory alone: they end with the daemon. `random` gives that many fresh bytes."""

    def __init__(self, now: Callable[[], float], random: Callable[[int], bytes]) -> None:
        self._now = now
        self._random = random
        self._links: dict[str, tuple[Owner, float]] = {}
        self._seats: dict[str, Seat] = {}

    def link(self, owner: Owner) -> str:
        """The secret part of a new login link. Of too many unused ones the oldest ends."""
        self._tidy()
        while len(self._links) >= _LINKS:
            self._links.pop(next(iter(self._links)))
        secret = self._random(_BYTES).hex()
        self._links[_digest(secret)] = (owner, self._now() + LINK_SECONDS)
        return secret

    def whose(self, secret: str) -> Owner | None:
        """For whom a link is, unused as it stays; None for one that is over."""
        self._tidy()
        found = self._links.get(_digest(secret))
        return found[0] if found else None

    def enter(self, secret: str, admitted: Admitted) -> tuple[str, Seat]:
        """Use a link: the cookie of a session that did not exist before, and the session. Raises Refused."""
        self._tidy()
        found = self._links.pop(_digest(secret), None)
        if found is None:
            raise Refused(
                "this link was used already, or it is older than two minutes. `interlock panel` prints a new one."
            )
        while len(self._seats) >= _SEATS:
            self._seats.pop(min(self._seats, key=lambda name: self._seats[name].used))
        owner, cookie, now = found[0], self._random(_BYTES).hex(), self._now()
        process, entry, address = admitted
        own = self._random(_BYTES)
        seat = Seat(
            _digest(cookie), owner.name, owner.uid, owner.role, process, own, now, now, entry, owner.means, address,
            owner.key,
        )  # fmt: skip
        self._seats[seat.id] = seat
        return cookie, seat

    def seat(self, cookie: str) -> Seat | None:
        """The session of a cookie, if it is one that goes on."""
        self._tidy()
        found = self._seats.get(_digest(cookie)) if cookie else None
        if found is None:
            return None
        self._seats[found.id] = msgspec.structs.replace(found, used=self._now())
        return found

    def burn(self, secret: str) -> None:
        """End a link that fell into other hands."""
        self._links.pop(_digest(secret), None)

    def alive(self, seat: Seat) -> Seat | None:
        """The session as it is now, without counting this as a use; None for one that ended."""
        self._tidy()
        return self._seats.get(seat.id)

    def leave(self, seat: Seat) -> None:
        """End a session."""
        self._seats.pop(seat.id, None)

    def all(self) -> tuple[Seat, ...]:
        """The sessions that go on."""
        self._tidy()
        return tuple(self._seats.values())

    def _tidy(self) -> None:
        now = self._now()
        self._links = {name: kept for name, kept in self._links.items() if kept[1] > now}
        self._seats = {
            name: seat
            for name, seat in self._seats.items()
            if now < seat.opened + LONGEST_SECONDS and now < seat.used + IDLE_SECONDS
        }


def script_token(seat: Seat) -> str:
    """What a script of the panel's own pages sends along: one a session."""
    return _mac(seat, "script")


def form_token(seat: Seat, act: str, subject: str, at: float) -> str:
    """What a form carries: good for this act on this subject in this session, and it says when it was painted."""
    moment = int(at * 1_000)
    return f"{moment}.{_mac(seat, f'form {act} {subject} {moment}')}"


def check_script(seat: Seat, token: str) -> None:
    """Raises Refused unless a script of this session's pages sent it."""
    if not hmac.compare_digest(token.encode(), script_token(seat).encode()):
        raise Refused("this request does not come from a page of this session. Load the page again.")


def check_form(seat: Seat, act: str, subject: str, token: str) -> float:
    """When the form was painted, in seconds. Raises Refused unless it was painted for this, in this session."""
    moment, _, mac = token.partition(".")
    fits = moment.isascii() and moment.isdigit() and len(moment) <= 15
    if not fits or not hmac.compare_digest(mac.encode(), _mac(seat, f"form {act} {subject} {moment}").encode()):
        raise Refused("this form belongs to another page, or to another session. Load the page again.")
    return int(moment) / 1_000


def _mac(seat: Seat, text: str) -> str:
    return hmac.new(seat.secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
