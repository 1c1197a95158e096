"""All orders of one installation: a projection of the ledger, and the epoch that each order and each lifting raises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from interlock.halt.order import Order, What, order_of
from interlock.model.errors import InterlockError, NotFound
from interlock.model.provenance import Facts
from interlock.model.selector import Everything, Match, Selector

ORDER, LIFT, VOTE, BEGIN, CERTIFICATE = "halt.order", "halt.lift", "halt.vote", "halt.begin", "halt.certificate"
KINDS = (ORDER, LIFT, VOTE, BEGIN, CERTIFICATE)


class Book:
    """The orders that are not lifted, by id. INVARIANT: the epoch never falls."""

    def __init__(self) -> None:
        self.epoch = 0
        self.orders: dict[int, Order] = {}
        self.begun: set[int] = set()  # those whose time began, and that were carried out
        self.certified: set[int] = set()
        self._of_session: dict[str, set[int]] = {}  # orders that name one session, by it: there may be thousands
        self._of_many: set[int] = set()  # all others
        self._giving: dict[int, Order] = {}  # in force already, and not an entry yet: by a number of their own

    def restore(self, entries: Iterable[tuple[int, str, Mapping[str, Any]]]) -> list[int]:
        """Rebuild from ledger entries of `KINDS`, oldest first. Returns those that cannot be understood.

        An order that cannot be read stands as a freeze of everything, until a person lifts it: it may mean anything.
        A lifting that cannot be read lifts nothing.
        """
        strange: list[int] = []
        for index, kind, body in entries:
            try:
                self._restore(index, kind, body)
            except (InterlockError, KeyError, ValueError, TypeError):
                strange.append(index)
                self.epoch += 1  # whatever epoch it had: what was released before it is older
                if kind == ORDER:
                    reason = f"entry {index} gives an order that this version cannot read"
                    self._put(Order(index, What.FREEZE, Selector(Everything()), reason, epoch=self.epoch))
        return strange

    def _restore(self, index: int, kind: str, body: Mapping[str, Any]) -> None:
        if kind == ORDER:
            self._put(order_of(index, body))
        elif kind == LIFT:
            self.lifted(int(body["order"]))
        elif kind == VOTE and int(body["order"]) in self.orders:
            self.vote(int(body["order"]), str(body["by"]))
        elif kind == CERTIFICATE:
            self.certified.add(int(body["order"]))
        elif kind == BEGIN:
            self.begun.add(int(body["order"]))
        self.epoch = max(self.epoch, int(body.get("epoch", 0)))

    @property
    def hasty(self) -> bool:
        """Whether an order is in force that is not an entry yet."""
        return bool(self._giving)

    def raised(self) -> int:
        """The next epoch, from now on."""
        self.epoch += 1
        return self.epoch

    def giving(self, order: Order) -> int:
        """In force from this moment; returns the number by which it is `given` or taken back."""
        number = -2 - len(self._giving)
        while number in self._giving:
            number -= 1
        self._giving[number] = order
        return number

    def given(self, number: int, index: int | None) -> Order | None:
        """It is entry `index` now; None: the ledger refused it, and it never was."""
        order = self._giving.pop(number)
        if index is None:
            return None
        return self._put(msgspec.structs.replace(order, id=index))

    def lifted(self, index: int) -> None:
        """An entry says so."""
        order = self.orders.pop(index, None)
        if order is None:
            return
        self._of_many.discard(index)
        if (named := self._of_session.get(order.session)) is not None:
            named.discard(index)
            if not named:
                del self._of_session[order.session]

    def _put(self, order: Order) -> Order:
        self.orders[order.id] = order
        if order.session:
            self._of_session.setdefault(order.session, set()).add(order.id)
        else:
            self._of_many.add(order.id)
        return order

    def vote(self, index: int, person: str) -> Order:
        """One more person wants it lifted; each counts once."""
        order = self.get(index)
        votes = tuple(dict.fromkeys((*order.votes, person)))
        return self._put(msgspec.structs.replace(order, votes=votes))

    def get(self, index: int) -> Order:
        """One order. Raises NotFound."""
        try:
            return self.orders[index]
        except KeyError:
            raise NotFound(f"no order {index} is in force. `interlock freezes` lists them.") from None

    def all(self) -> tuple[Order, ...]:
        """Those that are not lifted, also those to come and those whose time has passed."""
        return tuple(self.orders.values())

    def active(self, now: float, standing: Iterable[Order] = (), *, facts: Facts | None = None) -> tuple[Order, ...]:
        """Those in force at `now`, with those of `standing` (freezes that stand in files); of `facts`, those alone that
        could be about them.
        """
        orders = (*self._near(facts), *self._giving.values(), *standing)
        return tuple(order for order in orders if order.active(now))

    def uncertified(self) -> frozenset[int]:
        """The epochs of the orders that nobody has certified yet, also of those that are no entry yet."""
        given = (order for index, order in self.orders.items() if index not in self.certified)
        return frozenset(order.epoch for order in (*given, *self._giving.values()))

    def _near(self, facts: Facts | None) -> Iterable[Order]:
        sessions = facts.of.get("session", frozenset()) if facts is not None else None
        if sessions is None:
            return self.orders.values()
        near = self._of_many.union(*(self._of_session.get(session, ()) for session in sessions))
        return (self.orders[index] for index in sorted(near))

    def freezes(self, now: float, standing: Iterable[Order] = ()) -> tuple[Order, ...]:
        """The freezes among them."""
        return tuple(order for order in self.active(now, standing) if order.what is What.FREEZE)

    def ending(self, facts: Facts, now: float) -> Order | None:
        """The gravest order by which the session of these facts is paused or killed; UNSURE counts."""
        found = [
            order
            for order in self.active(now, facts=facts)
            if order.what is not What.FREEZE and facts.covered(order.where, order.allow) is not Match.NO
        ]
        return max(found, key=lambda order: order.what is What.KILL, default=None)

    def stopping(self, facts: Facts, now: float, standing: Iterable[Order] = ()) -> Order | None:
        """The order that forbids to release an action of these facts."""
        for order in self.active(now, standing, facts=facts):
            if order.what is What.FREEZE and facts.covered(order.where, order.allow, changes=True) is not Match.NO:
                return order
        return self.ending(facts, now)
