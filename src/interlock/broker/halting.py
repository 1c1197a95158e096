"""The broker's side of halts: which orders are about an action or a session, asked before it is judged and again right
before it is released.

INVARIANT: an order that is in force when an action is released stops it, whatever policy, a person's yes or the mode
say. The facts it is judged by are those that its entry holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from interlock.broker.clock import Clock
from interlock.broker.judge import Person
from interlock.broker.past import Past, place_of, skills_of
from interlock.broker.session import Session
from interlock.halt.book import Book
from interlock.halt.order import Order, What
from interlock.model.action import Action
from interlock.model.agent import AgentFacts
from interlock.model.effect import Effect
from interlock.model.provenance import Facts

_ASKED = 2_000  # questions whose facts are remembered; some hundreds may be open
RULE = "halt"  # what a denial names in place of a policy's rule


class Halting:
    """Asks the book of orders, for one broker."""

    def __init__(self, book: Book, clock: Clock, person: Person) -> None:
        self.book = book
        self.clock = clock
        self.person = person
        self._asked: OrderedDict[str, Facts] = OrderedDict()

    @property
    def epoch(self) -> int:
        """The epoch now: what is released from now on carries it."""
        return self.book.epoch

    def past(self, workspace: str, agent: AgentFacts, *, whole: bool) -> Past:
        """What is known of a session that opens."""
        return Past(place_of(workspace, self.person.name), agent, whole)

    def facts(self, session: Session, action: Action, effects: Iterable[Effect]) -> Facts:
        """The facts of an action."""
        return session.past.action(action, effects)

    def provenance(self, session: Session, action: Action, effects: Iterable[Effect]) -> dict[str, Any]:
        """The same, as its entry holds them."""
        return session.past.recorded(action, effects).body()

    def hear(self, session: Session, action: Action) -> None:
        """An action is proposed: what it says of the session is known from now on."""
        session.past.heard(action.principal)
        session.past.used(skills_of(action, session.workspace, self.person.home))

    def asks(self, digest: str, facts: Facts) -> None:
        """A person is asked about this action."""
        self._asked[digest] = facts
        self._asked.move_to_end(digest)
        while len(self._asked) > _ASKED:
            self._asked.popitem(last=False)

    def asked(self, digest: str) -> Facts | None:
        """The facts of an action that a person was asked about; None where they are not known any more."""
        return self._asked.get(digest)

    def freezes(self) -> tuple[Order, ...]:
        """The freezes in force, beside those of the configuration."""
        return self.book.freezes(self.clock.now())

    def stops(self, session: Session, facts: Facts, standing: Sequence[Order]) -> Order | None:
        """The order that forbids this release; `standing` are the freezes of the configuration."""
        if not self.book.orders and not standing and not self.book.hasty:
            return None
        now = self.clock.now()
        return self.book.stopping(facts, now, standing) or self.ends(session)

    def ends(self, session: Session) -> Order | None:
        """The order by which the whole session is paused or killed."""
        if not self.book.orders and not self.book.hasty:
            return None
        return self.book.ending(session.past.session(session.principal), self.clock.now())


def words(order: Order) -> str:
    """What the agent is told. It is a person's order, and no call gets around it."""
    reason = f' ("{order.reason}")' if order.reason else ""
    if order.what is What.FREEZE:
        until = "" if order.end is None else " It ends by itself."
        number = f"order {order.id}" if order.id >= 0 else "an order that stands in the configuration"
        return (
            f"A person froze this{reason}: {number}.{until} Nothing it is about may be changed, whatever else is "
            "allowed. Do not retry it or try a variant; read, plan, or work on something else, and tell the user."
        )
    word = "paused" if order.what is What.PAUSE else "ended"
    return (
        f"A person {word} this session{reason}: order {order.id}. Nothing is run for it any more. Stop here: do not "
        "retry, do not look for another way. The user knows why."
    )


def body(order: Order) -> dict[str, Any]:
    """What an entry says of the order that stopped something."""
    said: dict[str, Any] = {"halt": order.id, "halted": order.what.value}
    return said | ({"source": order.source[:200]} if order.source else {})
