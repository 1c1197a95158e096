"""A decision: what a person says to one request or to several, as a text that can be signed.

The text names everything that it is about (each request by number, digest and challenge; several by their Merkle root)
and what the person saw. Whoever checks it recomputes all of that from what is stored: nothing in it is believed.

    {"approver":"ann","decided_at":"2026-11-28T10:00:00Z","epoch":0,"feedback":"","items":[{"challenge":"…",
     "digest":"…","request":41}],"log":"interlock/host/ab12","root":"…","schema":"interlock/decision/v1",
     "scope":"once","shown":"…","shown_ms":5300,"verdict":"approve"}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from interlock.approvals.request import Request, challenge, shown_digest
from interlock.ledger.entry import canonical
from interlock.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from interlock.model.errors import AgentError, Refused
from interlock.model.fingerprint import fingerprint

SCHEMA = "interlock/decision/v1"
MOST = 40  # requests in one decision: its text stands in one entry, which has 16 KiB
MAX_BYTES = 16 * 1024
_FEEDBACK = 1_000  # characters
_SKEW_SECONDS = 120.0  # two machines' clocks may differ by this

Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Verdict = Literal["approve", "deny", "deny_and_pause"]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request that a decision is about."""

    request: int
    digest: Hex
    challenge: Hex


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says. Times are RFC 3339, `shown_ms` how long they had the card before them."""

    log: str
    items: tuple[Item, ...]
    root: Hex
    verdict: Verdict
    approver: str
    epoch: int
    shown: Hex
    decided_at: str
    shown_ms: int = 0
    feedback: str = ""
    scope: Literal["once"] = "once"
    schema: str = SCHEMA

    def text(self) -> bytes:
        """The canonical text: what is signed, and what the ledger keeps."""
        return canonical(msgspec.to_builtins(self))

    @property
    def digest(self) -> str:
        """Its SHA-256."""
        return hashlib.sha256(self.text()).hexdigest()


def items(log: str, requests: Iterable[Request]) -> tuple[Item, ...]:
    """The requests as a decision names them, in the order of their numbers."""
    ordered = sorted(requests, key=lambda request: request.id)
    return tuple(Item(request.id, request.digest, challenge(log, request)) for request in ordered)


def root(found: Sequence[Item]) -> str:
    """The RFC 6962 root over the items, each as its canonical text."""
    frontier = Frontier()
    for item in found:
        frontier.append(leaf_hash(canonical(msgspec.to_builtins(item))))
    return (frontier.root() if found else EMPTY_ROOT).hex()


def printed(log: str, requests: Sequence[Request]) -> str:
    """The fingerprint that a person compares, and types the end of: the request's own, or that of several together."""
    if len(requests) == 1:
        return requests[0].fingerprint
    return fingerprint(bytes.fromhex(root(items(log, requests))))


def saw(requests: Iterable[Request]) -> str:
    """The digest of the cards of these requests, in the order of their numbers."""
    cards = [shown_digest(request) for request in sorted(requests, key=lambda request: request.id)]
    return cards[0] if len(cards) == 1 else hashlib.sha256(canonical(cards)).hexdigest()


def draft(
    log: str,
    requests: Sequence[Request],
    *,
    verdict: Verdict,
    approver: str,
    epoch: int,
    decided_at: str,
    feedback: str = "",
    shown_ms: int = 0,
) -> Decision:
    """The decision on these requests that is right now, to be signed or to be taken from somebody at a terminal."""
    named = items(log, requests)
    return Decision(
        log=log,
        items=named,
        root=root(named),
        verdict=verdict,
        approver=approver,
        epoch=epoch,
        shown=saw(requests),
        decided_at=decided_at,
        shown_ms=max(0, min(shown_ms, 1 << 31)),
        feedback=feedback[:_FEEDBACK],
    )


def parse(raw: bytes) -> Decision:
    """A decision that came from outside. Raises AgentError unless it is one, in its canonical text, byte for byte."""
    if len(raw) > MAX_BYTES:
        raise AgentError(f"a decision has at most {MAX_BYTES} bytes; this has {len(raw)}.")
    try:
        decision = msgspec.convert(json.loads(raw), Decision)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise AgentError(f"this is no whole decision: {error}. Was it cut? Make it anew.") from error
    if decision.schema != SCHEMA:
        raise AgentError(f"this decision is of the form {decision.schema[:60]!r}; this Interlock knows {SCHEMA}.")
    if decision.text() != raw.rstrip(b"\n"):
        raise AgentError("this decision is not in its canonical text (sorted keys, no spaces): it was rewritten.")
    return decision


def check(decision: Decision, requests: Sequence[Request], *, log: str, epoch: int, now: float) -> None:
    """Raises Refused unless a decision is about these requests as they are stored, and of this time.

    `now` is in seconds since the epoch. That the requests can still be decided is the queue's part.
    """
    about(decision, requests, log=log, epoch=epoch)
    _timely(decision, requests, now)


def about(decision: Decision, requests: Sequence[Request], *, log: str, epoch: int) -> None:
    """Raises Refused unless a decision is about these requests as they are stored."""
    if decision.log != log:
        raise Refused(f"this decision is for another Interlock ({decision.log[:80]}), not for {log}.")
    if not 0 < len(decision.items) <= MOST:
        raise Refused(f"a decision is about 1 to {MOST} requests; this is about {len(decision.items)}.")
    if decision.items != items(log, requests):
        _say_which(decision, items(log, requests))
    if decision.root != root(decision.items):
        raise Refused("the decision's root is not that of the requests it names: it was changed.")
    if decision.shown != saw(requests):
        raise Refused(
            "the decision is about a card that looked different from what is asked here. Fetch it again "
            "(interlock inbox NUMBER --export FILE) and decide on what it shows now."
        )
    if decision.epoch > epoch or decision.epoch < max(request.epoch for request in requests):
        raise Refused(f"the decision was made under epoch {decision.epoch}, which is not one of this question's.")


def _say_which(decision: Decision, stored: Sequence[Item]) -> None:
    for given, kept in zip(decision.items, stored, strict=False):
        if given.request != kept.request:
            raise Refused("the decision names its requests out of order, or one of them twice.")
        if given.digest != kept.digest:
            raise Refused(f"the decision is about another action than request {kept.request} is.")
        if given.challenge != kept.challenge:
            raise Refused(f"the decision was not made for request {kept.request}: its challenge is another one.")
    raise Refused("the decision names its requests out of order, or one of them twice.")


def _timely(decision: Decision, requests: Sequence[Request], now: float) -> None:
    try:
        decided = datetime.fromisoformat(decision.decided_at)
        if decided.tzinfo is None:
            raise ValueError(decision.decided_at)  # noqa: TRY301 - one message for both
    except ValueError:
        raise Refused("the decision's time is no RFC 3339 moment with its zone.") from None
    if decided.timestamp() > now + _SKEW_SECONDS:
        raise Refused(f"the decision is dated {decision.decided_at}, which is not yet. Set that machine's clock.")
    for request in requests:
        if decided.timestamp() < datetime.fromisoformat(request.asked_at).timestamp() - _SKEW_SECONDS:
            raise Refused(f"the decision is dated {decision.decided_at}, before request {request.id} was asked.")
        if decided.timestamp() > datetime.fromisoformat(request.decide_by).timestamp():
            raise Refused(f"the decision is dated {decision.decided_at}, after request {request.id} expired.")


def facts(decision: Decision) -> dict[str, Any]:
    """The decision as an entry holds it: whoever verifies it later rebuilds its canonical text from this."""
    plain: dict[str, Any] = msgspec.to_builtins(decision)
    return plain
