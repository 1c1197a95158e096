"""What a freeze covers of an action's effects, as policy sees it: the label `frozen`, or a doubt about the environment.

An effect that is surely covered, or whose other facts are not known, is labelled. Where only its environment is not
known, the freeze may be about it: what that means for files, data and code is for the policy to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from interlock.halt.order import Order
from interlock.model.effect import Effect, Environment
from interlock.model.labels import FROZEN
from interlock.model.provenance import Facts, Touched, Values, covers_for_sure
from interlock.model.selector import Match

DOUBT = (Environment.UNKNOWN.value,)


class Frozen(NamedTuple):
    """The effects, labelled; the environments in doubt; why, and by which orders."""

    effects: tuple[Effect, ...]
    doubt: tuple[str, ...] = ()
    reason: str = ""
    orders: tuple[str, ...] = ()


def touched(effect: Effect) -> Touched:
    """The effect as selectors see it."""
    known = effect.environment is not Environment.UNKNOWN
    environment = effect.environment.value if known else None
    return Touched(effect.verb.value, effect.resource.kind.value, environment, effect.resource.name)


def mark(freezes: Sequence[Order], of: Mapping[str, Values], effects: Sequence[Effect]) -> Frozen:
    """Label what the freezes cover; `of` is what is known of the action beside its effects."""
    if not freezes:
        return Frozen(tuple(effects))
    facts = Facts(of)
    doubt = False
    reasons: dict[str, None] = {}
    orders: dict[str, None] = {}
    marked: list[Effect] = []
    for effect in effects:
        one = touched(effect)
        found = [(order, covers_for_sure(order.where, order.allow, facts, one)) for order in freezes]
        about = [order for order, match in found if match is not Match.NO]
        reasons |= dict.fromkeys(order.reason for order in about if order.reason)
        orders |= dict.fromkeys(str(order.id) if order.id >= 0 else str(order.where) for order in about)
        doubt = doubt or any(match is Match.UNSURE for _, match in found)
        marked.append(_labelled(effect) if any(match is Match.YES for _, match in found) else effect)
    return Frozen(tuple(marked), DOUBT if doubt else (), "; ".join(reasons), tuple(orders))


def _labelled(effect: Effect) -> Effect:
    labels = tuple(sorted({*effect.resource.labels, FROZEN}))
    return msgspec.structs.replace(effect, resource=msgspec.structs.replace(effect.resource, labels=labels))
