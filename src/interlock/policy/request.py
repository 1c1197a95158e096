"""From an effect to the request Cedar sees, and back to nothing more than policy asked about.

A slice of policies mentions some attributes and not others. Only those go into the request, and they are also its
memo key: the answer is a function of the key by construction, so remembering it can never mix two requests up. It is
also why a 1 MB name costs nothing unless a policy looks at names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from interlock.model.action import Principal
from interlock.model.decision import Approval, Context
from interlock.model.effect import Effect, Verb
from interlock.policy.schema import ACTION, AGENT, RESOURCE
from interlock.policy.vocabulary import Attribute, Value

TEXT_LIMIT = 8_192  # twice Linux's PATH_MAX: any real path is judged whole
BULKY = 1_024  # characters: thousands of larger requests would be more memory than they save time
_KEEP = 2_048  # characters kept at either end of a longer text

_PRINCIPAL = {"type": AGENT, "id": "actor"}
_RESOURCE = {"type": RESOURCE, "id": "target"}

Key = tuple[Value, ...]

_ENCODER = msgspec.json.Encoder()


def canonical(text: str) -> tuple[str, bool]:
    """The text as Cedar can take it, and whether anything was lost.

    Lone surrogates cannot be encoded and become U+FFFD; a text above `TEXT_LIMIT` keeps both ends. Either way the
    SHA-256 of the original stands in the result, so two different texts stay different.
    """
    if len(text) <= TEXT_LIMIT and (text.isascii() or not _has_surrogate(text)):
        return text, False
    raw = text.encode("utf-8", "surrogatepass")
    mark = f"\N{HORIZONTAL ELLIPSIS}sha256:{hashlib.sha256(raw).hexdigest()}\N{HORIZONTAL ELLIPSIS}"
    kept = text if len(text) <= TEXT_LIMIT else text[:_KEEP] + mark + text[-_KEEP:]
    clean = kept.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return (clean if mark in clean else clean + mark), True


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


class Asked(NamedTuple):
    """The canonical form of a request: equal ones get equal answers."""

    values: Key
    repaired: bool  # a text had to be shortened, or was not text
    bulky: bool  # too large to be kept in memory by the thousand


def canonical_request(attributes: Sequence[Attribute], principal: Principal, effect: Effect, context: Context) -> Asked:
    """The values of `attributes` for this effect."""
    values: list[Value] = []
    repaired = False
    size = 0
    for attribute in attributes:
        value = attribute.value(principal, effect, context)
        if isinstance(value, str):
            value, changed = canonical(value)
            repaired = repaired or changed
            size += len(value)
        elif isinstance(value, tuple):
            pairs = [canonical(item) for item in value]
            value = tuple(text for text, _ in pairs)
            repaired = repaired or any(changed for _, changed in pairs)
            size += sum(map(len, value))
        values.append(value)
    return Asked(tuple(values), repaired, size > BULKY)


def entities(attributes: Sequence[Attribute], values: Key) -> str:
    """The two entities of a request, as Cedar's JSON."""
    return _json(
        [
            {"uid": uid, "attrs": _of(variable, attributes, values), "parents": []}
            for variable, uid in (("principal", _PRINCIPAL), ("resource", _RESOURCE))
        ]
    )


def request(verb: Verb, attributes: Sequence[Attribute], values: Key, approval: Approval) -> dict[str, Any]:
    """One Cedar request: these values, under this hypothetical approval."""
    circumstances = _of("context", attributes, values)
    circumstances["approval"] = {
        "count": approval.count,
        "strong": approval.strong,
        "distinct_from_owner": approval.distinct_from_owner,
    }
    return {
        "principal": _PRINCIPAL,
        "action": {"type": ACTION, "id": verb.value},
        "resource": _RESOURCE,
        "context": _json(circumstances),
    }


def _json(value: object) -> str:
    return _ENCODER.encode(value).decode()


def _of(variable: str, attributes: Sequence[Attribute], values: Key) -> dict[str, Any]:
    return {a.name: value for a, value in zip(attributes, values, strict=True) if a.variable == variable}
