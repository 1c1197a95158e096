"""What a regular expression leaves of a text that it matched, as far as it is plain to see. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

_WIDE = re.compile(r"(?<!\\)\.(?:[*+{?])|\\S|\\D|\\W|\[\^")
_SAFE_CLASS = re.compile(r"\[\^[\w\\.\- ]*\]\+?")


@lru_cache(maxsize=512)
def narrow(pattern: str, whole: bool) -> bool:
    """Whether a pattern that matched leaves only harmless texts. `whole`: it was to match all of the text."""
    if _WIDE.search(pattern):
        return False
    return whole or pattern.endswith(("$", r"\Z", r"\z"))


@lru_cache(maxsize=512)
def only_outside(pattern: str) -> bool:
    """Whether a pattern matches every letter that may be harmful: `[^a-z0-9_]`, `\\W`."""
    return pattern in (r"\W", r"\W+", r"\D", r"\D+") or bool(_SAFE_CLASS.fullmatch(pattern))
