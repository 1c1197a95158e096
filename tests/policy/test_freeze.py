"""Freezes: which environments, at what moment, and what is refused as a freeze."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta

import pytest

from interlock.model.errors import ConfigError
from interlock.policy.freeze import Freeze, active, read

NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_freeze_holds_from_its_start_until_before_its_end() -> None:
    freeze = Freeze("production", "holidays", NOON, NOON + HOUR)
    moments = [NOON - timedelta(microseconds=1), NOON, NOON + HOUR - timedelta(microseconds=1), NOON + HOUR]
    assert [active([freeze], moment)[0] for moment in moments] == [(), ("production",), ("production",), ()]


def test_without_an_end_it_lasts() -> None:
    assert active([Freeze("all", "incident", NOON)], NOON + 10_000 * HOUR) == (("all",), "incident")


def test_several_freezes_join() -> None:
    freezes = [Freeze("staging", "b", NOON), Freeze("production", "a", NOON), Freeze("production", "b", NOON)]
    assert active(freezes, NOON) == (("production", "staging"), "b; a")


def test_nothing_frozen() -> None:
    assert active([], NOON) == ((), "")


def test_another_zone_is_the_same_moment() -> None:
    text = '[[freeze]]\nenvironment = "production"\nreason = "r"\nstart = 2026-12-24T13:00:00+01:00'
    (freeze,) = read(tomllib.loads(text)["freeze"])
    assert active([freeze], NOON)[0] == ("production",)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"environment": "prod", "reason": "r", "start": NOON}, "environment is one of"),
        ({"environment": "production", "reason": " ", "start": NOON}, "reason"),
        ({"environment": "production", "reason": "r"}, "start is a time"),
        ({"environment": "production", "reason": "r", "start": datetime(2026, 1, 1)}, "zone"),  # noqa: DTZ001
        ({"environment": "production", "reason": "r", "start": NOON, "end": NOON}, "ends before"),
        ({"environment": "production", "reason": "r", "start": NOON, "until": NOON}, "unknown until"),
        ({"environment": ["production"], "reason": "r", "start": NOON}, "environment is one of"),
    ],
)
def test_a_freeze_that_cannot_be_read_is_an_error_and_not_no_freeze(table: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        read([table])


def test_too_many() -> None:
    with pytest.raises(ConfigError, match="at most"):
        read([{}] * 1_001)
