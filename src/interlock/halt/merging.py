"""Which freezes are about a change that waits to be merged, before anybody knows what it will touch. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interlock.halt.order import Order, What
from interlock.model.provenance import Values, covers
from interlock.model.selector import Match

_REASON = 120  # characters


def merging(orders: Iterable[Order], of: Mapping[str, Values], now: float) -> tuple[str, ...]:
    """The freezes in force at `now` (seconds since 1970) that may be about it, each as its reason.

    `of` holds what is known of where it lies (repository, organisation, workspace). Every other field, such as the
    environment that it is deployed to one day, is not known, and what is not known counts as meant.
    """
    about = [
        order
        for order in orders
        if order.what is What.FREEZE and order.active(now) and covers(order.where, order.allow, of.get) is not Match.NO
    ]
    return tuple(dict.fromkeys(order.reason[:_REASON] or str(order.where)[:_REASON] for order in about))
