"""What a call came to, in a form in which two versions compare, and which way a difference goes.

A version is *looser* where it gives what the other refuses, where a stranger's text stands in its answer as it came,
and where it tells or does more. Most differences have no direction: they are told, and nothing follows.
"""

from __future__ import annotations

import datetime
import decimal
import io
import math
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from .making import Bag, Called
from .refusals import says_no as says_no_in_words
from .world import Stub

UNENDED = ("late", "large")  # calls that were ended, and after which a version may be in any state
_DEEPEST = 5
_WIDEST = 60
_STATUS = ("status", "status_code", "code", "ok", "success", "valid", "allowed", "error")
# A function of such a name says yes where others would say no.
_TURNED = re.compile(r"(?:^|_)(?:is_)?(?:blocked|denied|locked|expired|revoked|bad|invalid|dangerous|unsafe|forbidden|"
                     r"banned|spam|refused?|reject(?:ed)?|needs?|must|requires?|missing|stale|exceeded|full|limited|"
                     r"errors?|problems?|violations?|issues?)")  # fmt: skip


class Outcome(NamedTuple):
    """One call. `how`: `gives`, `raises`, `stumbles` (nobody refused: it could not handle its arguments), `late` or
    `large` (it took too long, or too much)."""

    how: str
    value: Any = None
    calls: tuple[Any, ...] = ()
    drawn: int = 0


@dataclass(frozen=True)
class Shown:
    """What a page shows: its text, and the lines in which it hands a text to the browser as it is (`elements.js`)."""

    text: str
    raw: tuple[str, ...]

    def __repr__(self) -> str:
        return self.text


class Way(NamedTuple):
    """Which way a difference goes: 1 looser, -1 stricter, 0 neither."""

    way: int
    kind: str = ""


