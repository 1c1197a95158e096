"""Who hears of what, and when: times are given, nothing waits."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.model.errors import ConfigError
from interlock.notify.notice import Ask, Incident
from interlock.notify.plan import GATHER, Plan
from interlock.notify.settings import File, Target, is_quiet, quiet_ends, targets

NOON = 1_780_000_000.0 // 86_400 * 86_400 + 12 * 3_600  # of some day, UTC


def target(**said: object) -> Target:
    file = msgspec.convert(
        {"zone": "UTC", **said, "to": [{"kind": "webhook", "url": "https://hooks.example/x", **said.pop("to", {})}]},  # type: ignore[dict-item]
        File,
    )
    return targets(file, Path("/nowhere"), "interlock.toml")[0]


def ask(number: int, now: float = NOON, **more: object) -> Ask:
    known = {
        "id": number, "tier": 2, "agent": "claude", "session": "s1", "workspace": "/home/ada/shop",
        "effects": ("fetch host a.example",), "asked": now, "decide_by": now + 3_600,
    }  # fmt: skip
    return Ask(**(known | more))  # type: ignore[arg-type]


def test_one_question_is_one_message_and_is_not_repeated() -> None:
    plan = Plan(target())
    plan.ask(ask(1), NOON)
    assert plan.due(NOON) == []
    (message,) = plan.due(NOON + GATHER)
    assert message.requests == (1,)
    assert "claude s1 in shop" in message.lines
    assert plan.due(NOON + 3_000) == []


def test_a_burst_is_one_message() -> None:
    plan = Plan(target())
    for number in range(9):
        plan.ask(ask(number, tier=number % 5), NOON)
    (message,) = plan.due(NOON + GATHER)
    assert message.title == "Interlock asks: 9 questions, up to tier 4"
    assert message.lines[-1] == "and 4 more"
    assert message.urgent


def test_what_was_answered_within_the_second_is_not_sent() -> None:
    plan = Plan(target())
    plan.ask(ask(1), NOON)
    plan.settle(1)
    assert plan.due(NOON + 60) == []


def test_questions_below_the_targets_tier_are_nothing_to_it() -> None:
    plan = Plan(target(to={"tier": 3}))
    plan.ask(ask(1, tier=2), NOON)
    plan.ask(ask(2, tier=3), NOON)
    assert [m.requests for m in plan.due(NOON + GATHER)] == [(2,)]


def test_like_questions_of_a_session_are_told_once_a_while_and_none_is_forgotten() -> None:
    plan = Plan(target(same_minutes=10))
    for second in range(0, 300, 10):
        plan.ask(ask(second, NOON + second, alike="shape"), NOON + second)
    sent = [(now, m) for now in range(1_300) for m in plan.due(NOON + now)]
    assert [now for now, _ in sent] == [1, 601]
    assert len(sent[1][1].requests) == 29


def test_quiet_hours_hold_back_what_is_not_urgent_until_they_end() -> None:
    plan = Plan(target(quiet=["11:00-13:30"]))
    plan.ask(ask(1, tier=2), NOON)
    plan.ask(ask(2, tier=3), NOON)
    plan.ask(ask(4, tier=1), NOON)
    assert [m.requests for m in plan.due(NOON + GATHER)] == [(2,)]
    plan.happened(Incident(7, "prompt-bombing", "it asked so much"))
    assert [m.incident for m in plan.due(NOON + 2)] == ["prompt-bombing"]
    plan.settle(4)
    assert plan.due(NOON + 5_399) == []
    assert [m.requests for m in plan.due(NOON + 5_400)] == [(1,)]


@pytest.mark.parametrize(("span", "hour", "quiet"), [
    ("22:00-07:00", 23, True), ("22:00-07:00", 6, True), ("22:00-07:00", 7, False), ("22:00-07:00", 21, False),
    ("07:00-22:00", 12, True), ("07:00-22:00", 22, False),
])  # fmt: skip
def test_a_stretch_of_a_day_may_go_over_midnight(span: str, hour: int, quiet: bool) -> None:
    assert is_quiet(target(quiet=[span]), NOON + (hour - 12) * 3_600) is quiet


def test_the_night_in_which_clocks_are_set_ends_by_the_clock_on_the_wall() -> None:
    """2026-10-25, Berlin: 02:59 is followed by 02:00; quiet hours until 07:00 end at 06:00 UTC, not at 05:00."""
    berlin = target(quiet=["22:00-07:00"], zone="Europe/Berlin")
    midnight = 1_792_879_200.0  # 2026-10-25T00:00+02:00
    assert quiet_ends(berlin, midnight) == midnight + 8 * 3_600


def test_beyond_the_limit_one_message_says_so_and_the_rest_waits_for_the_hour() -> None:
    """Story: an agent asks without end; the phone of the person who is asked stays usable."""
    plan = Plan(target(an_hour=3))
    sent = []
    for minute in range(50):
        plan.ask(ask(minute, NOON + minute * 60), NOON + minute * 60)
        sent += plan.due(NOON + minute * 60 + GATHER)
    assert [len(m.requests) for m in sent] == [1, 1, 1, 0]
    assert sent[3].title == "Interlock: more questions than messages"
    after = [m for second in range(0, 3_700, 10) for m in plan.due(NOON + second + 60)]
    assert [len(m.requests) for m in after] == [47], "what still waits comes when there is room again"


def test_incidents_beyond_the_limit_are_no_flood_either() -> None:
    plan = Plan(target(an_hour=2))
    for number in range(50):
        plan.happened(Incident(number, f"alarm-{number}", "…"))
    assert len(plan.due(NOON)) == 3


def test_the_same_incident_of_a_session_is_said_once_a_while() -> None:
    plan = Plan(target())
    for second in range(0, 500, 10):
        plan.happened(Incident(second, "unseen-call", "…", "claude", "s1"))
        plan.due(NOON + second)
    plan.happened(Incident(900, "unseen-call", "…", "claude", "s2"))
    assert len(plan.due(NOON + 501)) == 1


def test_a_target_with_groups_hears_when_its_group_is_asked_and_the_others_hear_that_it_goes_on() -> None:
    everybody, oncall, leads = (
        Plan(target()),
        Plan(target(to={"groups": ["oncall"]})),
        Plan(target(to={"groups": ["leads"]})),
    )
    question = ask(1, groups=("oncall", "leads"))
    for plan in (everybody, oncall, leads):
        plan.ask(question, NOON)
    assert [len(plan.due(NOON + GATHER)) for plan in (everybody, oncall, leads)] == [1, 1, 0]
    for plan in (everybody, oncall, leads):
        plan.escalate(1, 1, "leads", NOON + 1_800)
    told = [plan.due(NOON + 1_800) for plan in (everybody, oncall, leads)]
    assert [len(messages) for messages in told] == [1, 1, 1]
    assert "unanswered so far; leads is asked too" in told[2][0].lines


def test_a_target_may_wait_and_hears_nothing_of_what_was_answered_meanwhile() -> None:
    plan = Plan(target(to={"after_minutes": 5}))
    plan.ask(ask(1), NOON)
    plan.ask(ask(2), NOON)
    assert plan.due(NOON + 299) == []
    plan.settle(1)
    assert [m.requests for m in plan.due(NOON + 300)] == [(2,)]


@given(st.lists(st.tuples(st.sampled_from(["ask", "settle", "escalate", "incident", "due"]), st.integers(0, 12),
                          st.integers(0, 4), st.integers(0, 700)), max_size=120))  # fmt: skip
def test_whatever_happens_no_hour_has_more_messages_than_its_limit(steps: list[tuple[str, int, int, int]]) -> None:
    plan = Plan(target(an_hour=4, quiet=["12:10-12:20"]))
    now, times, ids = NOON, [], []
    for what, number, tier, later in steps:
        now += later
        if what == "ask":
            plan.ask(ask(number, now, tier=tier, alike=str(tier)), now)
        elif what == "settle":
            plan.settle(number)
        elif what == "escalate":
            plan.escalate(number, 1, "leads", now)
        elif what == "incident":
            plan.happened(Incident(number, f"alarm-{tier}", "…", "claude", str(number)))
        else:
            for message in plan.due(now):
                times.append((now, message.title))
                ids.append(message.id)
    counted = [at for at, title in times if "more questions than" not in title]
    assert all(len([other for other in counted if at - 3_600 < other <= at]) <= 4 for at in counted)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("said", "why"), [
    ({"quiet": ["22-7"]}, "no stretch of a day"),
    ({"quiet": ["07:00-07:00"]}, "begins when it ends"),
    ({"zone": "Mars/Olympus"}, "no zone"),
    ({"to": [{"kind": "webhook"}]}, "say its address"),
    ({"to": [{"kind": "slack", "url": "https://a.example", "url_file": "f"}]}, "say its address"),
    ({"to": [{"kind": "ntfy", "url": "http://ntfy.example/t"}]}, "plain_http"),
    ({"to": [{"kind": "ntfy", "url": "https://u:p@ntfy.example/t"}]}, "secret_file"),
    ({"to": [{"kind": "webhook", "url": "https://a.example/\r\nX: y"}]}, "its address is none"),
    ({"to": [{"kind": "webhook", "url": "file:///etc/passwd"}]}, "its address is none"),
    ({"to": [{"kind": "webhook", "url": "https://a.example:99999/"}]}, "its address is none"),
    ({"to": [{"kind": "desktop", "url": "https://a.example"}]}, "has no address"),
    ({"to": [{"kind": "desktop"}, {"kind": "desktop"}]}, "two notify.to"),
    ({"to": [{"kind": "slack", "url_file": "f", "secret_file": "g"}]}, "url_file"),
    ({"link": "ftp://panel.example"}, "its address is none"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_a_sentence(said: dict[str, object], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        targets(msgspec.convert(said, File), Path("/nowhere"), "interlock.toml")


def test_an_address_that_is_refused_is_not_quoted() -> None:
    """A Slack address is a secret: an error message ends in logs and entries."""
    with pytest.raises(ConfigError) as refused:
        targets(
            msgspec.convert({"to": [{"kind": "slack", "url": "http://hooks.example/T0/secret"}]}, File), Path(), "x"
        )
    assert "secret" not in str(refused.value)
