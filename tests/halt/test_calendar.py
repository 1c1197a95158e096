"""Calendars: at which moments their events freeze, and what is refused rather than misread."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from interlock.daemon.config import load
from interlock.halt.calendar import windows
from interlock.halt.order import Order, What, selector
from interlock.halt.standing import AHEAD, entries, spans
from interlock.model.errors import ConfigError


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""])


def frozen(text: str, *moments: str) -> list[bool]:
    found = windows(text, "c.ics")
    at = [datetime.fromisoformat(moment).astimezone(UTC).timestamp() for moment in moments]
    return [any(window.covers(moment) for window in found) for moment in at]


def test_an_event_holds_from_its_start_until_before_its_end() -> None:
    text = event("DTSTART:20261224T120000Z", "DTEND:20261224T130000Z", "SUMMARY:x")
    moments = ("2026-12-24T11:59:59Z", "2026-12-24T12:00:00Z", "2026-12-24T12:59:59Z", "2026-12-24T13:00:00Z")
    assert frozen(text, *moments) == [False, True, True, False]


def test_a_whole_day_and_a_duration() -> None:
    assert frozen(event("DTSTART;VALUE=DATE:20261224"), "2026-12-24T23:59:59Z", "2026-12-25T00:00:00Z") == [True, False]
    week = event("DTSTART:20261224T000000Z", "DURATION:P1W")
    assert frozen(week, "2026-12-30T23:00:00Z", "2026-12-31T00:00:00Z") == [True, False]


def test_every_second_week_on_some_days_in_a_zone_over_the_change_of_the_clock() -> None:
    text = event(
        "DTSTART;TZID=Europe/Berlin:20261016T170000", "DTEND;TZID=Europe/Berlin:20261016T200000",
        "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR,SA",
    )  # fmt: skip
    assert frozen(
        text, "2026-10-16T17:30:00+02:00", "2026-10-17T17:30:00+02:00", "2026-10-23T17:30:00+02:00",
        "2026-10-30T17:00:00+01:00", "2026-10-30T16:59:00+01:00", "2026-10-30T20:00:00+01:00",
    ) == [True, True, False, True, False, False]  # fmt: skip


def test_days_until_a_moment_a_number_and_but_for_some() -> None:
    daily = ("DTSTART:20260101T220000Z", "DURATION:PT4H")
    until = event(*daily, "RRULE:FREQ=DAILY;UNTIL=20260103T220000Z")
    assert frozen(until, "2026-01-04T01:00:00Z", "2026-01-04T23:00:00Z") == [True, False]
    three = event(*daily, "RRULE:FREQ=DAILY;INTERVAL=3;COUNT=2")
    assert frozen(three, "2026-01-05T01:00:00Z", "2026-01-04T23:00:00Z", "2026-01-07T23:00:00Z") == [True, True, False]
    spared = event(*daily, "RRULE:FREQ=DAILY", "EXDATE:20260102T220000Z,20260103T220000Z")
    nights = ("2026-01-01T23:00:00Z", "2026-01-02T23:00:00Z", "2026-01-03T23:00:00Z", "2026-01-04T23:00:00Z")
    assert frozen(spared, *nights) == [True, False, False, True]


def test_folded_lines_and_alarms_within() -> None:
    text = event(
        "DTSTART:20260101T0000\r\n 00Z", "DURATION:PT1H", "BEGIN:VALARM", "TRIGGER:-PT5M", "DURATION:P9D", "END:VALARM"
    )
    assert frozen(text, "2026-01-01T00:30:00Z", "2026-01-01T01:30:00Z") == [True, False]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no whole event"),
        ("BEGIN:VEVENT\nDTSTART:20260101T000000Z\n", "no whole event"),
        ("hello", "no line of an iCalendar file"),
        (event("SUMMARY:x"), "no DTSTART"),
        (event("DTSTART:20260101T000000", "DURATION:PT1H"), "no zone"),
        (event("DTSTART;TZID=Mars/Base:20260101T000000", "DURATION:PT1H"), "no moment"),
        (event("DTSTART:20261301T000000Z", "DURATION:PT1H"), "no moment"),
        (event("DTSTART:20260102T000000Z", "DTEND:20260101T000000Z"), "ends before"),
        (event("DTSTART:20260102T000000Z"), "ends before"),
        (event("DTSTART:20260102T000000Z", "DURATION:1 hour"), "no DURATION"),
        (event("DTSTART:20260102T000000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY"), "is not read here"),
        (event("DTSTART:20260102T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;BYMONTH=1"), "is not read here"),
        (event("DTSTART:20260102T000000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=1MO"), "is not read here"),
        (event("DTSTART:20260102T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;INTERVAL=0"), "is not read here"),
        (event("DTSTART:20260102T000000Z", "DURATION:PT1H", "RDATE:20260103T000000Z"), "RDATE is not read"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        windows(text, "c.ics")


def test_a_freeze_of_the_configuration_follows_its_calendar(tmp_path: Path) -> None:
    (tmp_path / "nights.ics").write_text(event("DTSTART:20260101T220000Z", "DURATION:PT8H", "RRULE:FREQ=DAILY"))
    freeze = '[[freeze]]\nreason = "nights"\nwhere = \'environment = "production"\'\ncalendar = '
    (tmp_path / "interlock.toml").write_text(f'{freeze}"nights.ics"\n')
    (order,) = load(user=tmp_path, organisation=None).freezes
    at = [datetime(2026, 6, 1, hour, tzinfo=UTC).timestamp() for hour in (5, 12, 23)]
    assert [order.active(moment) for moment in at] == [True, False, True]
    for name in ("absent.ics", "../nights.ics", "nights.txt", ".ics"):
        (tmp_path / "interlock.toml").write_text(f'{freeze}"{name}"\n')
        with pytest.raises(ConfigError):
            load(user=tmp_path, organisation=None)


DAILY, WEEKLY = "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR,SU"


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART:20260301T220000Z", "DURATION:PT8H", DAILY),
        ("DTSTART;TZID=Europe/Berlin:20260301T230000", "DURATION:P1DT3H", WEEKLY),  # over the change of the clock
        ("DTSTART:20260325T120000Z", "DTEND:20260410T000000Z"),
        ("DTSTART:20200101T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20260401T000000Z"),
        ("DTSTART:20260301T000000Z", "DURATION:PT1H", DAILY, "EXDATE:20260328T000000Z"),
        ("DTSTART:20260301T000000Z", "DURATION:P2D", "RRULE:FREQ=DAILY;INTERVAL=2"),  # without a gap
    ],
)
def test_the_spans_of_an_entry_are_when_its_calendar_freezes(lines: tuple[str, ...]) -> None:
    found = windows(event(*lines), "c.ics")
    now = datetime(2026, 3, 26, 12, 30, tzinfo=UTC).timestamp()
    said = spans(found, now, now + AHEAD)
    assert said
    assert said == sorted(said)
    edges = [moment + offset for span in said for moment in span for offset in (-1, 0, 1)]
    for moment in (*(now + step * 1_700 for step in range(int(AHEAD // 1_700))), *edges):
        if now <= moment < now + AHEAD:
            inside = any(start <= moment < end for start, end in said)
            assert inside == any(window.covers(moment) for window in found), datetime.fromtimestamp(moment, UTC)


def test_a_calendar_that_is_too_full_for_an_entry_is_said_more_often() -> None:
    hours = "".join(event(f"DTSTART:20260301T{hour:02}0000Z", "DURATION:PT10M", DAILY) for hour in range(24))
    order = Order(-1, What.FREEZE, selector("everything"), "r", windows=windows(hours, "c.ics"), calendar="c.ics")
    now = datetime(2026, 3, 26, 12, 30, tzinfo=UTC).timestamp()
    (body,), due = entries("/w", (order,), now)
    assert len(body["spans"]) == 64
    assert body["spans"][-1][1] < body["until"] < now + 3 * 86_400
    assert now < due < body["until"]
    crowded = "".join(event(f"DTSTART:20260326T1230{second:02}Z", "DURATION:PT1S", DAILY) for second in range(0, 60, 2))
    again = msgspec.structs.replace(order, windows=windows(crowded, "c.ics"))
    assert entries("/w", (again,), now)[1] > now  # never at once: that would be at every call


def test_a_counted_event_is_counted_once_and_not_for_every_action() -> None:
    """Story: a calendar of two hundred events with COUNT took seven seconds of every decision."""
    long_ago = event("DTSTART:19800101T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=17000")
    (window,) = windows(long_ago, "a.ics")
    began = time.process_time()
    assert not any(window.covers(1_800_000_000.0 + n) for n in range(200))
    assert time.process_time() - began < 1
    never = event("DTSTART:20260101T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3;UNTIL=20250101T000000Z")
    assert frozen(never, "2026-01-01T00:30:00Z") == [False]
    late = event("DTSTART:99991201T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=90")
    assert frozen(late, "2026-01-01T00:30:00Z") == [False]
