"""Approval: one question whole, and the one place of the panel where it is answered.

A yes by pointer needs the armed button; by keyboard, or without a script, the first word of the fingerprint; where the
rules want a strong one, its last part or a passkey. A no needs nothing. Enter alone answers nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.model.errors import AgentError, InterlockError, Refused
from interlock.panel.acts import too_quick
from interlock.panel.card import OPEN, Card, by_urgency, card, neighbours
from interlock.panel.screen import Act, Screen, Visit

_EARLIER = 8
_SIGNED_ONLY = "from another machine this takes a passkey: what is typed there shows no hand."


class Scope(msgspec.Struct, frozen=True):
    """What a grant in this request's shape would be, and what history it would have let pass."""

    patterns: tuple[str, ...] = ()
    would: tuple[str, ...] = ()
    would_total: int = 0
    days: int = 0
    until: str = ""
    problem: str = ""


class View(msgspec.Struct, frozen=True):
    """The page."""

    card: Card
    before: int
    after: int
    position: int
    waiting: int
    earlier: tuple[Card, ...]  # of the same shape, the newest first
    answered: dict[str, int]  # how those of this session ended
    scope: Scope | None
    passkeys: tuple[str, ...]  # who could sign
    barred: str  # why the person who is signed in is none of those it takes; "" where they are


def view(
    request: Mapping[str, Any],
    requests: Sequence[Mapping[str, Any]],
    draft: Mapping[str, Any] | None,
    problem: str,
    people: Mapping[str, Any],
    me: str,
) -> View:
    """One request among all that are remembered."""
    this, cards = card(request), [card(one) for one in requests]
    waiting = by_urgency(one for one in cards if one.state in OPEN)
    ids = [one.id for one in waiting]
    before, after = neighbours(waiting, this.id)
    earlier = [one for one in cards if one.alike == this.alike and one.id < this.id]
    session = (one for one in cards if (one.agent, one.session) == (this.agent, this.session) and one.id != this.id)
    return View(
        card=this,
        before=before,
        after=after,
        position=ids.index(this.id) + 1 if this.id in ids else 0,
        waiting=len(waiting),
        earlier=tuple(reversed(earlier[-_EARLIER:])),
        answered=dict(Counter(one.what_now for one in session)),
        scope=_scope(this, draft, problem),
        passkeys=tuple(name for name in _signing(people) if not _barred(request, people, name)),
        barred=_barred(request, people, me),
    )


def _signing(people: Mapping[str, Any]) -> list[str]:
    """Who has a passkey."""
    having = (one for one in people["people"] if any(key["kind"] == "passkey" for key in one.get("authenticators", ())))
    return [one["name"] for one in having]


def _barred(request: Mapping[str, Any], people: Mapping[str, Any], name: str) -> str:
    """Why a person's yes would not count, as far as it can be said before they try."""
    needs = request["needs"]
    if any(vote["name"] == name for vote in request["votes"]):
        return f"{name} has said yes already. It takes another person."
    if not needs.get("owner", True) and name in {people["owner"], request["principal"].get("person", "")}:
        return f"{name} is the agent's owner, and for this none of those who say yes may be."
    if name in needs.get("exclude", ()):
        return f"your configuration excludes {name} from deciding on this."
    return ""


def _scope(this: Card, draft: Mapping[str, Any] | None, problem: str) -> Scope | None:
    if not this.open or not this.patterns:
        return None
    if draft is None:
        return Scope(patterns=this.patterns, problem=problem)
    return Scope(
        patterns=this.patterns,
        would=tuple(_passed(one) for one in draft["would"]),
        would_total=draft["would_total"],
        days=draft["days"],
        until=draft["grant"]["until"],
    )


def _passed(one: Mapping[str, Any]) -> str:
    return f"{one['tool']}: {one['text']}"


