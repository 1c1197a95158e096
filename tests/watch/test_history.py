"""The index behind the screens, against plain counting over the same entries."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interlock.broker.clock import stamp
from interlock.watch.history import FINE, History, overview

NOW = 1_780_000_000.0


def taken(entries: list[tuple[str, float, dict[str, Any]]]) -> History:
    history = History()
    for index, (kind, time, body) in enumerate(entries):
        history.take(index, kind, json.dumps({"schema": "x", "time": stamp(time), "body": body}).encode())
    return history


def who(session: str, **more: str) -> dict[str, str]:
    return {"agent": "claude", "session": session, **more}


def deed(session: str, verdict: str = "allow", tier: int = 0, **more: str) -> dict[str, Any]:
    return {"principal": who(session, **more), "tool": "Bash", "text": "ls", "verdict": verdict, "tier": tier}


def test_a_session_is_known_by_its_own_entries_and_by_those_that_follow_them() -> None:
    history = taken([
        ("session.open", NOW, {"principal": who("a"), "workspace": "/w"}),
        ("intent", NOW + 1, deed("a", model="m")),
        ("intent", NOW + 2, deed("b")),
        ("outcome", NOW + 3, {"intent": 1, "result": {"ok": False}}),
        ("approval.request", NOW + 4, deed("a", "ask", 3)),
        ("approval.decision", NOW + 9, {"request": 4, "change": {"state": "denied", "decided_by": "ada"}}),
        ("changes", NOW + 9, {"intent": 2, "committed": {}}),
        ("policy.loaded", NOW + 9, {"policy": "x"}),
    ])  # fmt: skip
    a, b = history.sessions["claude", "a"], history.sessions["claude", "b"]
    assert list(a.entries) == [0, 1, 3, 4, 5]
    assert list(b.entries) == [2, 6]
    assert (a.workspace, a.model, a.actions, a.asks, a.failed) == ("/w", "m", 1, 1, 1)
    (decided,) = history.decisions
    assert (decided.person, decided.yes, decided.seconds, decided.model) == ("ada", False, 5.0, "m")


def test_what_a_sub_agent_does_is_its_own() -> None:
    history = taken(
        [("intent", NOW, deed("a")), ("denial", NOW + 1, deed("a", "deny", 4, subagent="s", subagent_type="r"))]
    )
    line = history.sessions["claude", "a"]
    assert line.doing is not None
    assert (line.doing.entry, line.children["s"].entry, line.children["s"].kind) == (0, 1, "r")
    assert (line.actions, line.stopped) == (2, 1)


def test_an_entry_that_cannot_be_understood_keeps_its_number() -> None:
    """Story: an entry of a later version must not shift what stands behind it to another session."""
    history = History()
    history.take(0, "intent", b'{"time": 7, "body": []}')
    history.take(1, "intent", b"{")
    history.take(2, "intent", json.dumps({"time": stamp(NOW), "body": deed("a")}).encode())
    history.take(3, "outcome", json.dumps({"time": stamp(NOW), "body": {"intent": 2, "result": {}}}).encode())
    history.take(4, "outcome", json.dumps({"time": stamp(NOW), "body": {"intent": 99, "result": {}}}).encode())
    assert list(history.sessions["claude", "a"].entries) == [2, 3]
    assert (history.size, list(history.kinds["outcome"])) == (5, [3, 4])


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["intent", "denial", "approval.request"]),
        st.integers(0, 40 * 86_400),
        st.sampled_from(["allow", "ask", "deny"]),
        st.integers(0, 4),
        st.sampled_from(["", "m1", "m2"]),
    ),
    max_size=60,
)


@given(ENTRIES, st.sampled_from([3_600, 86_400, 7 * 86_400, 0]))
def test_totals_are_those_of_plain_counting(made: list[tuple[str, int, str, int, str]], length: int) -> None:
    made.sort(key=lambda one: one[1])
    begin = NOW - 40 * 86_400
    history = taken(
        [(kind, begin + at, deed("a", verdict, tier, model=model)) for kind, at, verdict, tier, model in made]
    )
    since = NOW - length if length else 0.0
    report = overview(history, since=since, now=NOW)
    # What lies in the slot in which the time begins counts as a whole.
    slot = history.counts(since)[0]
    inside = [one for one in made if int(begin + one[1]) // slot >= int(since) // slot]
    actions = [one for one in inside if one[0] != "approval.request"]
    assert report["total"]["actions"] == len(actions)
    assert report["total"]["prompts"] == len(inside) - len(actions)
    assert report["total"]["stopped"] == sum(one[2] == "deny" for one in actions)
    for by in ("tier", "agent", "model", "person"):
        assert sum(row["actions"] for row in report[f"by_{by}"]) == len(actions)
    assert sum(point["actions"] for point in report["series"]) == len(actions)
    assert len(report["series"]) <= 48


def test_a_day_is_counted_by_minutes_and_a_month_by_hours_whatever_was_dropped() -> None:
    begin = NOW - 30 * 86_400
    many = [("intent", begin + place * 60, deed("a", tier=place % 5)) for place in range(30 * 1_440)]
    history = taken(many)
    assert history.counts(NOW - 86_400)[0] == FINE
    assert overview(history, since=NOW - 86_400, now=NOW)["total"]["actions"] in range(1_435, 1_446)
    assert overview(history, since=0.0, now=NOW)["total"]["actions"] == len(many)


def test_fine_counts_of_days_ago_are_let_go() -> None:
    """Story: a week's counts of five minutes each stood in memory until there were 20,000, for nobody to see."""
    history = taken([("intent", NOW + hour * 3_600, deed("a")) for hour in range(24 * 7)])
    assert len(history._fine) <= 28
    assert overview(history, since=0.0, now=NOW + 8 * 86_400)["total"]["actions"] == 24 * 7
    assert overview(history, since=NOW + 6 * 86_400, now=NOW + 7 * 86_400)["total"]["actions"] == 24
