"""Credentials out of text, before the text is shown or recorded.

What is written down forever must not be a second copy of a secret. This over-redacts rather than under-redacts; it is
no guard (that is policy's part), only hygiene of Interlock's own words.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from functools import cache, partial
from importlib import resources
from typing import NamedTuple

from interlock.model.errors import CatalogueError

_ASSIGNMENT = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]{0,80})=([\"']?)([A-Za-z0-9+/_=.-]{24,512})")
MAX_PASSES = 6
_ENTROPY = 4.0  # bits a character: hexadecimal digests stay below, random base64 lies above


class Shape(NamedTuple):
    """One shape of a credential."""

    id: str
    hints: tuple[str, ...]
    regex: re.Pattern[str]
    groups: tuple[int, ...]
    vague: bool


def redact(text: str) -> str:
    """`text` with everything that looks like a credential replaced by `[redacted:KIND]`.

    Total, linear in the length of the text, and idempotent. A reference (`$TOKEN`) is not a credential and stays.
    """
    if len(text) < 8:
        return text
    for _ in range(MAX_PASSES):  # what one shape leaves behind may look like another: until nothing changes
        shown = _once(text)
        if shown == text:
            break
        text = shown
    return text


def _once(text: str) -> str:
    lower = text.casefold()
    if _any_hint().search(lower):
        for shape in packaged():
            if any(hint in lower for hint in shape.hints):
                text = shape.regex.sub(partial(_replace, shape), text)
    return _ASSIGNMENT.sub(_entropy, text) if "=" in text else text


@cache
def _any_hint() -> re.Pattern[str]:
    """One look for all hints: most texts have none."""
    return re.compile("|".join(re.escape(hint) for hint in sorted({h for s in packaged() for h in s.hints})))


def has_secret(text: str) -> bool:
    """Whether `text` carries a credential: a shape of its own, or a random-looking value behind a telling name.

    Stricter than `redact`, because something follows from it: `token = self.peek()` is redacted and is no credential.
    """
    if len(text) < 8:
        return False
    lower = text.casefold()
    for shape in packaged():
        if any(hint in lower for hint in shape.hints):
            for match in shape.regex.finditer(text):
                value = next((match[g] for g in shape.groups if match[g] is not None), "")
                if not shape.vague or _random(value):
                    return True
    return "=" in text and any(_entropy(match) != match[0] for match in _ASSIGNMENT.finditer(text))


def _random(value: str) -> bool:
    """Letters and digits mixed, without the marks of code or prose: a password or a token rather than a word."""
    if not 8 <= len(value) <= 4_096 or any(c in value for c in "()[]{}<>,; "):
        return False
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def _replace(shape: Shape, match: re.Match[str]) -> str:
    for group in shape.groups:
        if match[group] is not None:
            whole, start = match[0], match.start()
            return f"{whole[: match.start(group) - start]}[redacted:{shape.id}]{whole[match.end(group) - start :]}"
    return match[0]


def _entropy(match: re.Match[str]) -> str:
    value = match[3]
    if "/" in value and value.count("/") > len(value) / 16:  # a path
        return match[0]
    total = len(value)
    bits = -sum(n / total * math.log2(n / total) for n in Counter(value).values())
    mixed = any(c.isdigit() for c in value) and any(c.isupper() for c in value) and any(c.islower() for c in value)
    return f"{match[1]}={match[2]}[redacted:high-entropy]" if mixed and bits > _ENTROPY else match[0]


def load(text: str) -> tuple[Shape, ...]:
    """The shapes in `text` (TOML, the format of `data/secrets.toml`).

    Raises:
        CatalogueError: not TOML, a missing key, or an expression that does not compile.
    """
    try:
        entries = tomllib.loads(text).get("pattern", ())
        return tuple(_shape(entry) for entry in entries)
    except (tomllib.TOMLDecodeError, re.error, KeyError, TypeError) as error:
        raise CatalogueError(f"the list of credential shapes cannot be used: {error}") from error


def _shape(entry: dict[str, object]) -> Shape:
    hints, group = entry["hints"], entry.get("group", 0)
    if not isinstance(hints, list) or not isinstance(group, int) or not entry.get("why"):
        raise CatalogueError(f"credential shape {entry.get('id')}: needs id, why, hints and regex")
    regex = re.compile(str(entry["regex"]))
    # A shape with alternatives keeps its value in one of several groups, from `group` on.
    groups = tuple(range(group, regex.groups + 1)) if group else (0,)
    return Shape(str(entry["id"]), tuple(str(h) for h in hints), regex, groups, bool(entry.get("vague")))


@cache
def packaged() -> tuple[Shape, ...]:
    """The packaged shapes."""
    return load(resources.files("interlock.effects").joinpath("data/secrets.toml").read_text("utf-8"))
