"""Freezes: which environments, at what moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from interlock.policy.freeze import Freeze, active

NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(freeze: Freeze, *moments: datetime) -> list[bool]:
    return [freeze.covers(moment.timestamp()) for moment in moments]


def test_a_freeze_holds_from_its_start_until_before_its_end() -> None:
    tick = timedelta(milliseconds=1)
    freeze = Freeze("production", "holidays", NOON, NOON + HOUR)
    assert at(freeze, NOON - tick, NOON, NOON + HOUR - tick, NOON + HOUR) == [False, True, True, False]


def test_without_an_end_it_lasts_and_without_a_start_it_always_was() -> None:
    assert at(Freeze("all", "incident", NOON), NOON - HOUR, NOON + 10_000 * HOUR) == [False, True]
    assert at(Freeze("all", "incident", None, NOON), NOON - 10_000 * HOUR, NOON) == [True, False]
    assert at(Freeze("all", "incident"), NOON) == [True]


def test_several_freezes_join() -> None:
    freezes = [
        Freeze("staging", "b", NOON), Freeze("production", "a", NOON), Freeze("production", "b", NOON),
        Freeze("development", "over", None, NOON),
    ]  # fmt: skip
    assert active(freezes, NOON.timestamp()) == (("production", "staging"), "b; a")


def test_nothing_frozen() -> None:
    assert active([], NOON.timestamp()) == ((), "")


def test_another_zone_is_the_same_moment() -> None:
    start = datetime(2026, 12, 24, 13, tzinfo=timezone(HOUR))
    assert at(Freeze("production", "r", start), NOON - HOUR, NOON) == [False, True]
