"""Lengths of time as people write them."""

from __future__ import annotations

import re

from interlock.model.errors import UsageError
from interlock.model.visible import visible

_SPAN = re.compile(r"(\d{1,6})(s|m|h|d|w)")
_UNIT = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def seconds(span: str) -> int:
    """`30m`, `8h`, `7d` in seconds. Raises UsageError."""
    match = _SPAN.fullmatch(span)
    if match is None:
        raise UsageError(f"{visible(span)!r} is no length of time. Write 30m, 8h or 7d.")
    return int(match.group(1)) * _UNIT[match.group(2)]
