"""Whose hands a change went through, as ledgers have them, and whether those that looked are others. Pure.

Nothing here reads what a commit says of itself: a hand stands in an attestation that a key of the base has signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import msgspec


class Hand(msgspec.Struct, frozen=True):
    """A session of an agent, or a person (`agent` is then ""). `person`: who answers for it; "" where nobody says."""

    agent: str = ""
    session: str = ""
    person: str = ""

    @property
    def name(self) -> str:
        """As reports call it."""
        return f"{self.agent}/{self.session}" if self.agent else self.person or "a person who is not named"

    def same(self, other: Hand, apart: str) -> bool:
        """Whether the two are not as far apart as is asked: by `session`, `agent` or `person`.

        What is not known of one of them may be what the other one is: then they are the same.
        """
        alike = self.agent == other.agent
        if alike and (apart == "agent" if self.agent else _either(self.person, other.person)):
            return True
        if alike and self.agent and _either(self.session, other.session):
            return True
        return apart == "person" and _either(self.person, other.person)


def _either(one: str, other: str) -> bool:
    return one == other or not one or not other


class Word(msgspec.Struct, frozen=True):
    """What a hand said of the change: its role, `ok` or `no`, why, and the ledger entry that has it."""

    hand: Hand
    role: str
    says: str
    because: str
    entry: int
    log: str


def authors(said: Mapping[str, Any]) -> tuple[set[Hand], str]:
    """The hands in an attested commit, and what of it nobody can say."""
    inside: Mapping[str, Any] = said["predicate"]["buildDefinition"]["internalParameters"]
    hands = {
        Hand(str(act["agent"]), str(act.get("session", "")), str(act.get("person", "")))
        for act in inside["actions"]
        if act.get("agent")
    }
    lines: Mapping[str, int] = inside.get("lines") or {}
    committed: Mapping[str, str] = inside.get("committed") or {}
    if lines.get("human") or lines.get("mixed") or (not hands and committed.get("by") == "person"):
        hands.add(Hand(person=str(inside.get("person", ""))))
    missing = [
        (lines.get("unknown", 0), "lines that nobody saw being written"),
        (inside.get("filesLeftOut", 0), "files that have no lines"),
        (inside.get("actionsLeftOut", 0), "actions that it does not name"),
    ]
    unknown = [f"{count} {what}" for count, what in missing if count]
    if not hands and not unknown:
        unknown = ["a commit that nobody was seen to make"]
    return hands, ", ".join(unknown)


def word(said: Mapping[str, Any]) -> Word:
    """What a checked review says."""
    inside: Mapping[str, Any] = said["predicate"]
    by: Mapping[str, str] = inside["by"]
    hand = Hand(by.get("agent", ""), by.get("session", ""), by.get("person", ""))
    return Word(hand, inside["role"], inside["says"], str(inside.get("because", "")), said["entry"], said["log"])


def latest(words: Iterable[Word]) -> list[Word]:
    """The last word of each hand in each role: who changed their mind counts once."""
    last: dict[tuple[str, Hand, str], Word] = {}
    for one in sorted(words, key=lambda one: one.entry):
        last[one.log, one.hand, one.role] = one
    return sorted(last.values(), key=lambda one: (one.role, one.hand.name))


def filled(
    roles: Sequence[str], words: Iterable[Word], authors: Iterable[Hand], apart: str
) -> tuple[dict[str, Word], set[str]]:
    """One word for each role, by hands that are apart from the authors and from each other, as many as there are; and
    the roles for which only the same hands spoke.
    """
    hands = list(authors)
    fine = [one for one in words if one.says == "ok" and one.role in roles]
    able = {role: [one for one in fine if one.role == role and not _among(one.hand, hands, apart)] for role in roles}
    best: dict[str, Word] = {}
    for choice in product(*([*able[role], None] for role in roles)):
        chosen = {one.role: one for one in choice if one is not None}
        others = list(chosen.values())
        clash = any(_among(a.hand, [b.hand for b in others[:i]], apart) for i, a in enumerate(others))
        if not clash and len(chosen) > len(best):
            best = chosen
    return best, {one.role for one in fine if one.role not in best}


def _among(hand: Hand, others: Iterable[Hand], apart: str) -> bool:
    return any(hand.same(other, apart) for other in others)
