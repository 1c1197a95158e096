"""How far an order reaches: which live sessions it is about, and whether it is about nothing, or about everything.

Everything is what is also about a stranger: a session that nobody has seen, in every environment, by every change.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from interlock.halt.order import Order, What
from interlock.model.action import Principal
from interlock.model.effect import Environment, Kind, Verb
from interlock.model.provenance import Facts, Touched, Values
from interlock.model.selector import FIELDS, Match

_STRANGER: dict[str, Values] = {field: frozenset({f"no {field} that anybody uses"}) for field in FIELDS}
_CHANGES = (Verb.WRITE, Verb.DELETE, Verb.CONFIGURE, Verb.DEPLOY)
_KINDS = (Kind.FILE, Kind.DATABASE, Kind.CLOUD_RESOURCE)


class Reach(msgspec.Struct, frozen=True):
    """`sessions` are (agent, session) that the order is about, or may be; `unsure` those of them where a fact that
    decides it is not known, `unknown` which facts those are.
    """

    sessions: tuple[tuple[str, str], ...]
    unsure: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]
    everything: bool

    @property
    def nothing(self) -> bool:
        """Whether no live session is meant."""
        return not self.sessions


def reach(order: Order, sessions: Iterable[tuple[Principal, Facts]]) -> Reach:
    """How far it reaches among these. A freeze is about a session whose changes it would stop."""
    live = list(sessions)
    found = [((who.agent, who.session), facts, _about(order, facts)) for who, facts in live]
    meant = [(name, facts, match) for name, facts, match in found if match is not Match.NO]
    unsure = [(name, facts) for name, facts, match in meant if match is Match.UNSURE]
    fields = {test.field for test in order.where.tests()}
    unknown = sorted({field for _, facts in unsure for field in fields if facts.of.get(field, frozenset()) is None})
    return Reach(
        sessions=tuple(name for name, _, _ in meant),
        unsure=tuple(name for name, _ in unsure),
        unknown=tuple(unknown),
        everything=len(meant) == len(live) and _everybody(order),
    )


def _about(order: Order, facts: Facts) -> Match:
    if order.what is not What.FREEZE:
        return facts.covered(order.where, order.allow)
    return max((_frozen(order, facts, one) for one in _VOCABULARY), key=lambda match: match.value)


def _frozen(order: Order, facts: Facts, touched: Touched) -> Match:
    return Facts(facts.of, (touched,)).covered(order.where, order.allow, changes=True)


def _everybody(order: Order) -> bool:
    stranger = Facts(_STRANGER)
    return all(_frozen(order, stranger, one) is not Match.NO for one in _VOCABULARY) and (
        order.what is What.FREEZE or stranger.covered(order.where, order.allow) is not Match.NO
    )


_VOCABULARY = tuple(
    Touched(verb.value, kind.value, environment.value, f"no {kind.value} that anybody has")
    for verb in _CHANGES
    for kind in _KINDS
    for environment in Environment
    if environment is not Environment.UNKNOWN
)
