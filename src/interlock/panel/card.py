"""A request as people see it, in the panel's words. Pure: the daemon's plain data in, what a template prints out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from interlock.model.given import given
from interlock.panel import words

OPEN = frozenset({"pending", "partial"})
GIVEN = frozenset({"approved", "ticketed"})
_WHAT_NOW = {
    "pending": "waits for you",
    "partial": "waits for another person",
    "approved": "approved, not used yet",
    "ticketed": "approved, about to start",
    "executing": "approved, under way",
    "done": "approved and done",
    "failed": "approved, and it failed",
    "denied": "denied",
    "expired": "nobody decided in time",
    "lapsed": "approved, and not used in time",
    "withdrawn": "not wanted any more",
    "superseded": "replaced by another question",
    "revoked": "taken back",
    "drifted": "approved, and then it was another action",
}
# Effects that cannot be looked past; the word comes from the reading, never from the agent.
_GRAVE = frozenset({"delete", "overwrite", "deploy", "grant", "spend", "publish", "send", "opaque", "configure"})
# What stands behind an effect for those who write rules: ` [force known] <- file`. A title goes without.
_MARKS = re.compile(r"(?: \[[a-z \-]+\])?(?: <- [a-z\-]+(?:, [a-z\-]+)*)?$")
_ENOUGH = 40  # characters that tell one warning from another: a long one may have been cut
_NUMBERS = {1: "one person", 2: "two people"}
_TIERS = {0: "read", 1: "reversible", 2: "one person", 3: "one person, strong", 4: "two people, strong"}


class Would(msgspec.Struct, frozen=True):
    """One effect: its verb, and the rest of the line; `what` is that rest as the end of a sentence."""

    verb: str
    rest: str
    grave: bool
    what: str


class Vote(msgspec.Struct, frozen=True):
    """One person's yes."""

    name: str
    at: str
    how: str


class Card(msgspec.Struct, frozen=True):
    """One request, whole."""

    id: int
    subject: str  # what a decision names: this request, for this very action
    seen: str  # a digest of all that is shown: it changes when the card does
    state: str
    what_now: str
    open: bool
    given: bool
    tier: int
    tier_means: str
    strong: bool
    tool: str
    text: str
    agent: str
    session: str
    subagent: str
    person: str
    workspace: str
    effects: tuple[Would, ...]
    preview: tuple[str, ...]
    deceives: tuple[str, ...]  # where the text, or the agent's words, are not what they look like
    notes: tuple[str, ...]  # what a yes does not hold on to
    claim: str
    why: str
    rules: tuple[str, ...]
    undo: str
    fingerprint: str
    word: str  # its first word: what is typed to approve by keyboard
    code: str  # its last part: what is typed where a strong yes is needed
    asked_at: str
    decide_by: str
    execute_by: str
    people: int
    who: str
    votes: tuple[Vote, ...]
    race: bool
    plan: str
    replaces: int
    alike: str
    decided_by: str
    decided_how: str
    because: str
    digest: str
    policy: str
    patterns: tuple[str, ...]


def card(request: Mapping[str, Any]) -> Card:
    """A request of the daemon's (`request`, `inbox`) as a card."""
    who, needs, printed = request["principal"], request["needs"], request["fingerprint"]
    deceives = tuple(line for line in request["beware"] if _deceives(request["text"], line))
    return Card(
        id=request["id"],
        subject=f"{request['id']}:{request['digest']}",
        seen=hashlib.sha256(msgspec.json.encode(request, order="sorted")).hexdigest()[:16],
        state=request["state"],
        what_now=_WHAT_NOW.get(request["state"], request["state"]),
        open=request["state"] in OPEN,
        given=request["state"] in GIVEN,
        tier=request["tier"],
        tier_means=_TIERS.get(request["tier"], ""),
        strong=bool(needs.get("strong", False)),
        tool=request["tool"],
        text=request["text"],
        agent=who["agent"],
        session=who["session"],
        subagent=who.get("subagent", ""),
        person=who.get("person", ""),
        workspace=request["workspace"],
        effects=tuple(sorted(map(_would, request["effects"]), key=lambda effect: not effect.grave)),
        preview=tuple(request["preview"]),
        deceives=deceives,
        notes=tuple(line for line in request["beware"] if line not in deceives),
        claim=request["claim"],
        why=words.for_people(request["why"]),
        rules=tuple(request["rules"]),
        undo=request["undo"],
        fingerprint=printed,
        word=printed.split("-", 1)[0],
        code=printed.rsplit("-", 1)[-1],
        asked_at=request["asked_at"],
        decide_by=request["decide_by"],
        execute_by=request["execute_by"],
        people=needs.get("people", 1),
        who=_who(needs, request["level"]),
        votes=tuple(Vote(vote["name"], vote["at"], _how(vote)) for vote in request["votes"]),
        race=request["agent_spawns"],
        plan=_plan(request["plan"]),
        replaces=request["replaces"],
        alike=request["alike"],
        decided_by=request["decided_by"],
        decided_how=given(request["decided_how"]),
        because=request["because"],
        digest=request["digest"],
        policy=request["policy"],
        patterns=tuple(_pattern(pattern) for pattern in request["grantable"]),
    )


def by_urgency(cards: Iterable[Card]) -> list[Card]:
    """The gravest first, and of those of one tier the one whose time ends first."""
    return sorted(cards, key=lambda one: (-one.tier, one.decide_by, one.id))


def neighbours(cards: Sequence[Card], number: int) -> tuple[int, int]:
    """The requests before and after this one in a list; -1 for none."""
    ids = [one.id for one in cards]
    if number not in ids:
        return -1, ids[0] if ids else -1
    at = ids.index(number)
    return (ids[at - 1] if at else -1), (ids[at + 1] if at + 1 < len(ids) else -1)


def _deceives(text: str, line: str) -> bool:
    """Whether a warning is about how something looks; the others are about what a yes is bound to."""
    known = {one[:_ENOUGH] for one in words.beware(text)}
    return line.startswith("the agent's words: ") or line[:_ENOUGH] in known


def _would(line: str) -> Would:
    verb, _, rest = line.partition(" ")
    kind, space, name = rest.partition(" ")
    rest = f"{kind.replace('_', ' ')}{space}{name}"
    return Would(verb, rest, verb in _GRAVE, _MARKS.sub("", rest))


def _who(needs: Mapping[str, Any], level: int) -> str:
    people, groups = needs.get("people", 1), tuple(needs.get("groups", ()))
    parts = [_NUMBERS.get(people, f"{people} people")]
    if needs.get("strong", False):
        parts.append("with a typed code or a passkey")
    if not needs.get("owner", True):
        parts.append("not the agent's owner")
    if groups:
        parts.append(f"of {' or '.join(groups[: level + 1])}" + (", escalated" if level else ""))
    if needs.get("exclude"):
        parts.append(f"not {', '.join(needs['exclude'])}")
    return ", ".join(parts)


def _how(vote: Mapping[str, Any]) -> str:
    return given(vote.get("how", "uid"), typed=bool(vote.get("strong")))


def _plan(step: Mapping[str, Any] | None) -> str:
    if not step:
        return ""
    order = ", in this order" if step.get("ordered") else ""
    return f"step {step['number']} of {step['of']} of plan {step['plan']}{order}"


def _pattern(pattern: Mapping[str, Any]) -> str:
    via = f" by {', '.join(pattern['via'])}" if pattern.get("via") else ""
    where = ", ".join(pattern["environments"])
    return f"{', '.join(pattern['verbs'])} {pattern['kind']} {pattern['name']} in {where}{via}"
