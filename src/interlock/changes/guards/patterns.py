"""Whether one regular expression lets more through, or takes longer, than another did. Pure.

Both are parsed by Python's own parser (JavaScript's and Go's notations are close enough for what is asked; what it does
not parse is not judged). Three questions: is an anchor, a look-ahead or a bound gone; does a class of characters hold
more than before; and are there more repetitions in it that can share the same text, which is what makes one slow.
"""

from __future__ import annotations

import re
import warnings
from re import _constants as codes  # type: ignore[attr-defined] # no stub has them, and no public parser is there
from re import _parser as parser  # type: ignore[attr-defined] # as above
from typing import Any

from interlock.changes.guards import languages

_LOOKS = re.compile(r"\(\?[:=!P<]|\[\^|\\[dws][+*{]|\[[a-zA-Z0-9]-[a-zA-Z0-9]")
_MOST = 2_000  # characters of a pattern that is judged
_UNBOUNDED = 1_000  # a repetition that may go on so often has no bound
_SAMPLE = frozenset(range(0x80)) | {0xE9, 0x2028, 0x4E2D}


def worse(before: str, after: str) -> str:
    """Why `after` is the weaker one, in words; empty where it is not seen to be."""
    one, other = _parsed(before), _parsed(after)
    if one is None or other is None:
        return ""
    was, now = _features(one), _features(other)
    for name, sentence in _FEWER.items():
        if now[name] < was[name]:
            return sentence
    if now["slow"] > was["slow"]:
        return LONGER
    if now["endless"] > was["endless"] and now["bounded"] < was["bounded"]:
        return "a repetition has lost its bound"
    if _skeleton(one) == _skeleton(other) and _wider(one, other):
        return DOT if _dots(other) > _dots(one) else WIDER
    return ""


def same(before: str, after: str) -> bool:
    """Whether two patterns are seen to match the same texts, and the second takes no longer than the first."""
    one, other = _parsed(before), _parsed(after)
    if one is None or other is None or _features(other)["slow"] > _features(one)["slow"]:
        return False
    return languages.same(one, other)


def sought_more(before: str, after: str) -> bool:
    """Whether the second looks for all that the first does, anywhere in a text, and for other words besides."""
    one, other = _parsed(before), _parsed(after)
    if one is None or other is None or any(_features(other)[end] for end in ("start", "end", "look")):
        return False
    return _extended(_items(one), _items(other))


def _extended(one: list[tuple[Any, Any]], other: list[tuple[Any, Any]]) -> bool:
    """Whether two trees differ in alternatives alone that the second has besides."""
    different = [(a, b) for a, b in zip(one, other, strict=False) if repr(a) != repr(b)]
    if len(one) != len(other) or len(different) != 1:
        return False
    (was, now) = different[0]
    if was[0] is not now[0]:
        return False
    if was[0] is codes.BRANCH:
        old, new = ([repr(branch) for branch in side[1][1]] for side in (was, now))
        if len(old) == len(new):
            changed = [(_items(a), _items(b)) for a, b in zip(was[1][1], now[1][1], strict=True) if repr(a) != repr(b)]
            return len(changed) == 1 and _extended(*changed[0])
        return set(old) < set(new)
    inner = was[0] in (codes.SUBPATTERN, codes.MAX_REPEAT, codes.MIN_REPEAT)
    return inner and was[1][:-1] == now[1][:-1] and _extended(_items(was[1][-1]), _items(now[1][-1]))


def parting(text: str) -> bool:
    """Whether a pattern takes a text apart, and decides about none as a whole: it has groups and no ends."""
    tree = _parsed(text)
    if tree is None or tree.state.groups < 2:  # the first one is all that it matches
        return False
    return not any(_features(tree)[end] for end in ("start", "end", "look"))


def looks(text: str) -> bool:
    """Whether a text looks like a regular expression."""
    return _LOOKS.search(text) is not None


def costly(text: str) -> bool:
    """Whether a pattern is slow, or is searched for from every place: one that goes is no loss."""
    tree = _parsed(text)
    return tree is not None and _features(tree)["slow"] > 0


def slow(text: str) -> bool:
    """Whether a pattern holds repetitions that can share the same text."""
    tree = _parsed(text)
    if tree is None:
        return False
    counts = dict.fromkeys(_COUNTED, 0)
    _count(tree, counts, (), 0)
    return counts["slow"] > 0


_COUNTED = ("start", "end", "look", "bounded", "endless", "slow")
LONGER = "it can take much longer on a text made for it"
WIDER = "a class of characters holds more than before"
DOT = "a dot that stood for itself stands for any character"
_SINGLE = (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN)
_FEWER = {
    "start": "the anchor at its beginning is gone",
    "end": "the anchor at its end is gone",
    "look": "a look-ahead or look-behind is gone",
}


def _parsed(text: str) -> Any:
    if len(text) > _MOST:
        return None
    plain = re.sub(r"\(\?<(?![=!])", "(?P<", text).replace("\\/", "/").replace("[^]", r"[\s\S]")
    plain = re.sub(r"\\u\{?([0-9a-fA-F]{4})\}?", r"\\u\1", plain)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parser.parse(plain, re.VERBOSE if text.lstrip(" ").startswith("\n") else 0)
    except (re.error, RecursionError, OverflowError, ValueError):
        return None


def _items(tree: Any) -> list[tuple[Any, Any]]:
    return list(tree)


def _features(tree: Any) -> dict[str, int]:
    counts = dict.fromkeys(_COUNTED, 0)
    _count(tree, counts, (), 0)
    if not counts["start"]:
        # Searched for from every place: a leading repetition of what the text is full of costs its length each time.
        first = next(iter(_items(tree)), None)
        if first and first[0] in (codes.MAX_REPEAT, codes.MIN_REPEAT) and first[1][1] >= _UNBOUNDED and len(tree) > 1:
            counts["slow"] += 1
    return counts


