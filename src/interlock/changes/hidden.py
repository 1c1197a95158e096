"""Text that is not as it looks: characters that do not show, turn what is around them, or end a line unseen. Pure."""

from __future__ import annotations

import re

# Shown in another order than read, or not at all (the "Trojan Source" set, and tags); and what some languages take for
# the end of a line, so that a comment ends where nobody sees it (JavaScript U+2028, YAML U+0085, Python a lone CR).
_HIDDEN = re.compile(
    "[\u0085\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad\u034f\u115f\u1160\u3164"
    "\U000e0000-\U000e007f"
    "\x00-\x08\x0b\x0d-\x1a\x1c-\x1f\x7f]"
)
_JOINED = re.compile(
    "(?<=[\u0600-\u1cff\u200d\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]"
    "(?=[\u0600-\u1cff\u2190-\u2bff\U0001f000-\U0001faff])"
)
_NAMED = 5


def hidden(text: str, *, first: bool = False) -> str:
    """The names of the characters in a text that do not show; "" where there are none.

    Joiners between the letters and signs that need them are not hidden, nor is a byte order mark where a file begins
    (`first`). An escape (U+001B) shows in no diff either, but recordings of terminals are full of them.
    """
    if text.isascii() and text.isprintable():
        return ""
    found = set(_HIDDEN.findall(_JOINED.sub("", text)))
    if first and text.startswith("\ufeff"):
        found.discard("\ufeff")
    return ", ".join(f"U+{ord(c):04X}" for c in sorted(found)[:_NAMED])
