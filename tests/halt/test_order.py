"""Orders as data: at which moments they hold, what stands in a file, and what an entry keeps of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from interlock.halt.order import Order, What, names_production, order_of, selector
from interlock.model.errors import SelectorError

NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def freeze(start: datetime | None = None, end: datetime | None = None) -> Order:
    begin, until = (None if moment is None else moment.timestamp() for moment in (start, end))
    return Order(-1, What.FREEZE, selector('environment = "production"'), "holidays", None, begin, until)


def at(order: Order, *moments: datetime) -> list[bool]:
    return [order.active(moment.timestamp()) for moment in moments]


def test_a_freeze_holds_from_its_start_until_before_its_end() -> None:
    tick = timedelta(milliseconds=1)
    during = freeze(NOON, NOON + HOUR)
    assert at(during, NOON - tick, NOON, NOON + HOUR - tick, NOON + HOUR) == [False, True, True, False]


def test_without_an_end_it_lasts_and_without_a_start_it_always_was() -> None:
    assert at(freeze(NOON), NOON - HOUR, NOON + 10_000 * HOUR) == [False, True]
    assert at(freeze(None, NOON), NOON - 10_000 * HOUR, NOON) == [True, False]
    assert at(freeze(), NOON) == [True]


def test_another_zone_is_the_same_moment() -> None:
    assert at(freeze(datetime(2026, 12, 24, 13, tzinfo=timezone(HOUR))), NOON - HOUR, NOON) == [False, True]


def test_an_entry_gives_the_order_back() -> None:
    order = Order(
        7, What.KILL, selector('agent = "x" or not model like "gpt*"'), "why \N{SNOWMAN}",
        selector('tool = "Read"'), 10.0, 20.0, lifters=2, by="ana", epoch=3, source="a.ics",
    )  # fmt: skip
    assert order_of(7, order.body()) == order


@pytest.mark.parametrize("text", ['environment = "prod"', 'verb in ["read", "rm"]', 'kind like "dat-*"'])
def test_a_word_that_can_never_match_is_refused_with_the_list(text: str) -> None:
    with pytest.raises(SelectorError, match="It is one of: "):
        selector(text)


def test_a_pattern_over_closed_words_may_match_some_of_them() -> None:
    assert str(selector('kind like "data*"')) == 'kind like "data*"'


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ('environment = "production"', True),
        ('environment != "workspace"', True),
        ('environment = "production" and agent = "x"', True),
        ('environment = "staging"', False),
        ('agent = "x"', False),
        ("everything", False),
        ('not (environment = "production" or agent = "x")', False),
    ],
)
def test_an_order_that_names_production_is_known(where: str, names: bool) -> None:
    assert names_production(selector(where)) is names


def test_the_code_of_an_order_depends_on_what_it_says() -> None:
    order = freeze()
    other = Order(-1, What.FREEZE, selector('environment = "staging"'), "holidays")
    assert order.code != other.code
    assert len(order.code) == 8
