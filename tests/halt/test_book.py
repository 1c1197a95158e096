"""The book of orders, rebuilt from entries: what cannot be read is taken for the worst."""

from __future__ import annotations

from interlock.halt.book import LIFT, ORDER, Book
from interlock.halt.order import What


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
