"""Brace expansion over the parts of a word, before anything else is expanded. Source: bash 5.2 manual, 3.5.1."""

from __future__ import annotations

import itertools
import re

from interlock.effects.shell.syntax import Lit, Part

MAX_LEVELS = 12
MAX_BRACES = 64  # opening braces in one word; each may look at the whole rest of it
MAX_WORDS = 256  # the words one brace expression may stand for; `{1..999999}{1..999999}` is not expanded

_RANGE = re.compile(r"(-?[0-9]{1,9}|[A-Za-z])\.\.(-?[0-9]{1,9}|[A-Za-z])(?:\.\.(-?[0-9]{1,9}))?\Z")

Item = str | Part  # one unquoted character, or a part that braces cannot see into


class TooMany(Exception):
    """More words than the bound."""


def has_braces(parts: tuple[Part, ...]) -> bool:
    """Whether brace expansion may apply at all."""
    return any(isinstance(part, Lit) and not part.quoted and "{" in part.text for part in parts)


def expand_braces(parts: tuple[Part, ...]) -> list[tuple[Part, ...]]:
    """The words that one word stands for. Raises `TooMany` beyond the bound."""
    items: list[Item] = []
    for part in parts:
        if isinstance(part, Lit) and not part.quoted:
            items.extend(part.text)
        else:
            items.append(part)
    if items.count("{") > MAX_BRACES:
        raise TooMany
    return [_parts(word) for word in _expand(items, 0)]


def _parts(items: list[Item]) -> tuple[Part, ...]:
    out: list[Part] = []
    run: list[str] = []
    for item in items:
        if isinstance(item, str):
            run.append(item)
            continue
        if run:
            out.append(Lit("".join(run)))
            run = []
        out.append(item)
    if run:
        out.append(Lit("".join(run)))
    return tuple(out)


def _expand(items: list[Item], level: int) -> list[list[Item]]:
    if level > MAX_LEVELS:
        raise TooMany
    at = 0
    while at < len(items):
        if items[at] == "{":
            found = _alternatives(items, at)
            if found is not None:
                choices, stop = found
                tails = _expand(items[stop:], level + 1)
                heads = [word for choice in choices for word in _expand(choice, level + 1)]
                if len(heads) * len(tails) > MAX_WORDS:
                    raise TooMany
                return [items[:at] + head + tail for head in heads for tail in tails]
        at += 1
    return [items]


def _alternatives(items: list[Item], at: int) -> tuple[list[list[Item]], int] | None:
    """The alternatives of the brace at `at` and the index after its end, or None when it is literal."""
    depth = 0
    commas: list[int] = []
    for index in range(at, len(items)):
        item = items[index]
        if item == "{":
            depth += 1
        elif item == "}":
            depth -= 1
            if depth == 0:
                return _closed(items, at, commas, index)
        elif item == "," and depth == 1:
            commas.append(index)
            if len(commas) > MAX_WORDS:
                raise TooMany
    return None


def _closed(items: list[Item], at: int, commas: list[int], index: int) -> tuple[list[list[Item]], int] | None:
    if commas:
        edges = [at, *commas, index]
        return [items[a + 1 : b] for a, b in itertools.pairwise(edges)], index + 1
    inner = items[at + 1 : index]
    if all(isinstance(item, str) for item in inner):
        sequence = _sequence("".join(str(item) for item in inner))
        if sequence is not None:
            return [list(word) for word in sequence], index + 1
    return None


def _sequence(text: str) -> list[str] | None:
    match = _RANGE.match(text)
    if match is None:
        return None
    low, high, step = match.groups()
    if low.isalpha() != high.isalpha():
        return None
    by = abs(int(step)) if step else 1
    by = by or 1
    if low.isalpha():
        first, last = ord(low), ord(high)
    else:
        first, last = int(low), int(high)
    if abs(last - first) // by + 1 > MAX_WORDS:
        raise TooMany
    numbers = range(first, last + 1, by) if first <= last else range(first, last - 1, -by)
    if low.isalpha():
        return [chr(number) for number in numbers]
    padded = any(len(t.lstrip("-")) > 1 and t.lstrip("-").startswith("0") for t in (low, high))
    width = max(len(low), len(high)) if padded else 0
    return [str(number).zfill(width) for number in numbers]
