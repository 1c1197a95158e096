"""The broker's side of halts: which orders are about an action or a session, asked before it is judged and again right
before it is released.

INVARIANT: an order that is in force when an action is released stops it, whatever policy, a person's yes or the mode
say. The facts it is judged by are those that its entry holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec

from interlock.broker import records
from interlock.broker.clock import Clock
from interlock.broker.judge import Person
from interlock.broker.past import Past, place_of, skills_of
from interlock.broker.session import Session
from interlock.halt.book import ORDER, Book
from interlock.halt.order import Order, What, of_session
from interlock.model.action import Action, Principal
from interlock.model.agent import AgentFacts
from interlock.model.effect import Effect
from interlock.model.errors import Refused
from interlock.model.provenance import Facts

_ASKED = 2_000  # questions whose facts are remembered; some hundreds may be open
_REASON = 500  # characters
RULE = "halt"  # what a denial names in place of a policy's rule

Record = Callable[[str, dict[str, Any]], Awaitable[int]]


class Halting:
    """Asks the book of orders, for one broker."""

    def __init__(self, book: Book, clock: Clock, person: Person, record: Record) -> None:
        self.book = book
        self.clock = clock
        self.person = person
        self.changed: Callable[[], None] = lambda: None  # told of each change of what is in force, at once
        self.carry_out: Callable[[Order], Awaitable[object]] | None = None  # stops what runs, and certifies it
        self._record = record
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

    async def give(self, order: Order) -> Order:
        """In force at once, then an entry. Raises LedgerUnavailable: then it never was, and who gave it hears that."""
        order = msgspec.structs.replace(order, epoch=self.book.raised())
        number = self.book.giving(order)
        self.changed()
        index = None
        try:
            index = await self._record(ORDER, order.body())
        finally:
            given = self.book.given(number, index)
            self.changed()
        if given is None:
            raise Refused("the order was not recorded.")
        return given

    async def pause(self, principal: Principal, why: str, by: str = "") -> Order:
        """Pause one session, carried out like any other order; one that is paused or killed stays as it is.

        `by` is the person, or empty where Interlock does it by itself.
        """
        where = of_session(principal.agent, principal.session)
        for known in self.book.active(self.clock.now()):
            if known.what is What.PAUSE and known.where == where:
                return known
        order = Order(-1, What.PAUSE, where, records.clean(why)[:_REASON], by=by)
        given = await self.give(order)
        if self.carry_out is not None:
            await self.carry_out(given)
        return given


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
    if order.what is What.KILL:
        return (
            f"A person ended this session{reason}: order {order.id}. Nothing is run for it any more. Stop here: do not "
            "retry, do not look for another way. The user knows why."
        )
    reason = f': "{order.reason}"' if order.reason else ""
    whose = f"A person ({order.by})" if order.by else "Interlock"
    lifts = f"interlock resume {order.session}" if order.session else f"interlock lift {order.id}"
    details = f" Details for a person: interlock why {order.id}; {lifts} lifts it." if order.id >= 0 else ""
    return (
        f"{whose} has paused this session{reason}. Nothing you ask for will be done, reading "
        f"included, until a person lifts it. Stop calling tools now, tell the user what happened, and end your "
        f"turn.{details}"
    )


def body(order: Order) -> dict[str, Any]:
    """What an entry says of the order that stopped something."""
    said: dict[str, Any] = {"halt": order.id, "halted": order.what.value}
    return said | ({"source": order.source[:200]} if order.source else {})
