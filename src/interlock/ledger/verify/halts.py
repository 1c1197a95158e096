"""Orders to halt, judged from the entries alone: nothing was let happen under one that is about it.

The facts of an action stand in its own entry and in its session's; the daemon judged by the very same. What is not
known counts as meant here as it does there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

from interlock.ledger.verify.envelopes import opened
from interlock.ledger.verify.keys import Keys
from interlock.ledger.verify.notes import Key
from interlock.model.errors import LedgerPolicyFailed, LedgerTampered, SelectorError
from interlock.model.provenance import Facts, facts_of, made_of
from interlock.model.selector import Match, Selector, parse

ORDER, LIFT, BEGIN, CERTIFICATE = "halt.order", "halt.lift", "halt.begin", "halt.certificate"
STANDING, LOADED = "halt.standing", "policy.loaded"
_SLACK = 1.0  # seconds between the daemon's look at its clock and the entry's time
_RELEASES = frozenset({"intent", "run"})
_UNDER_AN_EPOCH = frozenset({*_RELEASES, "approval.ticket", "token.issue"})
_PREDICATE = "urn:interlock:predicate:halt:v1"
_SHOWN = 20


@dataclass(slots=True)
class _Order:
    index: int
    what: str
    where: Selector
    allow: Selector | None
    epoch: int
    begun: bool
    end: float | None
    entry: str  # SHA-256 of its bytes
    sessions: set[tuple[str, str]] = field(default_factory=set)  # that it was carried out on
    certified: bool = False

    def active(self, now: float) -> bool:
        return self.begun and (self.end is None or now < self.end)

    def stops(self, facts: Facts, session: tuple[str, str]) -> bool:
        if self.what == "freeze":
            return facts.covered(self.where, self.allow, changes=True) is not Match.NO
        return session in self.sessions or facts.covered(self.where, self.allow) is not Match.NO


@dataclass(slots=True)
class _Standing:
    """A freeze of a file: in force in its spans, or from its start to its end."""

    where: Selector
    allow: Selector | None
    start: float
    end: float
    spans: list[tuple[float, float]] | None
    until: float  # when the spans end that were said

    def active(self, now: float) -> bool:
        within = self.start + _SLACK <= now < self.end
        return within and (self.spans is None or any(a + _SLACK <= now < b for a, b in self.spans))


@dataclass(slots=True)
class Halts:
    """Fed with every entry in order. `failures` is what no daemon may do; `problems` what is only missing."""

    keys: Keys
    blobs: Path | None = None
    failures: list[str] = field(default_factory=list)
    more: int = 0
    _orders: dict[int, _Order] = field(default_factory=dict)
    _standing: dict[str, dict[int, _Standing]] = field(default_factory=dict)  # by workspace and number
    _epoch: int = 0
    _seen: dict[str, int] = field(default_factory=dict)  # by digest of a certificate: what showed it first
    _agents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # what a session's agent is made of

    def feed(self, index: int, kind: str, time: str, body: dict[str, Any], raw: bytes) -> None:
        """The next entry."""
        if kind in ("session.open", "session.facts") and isinstance(body.get("facts"), dict):
            self._agents[_session(body)] = body["facts"]
        if kind == LOADED:  # the rules of a workspace are others now, and what freezes there is said behind this
            self._standing.pop(str(body.get("workspace", "")), None)
        elif kind == STANDING:
            self._stands(index, body)
        elif kind.startswith("halt."):
            self._halt(index, kind, time, body, raw)
        if not self._epoch and not self._orders and not self._standing:
            return
        if kind in _UNDER_AN_EPOCH and _integer(body.get("epoch")) < self._epoch:
            self._fail(
                f"entry {index} ({kind}) was made under epoch {_integer(body.get('epoch'))}, when an order or a "
                f"lifting had raised it to {self._epoch}"
            )
        if kind in _RELEASES:
            self._released(index, kind, _seconds(time), body)

    def judge(self) -> None:
        """Raises LedgerPolicyFailed when something was let happen under an order that forbade it."""
        if self.failures:
            more = f" And {len(self.failures) - 1 + self.more} more." if len(self.failures) + self.more > 1 else ""
            raise LedgerPolicyFailed(f"{self.failures[0]}.{more}")

    def uncertified(self) -> list[int]:
        """Orders that began, and whose carrying out nobody certified."""
        return [order.index for order in self._orders.values() if order.begun and not order.certified]

    def _released(self, index: int, kind: str, now: float, body: dict[str, Any]) -> None:
        session = _session(body)
        facts = facts_of(body)
        if session in self._agents:
            facts = made_of(facts, self._agents[session])
        for order in self._orders.values():
            if order.active(now) and order.stops(facts, session):
                self._fail(
                    f"entry {index} ({kind}) was released under order {order.index}, a {order.what} that is about it"
                )
                return
        for number, freeze in self._freezes(facts):
            if freeze.spans is not None and now >= freeze.until:
                self._fail(f"entry {index} ({kind}) was released when nobody had said until when freeze {number} holds")
                return
            if freeze.active(now) and facts.covered(freeze.where, freeze.allow, changes=True) is not Match.NO:
                self._fail(f"entry {index} ({kind}) was released in freeze {number} of a file, `{freeze.where}`")
                return

    def _freezes(self, facts: Facts) -> list[tuple[int, _Standing]]:
        """Those of the files of its workspace; of all, where it is not known which that is."""
        where = facts.of.get("workspace", frozenset())
        named = self._standing if where is None else where or {""}
        return [one for workspace in named for one in self._standing.get(workspace, {}).items()]

    def _stands(self, index: int, body: dict[str, Any]) -> None:
        try:
            spans = body.get("spans")
            freeze = _Standing(
                where=parse(str(body["where"])),
                allow=parse(str(body["allow"])) if body.get("allow") else None,
                start=float(body.get("start", -inf)),
                end=float(body.get("end", inf)),
                spans=None if spans is None else [(float(a), float(b)) for a, b in spans],
                until=float(body.get("until", inf)),
            )
            self._standing.setdefault(str(body["workspace"]), {})[int(body["number"])] = freeze
        except (SelectorError, KeyError, TypeError, ValueError) as error:
            self._fail(f"entry {index} is a freeze that cannot be read: {error}")

    def _halt(self, index: int, kind: str, time: str, body: dict[str, Any], raw: bytes) -> None:
        epoch = _integer(body.get("epoch"))
        if kind == ORDER:
            self._order(index, time, body, raw)
        of = self._orders.get(_integer(body.get("order"), -1))
        if kind == CERTIFICATE:
            self._certified(index, of, _seconds(time), body)
        elif kind == BEGIN and of is not None:
            of.begun = True
        elif kind == LIFT:
            if of is None:
                self._fail(f"entry {index} lifts an order that is not in force")
            self._orders.pop(_integer(body.get("order"), -1), None)
        if kind in (ORDER, LIFT, BEGIN):
            if epoch <= self._epoch:
                self._fail(f"entry {index} ({kind}) does not raise the epoch: {epoch} after {self._epoch}")
            self._epoch = max(self._epoch, epoch)

    def _order(self, index: int, time: str, body: dict[str, Any], raw: bytes) -> None:
        try:
            where = parse(str(body["where"]))
            allow = parse(str(body["allow"])) if body.get("allow") else None
            start = body.get("start")
            begun = start is None or float(start) <= _seconds(time)
            end = None if body.get("end") is None else float(body["end"])
        except (SelectorError, KeyError, TypeError, ValueError) as error:
            self._fail(f"entry {index} is an order that cannot be read: {error}")
            return
        digest = sha256(raw).hexdigest()
        self._orders[index] = _Order(
            index, str(body.get("what")), where, allow, _integer(body.get("epoch")), begun, end, digest
        )

    def _certified(self, index: int, order: _Order | None, now: float, body: dict[str, Any]) -> None:
        if order is None:
            self._fail(f"entry {index} certifies an order that is not in force")
            return
        if _integer(body.get("epoch")) != order.epoch:
            self._fail(f"entry {index} certifies order {order.index} under another epoch")
        order.certified = True
        predicate = self._predicate(index, order, now, body)
        named = predicate.get("sessions", body.get("sessions", ()))
        if order.what != "freeze" and isinstance(named, list):
            order.sessions |= {(str(one[0]), str(one[1])) for one in named if isinstance(one, list) and len(one) == 2}

    def _predicate(self, index: int, order: _Order, now: float, body: dict[str, Any]) -> dict[str, Any]:
        """What the certificate itself says, where its bytes are at hand; whether they are its own is judged apart.

        Raises LedgerTampered where they are of another order, of another epoch, or from later than the entry itself.
        """
        descriptor = body.get("certificate")
        name = str(descriptor.get("digest", "")).removeprefix("sha256:") if isinstance(descriptor, dict) else ""
        path = (
            self.blobs / name[:2] / name[2:] if self.blobs is not None and len(name) == 64 and name.isalnum() else None
        )
        if path is None or not path.is_file():
            return {}
        if (first := self._seen.setdefault(name, index)) != index:
            self._fail(f"entry {index} shows the certificate of entry {first} again: it proves nothing of this time")
        what = f"the certificate of entry {index}"
        said = check_certificate(path.read_bytes(), self.keys.at(index + 1), what)
        if said["subject"][0]["digest"].get("sha256") != order.entry:
            raise LedgerTampered(f"{what} is about another order than entry {order.index}")
        found: dict[str, Any] = said["predicate"]
        if found.get("epoch") != order.epoch:
            raise LedgerTampered(f"{what} is of another epoch than its order: {found.get('epoch')}, not {order.epoch}")
        if confirmed(said) > now + _SLACK:
            raise LedgerTampered(f"{what} is dated later than the entry that holds it: {found['confirmed']['time']}")
        return found

    def _fail(self, text: str) -> None:
        if len(self.failures) < _SHOWN:
            self.failures.append(text)
        else:
            self.more += 1


def check_certificate(envelope: bytes, key: Key, what: str = "the certificate") -> dict[str, Any]:
    """The statement in a halt certificate that this key has signed. Raises LedgerTampered for anything else, also for
    one that says it was confirmed before it was begun.
    """
    said = opened(envelope, key, what)
    if said["predicateType"] != _PREDICATE:
        raise LedgerTampered(f"{what} is no halt certificate")
    try:
        begun, done = (said["predicate"][moment] for moment in ("issued", "confirmed"))
        backwards = done["boottime"] < begun["boottime"] or confirmed(said) < _seconds(begun["time"])
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerTampered(f"{what} does not say when: {error}") from error
    if backwards:
        raise LedgerTampered(f"{what} was confirmed before it was begun")
    return said


def confirmed(certificate: Mapping[str, Any]) -> float:
    """When the statement of a certificate says that the kernel had confirmed it: seconds since 1970."""
    return _seconds(str(certificate["predicate"]["confirmed"]["time"]))


def _session(body: Mapping[str, Any]) -> tuple[str, str]:
    principal = body.get("principal")
    if not isinstance(principal, dict):
        return "", ""
    return str(principal.get("agent", "")), str(principal.get("session", ""))


def _integer(value: object, otherwise: int = 0) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
