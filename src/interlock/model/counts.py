"""How a number of things is said to a person: `1 file`, `2 files`, `0 files`. Pure; the one place that knows."""

from __future__ import annotations

import re

_COUNT = re.compile(r"\{n(?: ([^|}]+)\|([^}]+))?\}")


def many(number: int, one: str, more: str = "") -> str:
    """A number with its noun; `more` is the noun for any other number than one, where it is not `one` and an s."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def filled(text: str, number: int) -> str:
    """A sentence of a file of data with its number: `{n file|files}`, or `{n}` where no noun hangs on it."""
    return _COUNT.sub(lambda found: many(number, found[1], found[2]) if found[1] else str(number), text)
