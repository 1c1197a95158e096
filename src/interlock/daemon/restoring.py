"""What the ledger remembers, put back into the rooms that work with it. The ledger is the only memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import structlog

from interlock.approvals import queue
from interlock.broker import granting, restricting
from interlock.broker.attending import DRIFT
from interlock.broker.broker import Broker
from interlock.broker.records import ALARM, DENIAL, SESSION_CLOSE, SESSION_OPEN, TRAIL
from interlock.broker.session import Sessions
from interlock.halt import book
from interlock.halt.order import What, order_of
from interlock.identity.people import ADMINS, People, Person
from interlock.identity.people import KINDS as PEOPLE_KINDS
from interlock.identity.tokenbook import KINDS as TOKEN_KINDS
from interlock.identity.tokenbook import TokenBook
from interlock.ledger.store import Ledger
from interlock.model.errors import InterlockError

log = structlog.get_logger()

Entry = tuple[int, str, dict[str, Any]]

DENIALS = (DENIAL, SESSION_CLOSE, book.ORDER, book.LIFT)
_NAMED = 100  # strange entries named in the log


def restore(ledger: Ledger, broker: Broker) -> None:
    """Everything that the broker works with. What cannot be understood is left out on the safe side, and logged."""
    _restore("approvals", ledger, queue.KINDS, broker.queue.restore)
    _restore("halts", ledger, book.KINDS, broker.halting.book.restore)
    _restore("grants", ledger, granting.KINDS, broker.grants.restore)
    _restore("roles", ledger, restricting.KINDS, broker.restrictions.restore)
    broker.sessions.restore(body for _, _, body in entries(ledger, [SESSION_OPEN]))
    for _, _, body in entries(ledger, [ALARM]):
        if body.get("alarm") == DRIFT:
            who = body.get("principal", {})
            broker.sessions.doubt(str(who.get("agent", "")), str(who.get("session", "")))
    _restore("denials", ledger, DENIALS, lambda found: denials(found, broker.sessions))
    broker.trails.restore(body for _, _, body in entries(ledger, [TRAIL]))


def denials(found: Iterable[Entry], sessions: Sessions) -> list[int]:
    """What each session was denied, as its last entry says it; lifting a pause begins anew. Gives the strange ones.

    Work that went on after the last denial breaks the row, and is seen only where the daemon ended in order: after one
    that was killed a pause may come early.
    """
    strange: list[int] = []
    paused: dict[int, tuple[str, str]] = {}
    for index, kind, body in found:
        try:
            if kind == book.ORDER:
                order = order_of(index, body)
                if order.what is What.PAUSE and order.agent and order.session:
                    paused[index] = (order.agent, order.session)
            elif kind == book.LIFT:
                if (who := paused.get(int(body["order"]))) is not None:
                    sessions.patience(*who).forgive()
            elif "patience" in body:
                principal = body["principal"]
                sessions.patience(str(principal["agent"]), str(principal["session"])).resume(body["patience"])
        except (InterlockError, KeyError, TypeError, ValueError):
            strange.append(index)
    return strange


def people(ledger: Ledger, origin: str, login: str) -> People:
    """Who the people are; the one whose daemon this is, from the start. Raises LedgerTampered: that must be known."""
    found = People(origin, Person(login, uid=os.geteuid(), groups=(ADMINS,)))
    found.restore(entries(ledger, PEOPLE_KINDS))
    return found


def tokens(ledger: Ledger, book: TokenBook) -> None:
    """Every token that was issued, and how each ended."""
    _restore("tokens", ledger, TOKEN_KINDS, book.restore)


def entries(ledger: Ledger, kinds: Iterable[str]) -> Iterator[Entry]:
    """Index, kind and body of every entry of these kinds, oldest first."""
    return ((entry.index, entry.kind, json.loads(entry.raw)["body"]) for entry in ledger.entries(kinds=list(kinds)))


def _restore(what: str, ledger: Ledger, kinds: Iterable[str], put: Callable[[Iterable[Entry]], list[int]]) -> None:
    if strange := put(entries(ledger, kinds)):
        log.warning(f"{what}.strange", entries=strange[:_NAMED], count=len(strange))