async def load(visit: Visit) -> View:
    """The request with the whole of its card, and what stands around it."""
    number = visit.path["id"]
    request, requests, people = await asyncio.gather(
        visit.ask("request", id=number), visit.ask("inbox", beside=number), visit.ask("people.list")
    )
    draft, problem = None, ""
    if request["state"] in OPEN and request["grantable"]:
        try:
            draft = await visit.ask("grant.draft", request=number)
        except InterlockError as error:
            problem = str(error)
    found = view(request, requests, draft, problem, people, visit.seat.name)
    if found.card.strong and visit.seat.afar and not found.barred:
        return msgspec.structs.replace(found, barred=_SIGNED_ONLY[0].upper() + _SIGNED_ONLY[1:])
    return found


async def decide(visit: Visit, sent: Mapping[str, str]) -> str:
    """A person's word on this request. Raises Refused, AgentError."""
    number = visit.path["id"]
    asked = card(await visit.ask("request", id=number))
    if sent.get("subject") != asked.subject:
        raise Refused("this page shows another action than the one that is asked about. Load it again.")
    verdict = sent.get("verdict", "")
    because = sent.get("because", "")
    shown = _shown_ms(sent, visit.now)
    if verdict in {"deny", "deny_and_pause"}:
        await visit.ask("deny", id=number, because=because, pause=verdict == "deny_and_pause", shown_ms=shown)
        return f"/receipts/{number}"
    if verdict != "approve":
        raise AgentError("a verdict is approve, deny or deny_and_pause.")
    too_quick(sent, visit.now)
    typed = sent.get("typed", "").strip().lower()
    if asked.strong and visit.seat.afar:
        raise Refused(_SIGNED_ONLY)
    if asked.strong:
        if typed != asked.code:
            raise Refused("type the last part of the fingerprint, to show that you read it.")
    elif sent["by"] == "form" or sent.get("gesture") != "pointer":
        _check_word(typed, asked)
    code = {"code": typed} if asked.strong else {}
    await visit.ask("approve", id=number, but=because, shown_ms=shown, **code)
    return f"/receipts/{number}"


def _check_word(typed: str, asked: Card) -> None:
    if typed not in {asked.word, asked.code}:
        raise Refused("type the first word of the fingerprint, to show that it was you and no stray key.")


def _shown_ms(sent: Mapping[str, str], now: float) -> int:
    """How long the card was before the person, in ms: by the form's own word, or by the script's."""
    if sent["by"] == "form":
        return max(0, int((now - float(sent["painted"])) * 1_000))
    said = sent.get("shown_ms", "0")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


async def challenge(visit: Visit, sent: Mapping[str, str]) -> dict[str, Any]:
    """What a passkey is to sign: the decision whole, its challenge computed from what the daemon stored."""
    await _the_same(visit, sent)
    found: dict[str, Any] = await visit.ask(
        "decide.challenge",
        id=visit.path["id"],
        verdict=sent.get("verdict", ""),
        approver=sent.get("approver", visit.seat.name),
        feedback=sent.get("because", ""),
        shown_ms=_shown_ms(sent, visit.now),
        relying_party=visit.site,
    )
    return found


async def signed(visit: Visit, sent: Mapping[str, str]) -> str:
    """A decision that a passkey signed."""
    await _the_same(visit, sent)
    said = await visit.ask("decide.passkey", decision=sent.get("decision", ""), response=sent.get("response", ""))
    if said[0]["refused"]:
        raise Refused(said[0]["refused"])
    return f"/receipts/{visit.path['id']}"


async def _the_same(visit: Visit, sent: Mapping[str, str]) -> None:
    asked = card(await visit.ask("request", id=visit.path["id"]))
    if sent.get("subject") != asked.subject:
        raise Refused("this page shows another action than the one that is asked about. Load it again.")


SCREENS = (Screen("approval", "/requests/{id:int}", "Question", "approval.html", load, ("inbox",)),)
ACTS = (
    Act("/requests/{id:int}/decide", decide),
    Act("/requests/{id:int}/challenge", challenge),
    Act("/requests/{id:int}/passkey", signed),
)