def normal(value: Any, deep: int = 0) -> Any:
    """A value as plain data; what it cannot hold is told by its type."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value
    if isinstance(value, str):
        return value.replace(os.getcwd(), ".")
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if deep > _DEEPEST:
        return type(value).__name__
    if isinstance(value, list | tuple):
        return ["list", *(normal(one, deep + 1) for one in value[:_WIDEST])]
    if isinstance(value, set | frozenset):
        return ["list", *sorted((normal(one, deep + 1) for one in value), key=repr)[:_WIDEST]]
    if isinstance(value, dict):
        return [
            "map",
            *sorted(([normal(k, deep + 1), normal(v, deep + 1)] for k, v in list(value.items())[:_WIDEST]), key=repr),
        ]
    return _other(value, deep)


def _other(value: Any, deep: int) -> Any:
    if isinstance(value, Stub | Called):
        return "~"
    if isinstance(value, io.StringIO | io.BytesIO):
        return normal(value.getvalue(), deep)
    if isinstance(value, decimal.Decimal | datetime.date | datetime.timedelta | os.PathLike):
        return normal(str(value))
    if isinstance(value, BaseException):
        return ["map", ["error", type(value).__name__]]
    if isinstance(value, Bag) or (hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value)):
        fields = [[k, normal(v, deep + 1)] for k, v in list(vars(value).items())[:_WIDEST] if not k.startswith("_")]
        return ["map", *fields]
    return type(value).__name__


def refuses(value: Any, name: str, deep: int = 0) -> bool:
    """Whether an answer says no."""
    if isinstance(value, bool):
        return value is bool(deep == 0 and _TURNED.search(name))
    if isinstance(value, int):
        return 400 <= value < 600
    if isinstance(value, str):
        return says_no_in_words(value)
    if value is None:
        return True
    if isinstance(value, list) and value:
        if deep == 0 and _TURNED.search(name) and value[0] == "list":
            return len(value) > 1
        return _listed(value[1:], deep) if value[0] == "list" else _mapped(value[1:])
    return False


def _listed(some: list[Any], deep: int) -> bool:
    """A pair that begins with no, or what a web framework answers with: something, and its status."""
    if not some or deep > 1:
        return False
    first, last = some[0], some[-1]
    if first is False or first is None or (isinstance(first, int | str) and refuses(first, "", 2)):
        return True
    return len(some) in (2, 3) and isinstance(first, list | str) and not isinstance(last, bool) and _failing(last)


def _mapped(pairs: list[Any]) -> bool:
    named = {str(key).lower(): one for key, one in pairs}
    status = next((named[key] for key in _STATUS if key in named), None)
    return bool(named.get("error")) or status is False or _failing(status)


def _failing(status: Any) -> bool:
    return isinstance(status, int) and 400 <= status < 600


def says_no(one: Outcome, name: str, tells: bool) -> bool:
    """Whether a call was refused. `tells`: the function has given more than None, so None is an answer of its own."""
    if one.how == "gives" and one.value is None and not tells:
        return False
    return one.how == "raises" or (one.how == "gives" and refuses(one.value, name))


class Call(NamedTuple):
    """What is known of a call. `tells`: the function has given more than None; `given`: what was given in this walk so
    far, as it is written; `hostile`: a stranger's texts among it; `again`: what both versions did where the same call
    stood before in it, as it is written; `plain`: the language's objects are their fields, whose names are among
    `given`."""

    name: str
    tells: bool
    given: frozenset[str]
    hostile: Collection[str]
    again: frozenset[str]
    plain: bool = False


def way(was: Outcome, now: Outcome, call: Call) -> Way:
    """Which way the second version differs from the first."""
    if was == now or {was.how, now.how} & {*UNENDED, "stumbles"}:
        return Way(0, "" if was == now else "differs")
    if any(isinstance(part, Shown) for one in (was, now) for part in _parts(one.value)):
        return _shown(was, now, call)
    no, yes = (says_no(one, call.name, call.tells) for one in (was, now))
    if no and not yes:
        return Way(1, "accepts" if was.how == "raises" else "says-yes")
    if yes and not no:
        return Way(-1, "accepts" if now.how == "raises" else "says-yes")
    both = (
        no and yes and "raises" in (was.how, now.how)
    )  # what an error says is not looked at: an answer may quote as much
    harm = (None if both else _raw(was, now, call)) or _polluting(was, now)
    if harm is not None:
        return harm
    more = _more([*was.calls], [*now.calls], None)
    if more and not (was.calls and now.calls) and not call.again.isdisjoint(map(repr, [*was.calls, *now.calls])):
        return Way(more, "does-more")
    if call.plain and len(was.calls) == len(now.calls) and was.value == now.value:
        more = _more(list(_leaves([*was.calls])), list(_leaves([*now.calls])), call.given)
        if more:
            return Way(more, "tells-more")
    if was.how == now.how == "gives":
        more = _more(list(_leaves(was.value)), list(_leaves(now.value)), call.given)
        if more and isinstance(was.value, list):
            return Way(more, "tells-more")
        if was.drawn != now.drawn and min(was.drawn, now.drawn) < 12 and max(was.drawn, now.drawn) >= 8:
            return Way(1 if now.drawn < was.drawn else -1, "less-chance")
    return Way(0, "differs")


def _shown(was: Outcome, now: Outcome, call: Call) -> Way:
    """Of pages. They show more or something else whenever they are worked on, and what they call while they are drawn
    is how they are made: what they refuse to draw counts, and what they hand to the browser as it is."""
    if was.how != now.how:
        return Way(1 if now.how == "gives" else -1, "accepts")
    return _raw(was._replace(calls=()), now._replace(calls=()), call) or Way(0, "differs")


def _raw(was: Outcome, now: Outcome, call: Call) -> Way | None:
    raw = [_embedded(one, call.hostile) for one in (was, now)]
    return Way(1 if raw[1] else -1, "raw") if raw[0] != raw[1] and not (raw[0] and raw[1]) else None


def _polluting(was: Outcome, now: Outcome) -> Way | None:
    left = [sum(str(one[1]).startswith("Object.prototype.") for one in side.calls) for side in (was, now)]
    return Way(1 if left[1] > left[0] else -1, "pollutes") if left[0] != left[1] else None


def _embedded(one: Outcome, hostile: Collection[str]) -> int:
    """How many texts of the answer hold a stranger's text as it came, within more."""
    count = 0
    for leaf in (*_leaves(one.value), *_leaves(list(one.calls))):
        text = leaf.decode("utf-8", "replace") if isinstance(leaf, bytes) else leaf
        if isinstance(text, str) and any(h in text and len(h) < len(text) for h in hostile):
            count += text not in hostile
    return count


def _leaves(value: Any) -> Iterator[Any]:
    """What stands in an answer; of a page what it hands on as it is, for the rest is written so that it is harmless."""
    for part in _parts(value):
        if isinstance(part, Shown):
            yield from part.raw
        else:
            yield part


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _parts(one)
    elif value not in ("list", "map", "~"):
        yield value


def _more(was: list[Any], now: list[Any], given: frozenset[str] | None) -> int:
    """1 where `now` has all of `was` and more, -1 the other way; `given`: what more there is has to be of these."""
    one, other = (Counter(map(repr, some)) for some in (was, now))
    less, more = one - other, other - one
    if given is not None and not {*less, *more} <= given:
        return 0
    return 1 if more and not less else -1 if less and not more else 0
