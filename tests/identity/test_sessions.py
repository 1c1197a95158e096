"""A session's name and key."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.identity.names import agent_name, domain, person_name, segment
from interlock.identity.sessions import SessionIdentity, check_close
from interlock.model.action import Principal
from interlock.model.errors import InternalError, LedgerTampered

LOG = "interlock/Build-7.example/3f9a1c2b4d5e"
AGENT = Principal("claude", "0b2f")
BODY = {"opened": 4, "counts": {"intents": 3}, "reason": "the agent ended it"}


def test_names_are_spiffe_ids() -> None:
    assert agent_name(LOG, "claude", "0b2f", "a1") == (
        "spiffe://3f9a1c2b4d5e.build-7-example/agent/claude/session/0b2f/sub/a1"
    )
    assert person_name(LOG, "ada@example.org").startswith("spiffe://3f9a1c2b4d5e.build-7-example/person/x-")


@given(st.text(max_size=300))
def test_any_id_becomes_one_segment(text: str) -> None:
    made = segment(text)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", made)
    assert made not in {".", ".."}


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_ids_never_share_a_name(one: str, other: str) -> None:
    assert (segment(one) == segment(other)) == (one == other)
    assert segment(segment(one)) != segment(one) or segment(one) == one or segment(one) == "none" or one == ""


def test_an_id_that_looks_like_a_hashed_one_is_hashed_too() -> None:
    hashed = segment("a/b")
    assert segment(hashed) != hashed
    assert segment("none") != segment("")


@given(st.text(max_size=200))
def test_every_log_has_a_trust_domain(origin: str) -> None:
    assert re.fullmatch(r"[a-z0-9._-]{1,255}", domain(origin))


def test_the_close_is_signed_by_the_key_that_the_open_names_and_the_key_is_gone() -> None:
    session = SessionIdentity(LOG, AGENT)
    opened = session.body()
    closed = session.closed(BODY)
    check_close(opened, closed)
    with pytest.raises(InternalError, match="is gone"):
        session.closed(BODY)


@pytest.mark.parametrize(
    "change", [{"counts": {"intents": 4}}, {"reason": "x"}, {"name": "spiffe://x"}, {"signature": "AAAA"}, {"more": 1}]
)
def test_a_changed_close_is_seen(change: dict[str, object]) -> None:
    session = SessionIdentity(LOG, AGENT)
    opened = session.body()
    with pytest.raises(LedgerTampered):
        check_close(opened, {**session.closed(BODY), **change})


def test_another_sessions_key_closes_nothing() -> None:
    mine, other = SessionIdentity(LOG, AGENT), SessionIdentity(LOG, AGENT)
    with pytest.raises(LedgerTampered):
        check_close(mine.body(), other.closed(BODY))
