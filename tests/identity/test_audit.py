"""What an offline verifier sees about people, sessions and tokens."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.identity import tokenbook
from interlock.identity.audit import Audit
from interlock.identity.people import ADD, ADMINS, COUNT, Change
from interlock.identity.sessions import SessionIdentity
from interlock.identity.tokenbook import ISSUE, REVOKE
from interlock.model.action import Principal
from interlock.model.errors import LedgerPolicyFailed, LedgerTampered

from .test_people import BY_UID, LOG, Book
from .test_tokens import NOW, TOKEN

Story = list[tuple[str, dict[str, Any]]]
BEFORE, AFTER = "2027-01-15T08:00:01Z", "2027-01-15T09:00:00Z"  # NOW is 2027-01-15T08:00:00Z; the token lives 900 s


def hear(story: Story, time: str = BEFORE) -> Audit:
    audit = Audit()
    audit.hear(0, "log.genesis", time, {"origin": LOG})
    for index, (kind, body) in enumerate(story, 1):
        audit.hear(index, kind, time, body)
    return audit


def people() -> Story:
    book = Book()
    book.add("bob", ADMINS)
    change = Change("eve", groups=())
    book.write(ADD, change, BY_UID, book.yes("bob", ADD, change))
    return [(kind, body) for _, kind, body in book.entries]


def use(link: str = "") -> tuple[str, dict[str, Any]]:
    return "intent", {"token": {"id": TOKEN.first.id, "links": [*TOKEN.digests, link], "epoch": 3}}


def issue() -> tuple[str, dict[str, Any]]:
    return ISSUE, tokenbook.body(TOKEN, "olga")


def test_the_times_are_those_of_the_token() -> None:
    from datetime import datetime

    assert datetime.fromisoformat(BEFORE).timestamp() - NOW == 1


def test_a_sound_story_is_counted() -> None:
    session = SessionIdentity(LOG, Principal("claude", "s"))
    opened = ("session.open", session.body())
    story = [*people(), (COUNT, {"key": "k", "count": 4}), issue(), use(), opened]
    story.append(("session.close", session.closed({"opened": len(story), "counts": {}, "reason": "x"})))
    audit = hear(story)
    audit.judge()
    assert (audit.changes, audit.closes, audit.uses) == (3, 1, 1)


def test_a_change_that_one_administrator_made_alone_is_found() -> None:
    story = people()
    story[-1][1]["by"] = story[-1][1]["by"][:1]
    with pytest.raises(LedgerTampered, match=r"entry 3 .* was not permitted by those it names"):
        hear(story).judge()


def test_a_change_before_anybody_said_whose_daemon_it_is_is_found() -> None:
    with pytest.raises(LedgerTampered, match="before anybody said whose daemon"):
        hear(people()[1:]).judge()


def test_a_close_by_another_key_is_found() -> None:
    mine, other = (SessionIdentity(LOG, Principal("claude", "s")) for _ in range(2))
    closed = other.closed({"opened": 1, "counts": {}, "reason": "x"})
    with pytest.raises(LedgerTampered, match=r"session\.close"):
        hear([("session.open", mine.body()), ("session.close", closed)]).judge()
    again = mine.closed({"opened": 1, "counts": {}, "reason": "x"})
    with pytest.raises(LedgerTampered, match="was not open, or a second time"):
        hear([("session.open", mine.body()), ("session.close", again), ("session.close", again)]).judge()


@pytest.mark.parametrize(
    ("story", "time", "why"),
    [
        ([use()], BEFORE, "never issued"),
        ([issue(), use()], AFTER, "had expired"),
        ([issue(), (REVOKE, {"id": TOKEN.first.id, "reason": "done", "by": "olga"}), use()], BEFORE, "revoked: done"),
        ([issue(), (REVOKE, {"id": "", "link": "l", "reason": "", "by": "olga"}), use("l")], BEFORE, "was revoked"),
        ([*people(), (ISSUE, {**tokenbook.body(TOKEN, "mallory")})], BEFORE, "mallory, who was not among the people"),
    ],
)
def test_a_token_that_was_not_alive_is_found(story: Story, time: str, why: str) -> None:
    with pytest.raises(LedgerPolicyFailed, match=why):
        hear(story, time).judge()


def test_garbage_is_a_finding_and_no_crash() -> None:
    for kind in (ADD, COUNT, "session.close", ISSUE, REVOKE, "intent"):
        for body in ({}, {"change": 1}, {"token": 7, "signature": 1}, {"opened": "x", "signature": ""}):
            audit = hear([(kind, dict(body))])
            assert audit.changes == 0