def _count(tree: Any, counts: dict[str, int], around: tuple[frozenset[int], ...], depth: int) -> None:
    """`around`: what the repetitions can begin with whose text goes on right after what is counted here."""
    before: frozenset[int] = frozenset()
    repeated: Any = ()  # what that repetition repeats
    outside = around
    for place, (operation, value) in enumerate(_items(tree)):
        around = outside if tree[place + 1 :].getwidth()[0] == 0 else ()
        if operation is codes.AT:
            counts["end" if "END" in str(value) else "start" if "BEGINNING" in str(value) else "look"] += 1
        elif operation in (codes.ASSERT, codes.ASSERT_NOT):
            counts["look"] += 1
        elif operation in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            low, high, inner = value
            endless = high >= _UNBOUNDED
            if high > 1:  # `?` bounds nothing
                counts["endless" if endless else "bounded"] += 1
            chars = _characters(inner)
            if endless and operation is not codes.POSSESSIVE_REPEAT:
                first = _first(inner)
                shared = first & before and _fits(repeated, chars)
                counts["slow"] += bool(shared) + 2 * any(chars & outer for outer in around)
                _count(inner, counts, (*around, first), depth + 1)
                repeated = inner if low or not before else ()
                before = chars if low == 0 or not before else before | chars
            else:
                _count(inner, counts, around, depth + 1)
                before = before if low == 0 else frozenset()
            continue
        elif operation is codes.BRANCH:
            for branch in value[1]:
                _count(branch, counts, around, depth + 1)
        elif operation is codes.SUBPATTERN:
            _count(value[-1], counts, around, depth + 1)
            inner = _items(value[-1])
            if inner and inner[-1][0] in (codes.MAX_REPEAT, codes.MIN_REPEAT) and inner[-1][1][1] >= _UNBOUNDED:
                before = _characters(inner[-1][1][2])
                repeated = inner[-1][1][2]
                continue
        elif operation is codes.ATOMIC_GROUP:
            _count(value, counts, (), depth + 1)
        before = frozenset() if operation is not codes.AT else before


def _fits(tree: Any, chars: frozenset[int]) -> bool:
    """Whether some text of the parts is made of these characters alone."""
    return all(
        tree[place : place + 1].getwidth()[0] == 0 or _characters(tree[place : place + 1]) & chars
        for place in range(len(tree))
    )


def _first(tree: Any) -> frozenset[int]:
    """Which of a sample of characters the parts can begin with."""
    found: frozenset[int] = frozenset()
    for place, (operation, value) in enumerate(_items(tree)):
        part = tree[place : place + 1]
        inner = value[-1] if operation is codes.SUBPATTERN else None
        found |= _first(inner) if inner is not None else _characters(part)
        if part.getwidth()[0] > 0:
            break
    return found


def _characters(tree: Any) -> frozenset[int]:
    """Which of a sample of characters one of the parts can begin or go on with."""
    found: set[int] = set()
    for operation, value in _items(tree):
        if operation is codes.LITERAL:
            found.add(value)
        elif operation is codes.NOT_LITERAL:
            found |= _SAMPLE - {value}
        elif operation is codes.ANY:
            found |= _SAMPLE - {10}
        elif operation is codes.IN:
            found |= _class(value)
        elif operation in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            found |= _characters(value[2])
        elif operation is codes.SUBPATTERN:
            found |= _characters(value[-1])
        elif operation is codes.BRANCH:
            for branch in value[1]:
                found |= _characters(branch)
    return frozenset(found)


def _class(items: Any) -> frozenset[int]:
    negated = False
    found: set[int] = set()
    for operation, value in items:
        if operation is codes.NEGATE:
            negated = True
        elif operation is codes.LITERAL:
            found.add(value)
        elif operation is codes.RANGE:
            found |= {c for c in _SAMPLE if value[0] <= c <= value[1]}
        elif operation is codes.CATEGORY:
            found |= {c for c in _SAMPLE if _in_category(chr(c), str(value))}
    return frozenset(_SAMPLE - found if negated else found)


def _in_category(char: str, category: str) -> bool:
    inside = (
        char.isdigit()
        if "DIGIT" in category
        else char.isspace()
        if "SPACE" in category
        else char.isalnum() or char == "_"
    )
    return inside != ("NOT" in category)


def _skeleton(tree: Any) -> list[str]:
    return ["a character" if operation in _SINGLE else str(operation) for operation, _ in _items(tree)]


def _dots(tree: Any) -> int:
    """How many characters of any kind there are, in groups as well."""
    inner = {codes.SUBPATTERN: -1, codes.MAX_REPEAT: 2, codes.MIN_REPEAT: 2}
    return sum(
        _dots(value[inner[operation]]) if operation in inner else operation is codes.ANY
        for operation, value in _items(tree)
    )


def _wider(one: Any, other: Any) -> bool:
    for place, ((operation, was), (_, now)) in enumerate(zip(_items(one), _items(other), strict=True)):
        old, new = one[place : place + 1], other[place : place + 1]
        if operation in _SINGLE and repr(old) != repr(new) and _characters(old) < _characters(new):
            return True
        if operation in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            if _skeleton(was[2]) == _skeleton(now[2]) and _wider(was[2], now[2]):
                return True
        elif operation is codes.SUBPATTERN and _skeleton(was[-1]) == _skeleton(now[-1]) and _wider(was[-1], now[-1]):
            return True
    return False
