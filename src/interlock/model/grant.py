"""A yes given in advance: typed, bounded, and for what an action would do rather than for how it is written.

A grant never matches command text. It names effects: verbs on kinds of things, whose names match a pattern, in named
environments. Whatever it does not name it does not cover, and some things no grant can name: what could not be read,
what is tainted by somebody else's content, and what guards.

Policy sees a grant as it sees any approval: an effect that one covers is judged as if one person had said yes to it
(`Grant.rung`), so a grant can never lift what needs two people, or what nobody may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec

from interlock.model.effect import Breadth, Effect, Environment, Kind, Reversibility, Verb
from interlock.model.labels import DOWNLOADED, GUARD, PLACES, UNKNOWN_COMMAND, UNPLACED, UNREAD
from interlock.model.rung import Rung

NEVER_VERBS = frozenset({Verb.OPAQUE})
NEVER_KINDS = frozenset({Kind.CODE, Kind.INTERLOCK})
NEVER_LABELS = frozenset({GUARD, UNPLACED, UNREAD, UNKNOWN_COMMAND, DOWNLOADED})
RUNGS = (Rung.ONE, Rung.ONE_STRONG)  # what one person can say in advance, the weaker first

_BREADTH = {Breadth.ONE: 0, Breadth.MANY: 1, Breadth.ALL: 2}
_LOSS = {Reversibility.REVERSIBLE: 0, Reversibility.RECOVERABLE: 1, Reversibility.IRREVERSIBLE: 2}
_TOKEN = re.compile(r"\\(.)|(\*\*)|(\*)|(.)", re.DOTALL)


class Pattern(msgspec.Struct, frozen=True):
    """Which effects. Each field narrows; `via` empty means through any command.

    In `name`, `*` stands for any characters but `/`, `**` for any at all, and a backslash takes away a star's meaning.
    Labels and taints must be named for an effect that carries them to be covered; places need not, the name says them.
    """

    verbs: tuple[Verb, ...]
    kind: Kind
    name: str
    environments: tuple[Environment, ...]
    labels: tuple[str, ...] = ()
    taint: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    breadth: Breadth = Breadth.ONE
    loss: Reversibility = Reversibility.RECOVERABLE

    def covers(self, effect: Effect) -> bool:
        """Whether this effect is among those meant. Pure; what no grant can name is never covered."""
        resource = effect.resource
        labels = set(resource.labels)
        return (
            effect.verb in self.verbs
            and effect.verb not in NEVER_VERBS
            and resource.kind is self.kind
            and resource.kind not in NEVER_KINDS
            and not labels & NEVER_LABELS
            and labels - PLACES <= set(self.labels)
            and effect.environment in self.environments
            and set(effect.taint) <= set(self.taint)
            and (not self.via or effect.via in self.via)
            and _BREADTH[effect.scale.breadth] <= _BREADTH[self.breadth]
            and _LOSS[effect.reversibility] <= _LOSS[self.loss]
            and named(self.name, resource.name)
        )


class Grant(msgspec.Struct, frozen=True):
    """Patterns, and the bounds of the yes: for whom, where, until when, how often. `id` is its ledger entry.

    Times are RFC 3339. `uses` 0 means as often as needed until `until`. `policy` is the digest of the rules it was
    given under: under other rules it lapses.
    """

    id: int
    patterns: tuple[Pattern, ...]
    rung: Rung
    until: str
    policy: str
    given_by: str
    agent: str = ""  # a kind of agent; "" for any
    session: str = ""  # one session of it; "" for any
    workspace: str = ""  # one project's directory; "" for any
    uses: int = 0
    role: str = ""  # the role it belongs to, if it came with one
    why: str = ""

    def covers(self, effect: Effect) -> bool:
        """Whether one of its patterns covers the effect."""
        return any(pattern.covers(effect) for pattern in self.patterns)


def covering(grants: Iterable[Grant], effect: Effect) -> dict[Rung, Grant]:
    """For each rung that a grant stands for on this effect, the first grant that does; weaker rungs first."""
    found: dict[Rung, Grant] = {}
    for grant in grants:
        if grant.rung in RUNGS and grant.rung not in found and grant.covers(effect):
            found[grant.rung] = grant
    return {rung: found[rung] for rung in RUNGS if rung in found}


def exactly(effect: Effect) -> Pattern | None:
    """The narrowest pattern that covers this effect; None where no grant can."""
    pattern = Pattern(
        verbs=(effect.verb,),
        kind=effect.resource.kind,
        name=literal(effect.resource.name),
        environments=(effect.environment,),
        labels=tuple(sorted(set(effect.resource.labels) - PLACES)),
        taint=tuple(sorted(set(effect.taint))),
        via=(effect.via,) if effect.via else (),
        breadth=effect.scale.breadth,
        loss=effect.reversibility,
    )
    return pattern if pattern.covers(effect) else None


def literal(name: str) -> str:
    """The pattern that matches this name and no other."""
    return re.sub(r"([\\*])", r"\\\1", name)


def unescaped(pattern: str) -> str:
    """The inverse of `literal`."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


def named(pattern: str, name: str) -> bool:
    """Whether a pattern of names matches this one, in time that grows with the name: a token's holder writes patterns.

    All places of the pattern that the name may have come to are kept as bits of one number (an NFA without its
    backtracking; Baeza-Yates and Gonnet, "A new approach to text searching", 1992).
    """
    shape = _shape(pattern)
    here = 1 | (shape.stars & 1) << 1
    for character in name:
        stays = here & (shape.deep if character == "/" else shape.stars)
        here = (here & shape.places.get(character, 0)) << 1 | stays
        here |= (here & shape.stars) << 1  # a star may stand for nothing
        if not here:
            return False
    return bool(here >> shape.length & 1)


def includes(pattern: str, other: str) -> bool:
    """Whether every name that `other` matches is matched by this pattern, as far as can be seen without trying names:
    where it says so it is so.
    """
    shape = _shape(pattern)
    here = 1 | (shape.stars & 1) << 1
    for escaped, double, single, plain in (found.groups() for found in _TOKEN.finditer(other)):
        if double or single:
            here &= shape.deep if double else shape.stars  # whatever it stands for, a star of ours takes all of it
        else:
            character = escaped if escaped is not None else plain
            stays = here & (shape.deep if character == "/" else shape.stars)
            here = (here & shape.places.get(character, 0)) << 1 | stays
        here |= (here & shape.stars) << 1
    return bool(here >> shape.length & 1)


class _Shape(NamedTuple):
    """A pattern as bits: where each character stands, where a star, and where one that takes slashes too."""

    places: dict[str, int]
    stars: int
    deep: int
    length: int


@lru_cache(maxsize=4_096)
def _shape(pattern: str) -> _Shape:
    places: dict[str, int] = {}
    at, stars, deep = 0, 0, 0
    for found in _TOKEN.finditer(pattern):
        escaped, double, single, plain = found.groups()
        if double or single:
            if at and stars >> (at - 1) & 1:  # stars in a row are one, the wider one
                deep |= 1 << (at - 1) if double else 0
                continue
            stars |= 1 << at
            deep |= 1 << at if double else 0
        else:
            character = escaped if escaped is not None else plain
            places[character] = places.get(character, 0) | 1 << at
        at += 1
    return _Shape(places, stars, deep, at)
