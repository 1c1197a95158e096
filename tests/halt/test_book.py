"""The book of orders, rebuilt from entries: what cannot be read is taken for the worst."""

from __future__ import annotations

import pytest

from interlock.halt.book import LIFT, ORDER, Book
from interlock.halt.order import Order, What, of_session, selector
from interlock.model.provenance import Facts


def test_an_order_that_cannot_be_read_freezes_everything_until_it_is_lifted() -> None:
    """Story: a newer version gave an order, the older one that was started again did not understand it, and let go."""
    book = Book()
    order = {"what": "embargo", "where": "everything", "epoch": 4}
    assert book.restore([(9, ORDER, order)]) == [9]
    (stands,) = book.freezes(0.0)
    assert stands.what is What.FREEZE
    assert book.epoch > 0
    assert book.restore([(10, LIFT, {"order": 9, "epoch": 5})]) == []
    assert book.freezes(0.0) == ()


def of(agent: str, session: str) -> Facts:
    named = {"session": frozenset({session})} if session else {}
    return Facts({"agent": frozenset({agent}), **named})


@pytest.mark.parametrize("session", ["s1", 'a "quoted" \\ one', ""])
def test_a_pause_of_one_session_is_about_it_alone(session: str) -> None:
    """Also where an agent names no session, and where another agent's has the same name."""
    where = of_session("claude", session)
    assert selector(str(where)) == where
    book = Book()
    book.restore([(3, ORDER, Order(3, What.PAUSE, where, "r", epoch=1).body())])
    assert book.orders[3].session == session
    assert book.ending(of("claude", session), 0.0) is book.orders[3]
    assert book.ending(of("codex", session), 0.0) is None
    assert book.ending(of("claude", "other"), 0.0) is None
    assert book.ending(Facts({"agent": frozenset({"claude"}), "session": None}), 0.0) is book.orders[3]  # not known


def test_of_thousands_of_pauses_only_those_that_are_near_are_looked_at() -> None:
    """Sessions that were paused and never resumed stay so: that costs no other session anything."""
    looked = []

    class Counted(Order, frozen=True):
        def active(self, now: float) -> bool:
            looked.append(self.id)
            return super().active(now)

    book = Book()
    for number in range(2_000):
        order = Counted(-1, What.PAUSE, of_session("claude", f"s{number}"), "r", epoch=1)
        book.given(book.giving(order), number)
    book.given(book.giving(Counted(-1, What.KILL, selector('model = "x"'), "r", epoch=1)), 2_000)
    assert book.ending(of("claude", "s7"), 0.0) is book.orders[7]
    assert sorted(looked) == [7, 2_000]
    book.lifted(7)
    assert book.ending(of("claude", "s7"), 0.0) is None
    assert len(book.all()) == 2_000
