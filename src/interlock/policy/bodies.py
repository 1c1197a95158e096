"""The policies of a file as they were written, for people: Cedar's own printer brackets everything."""

from __future__ import annotations

import re

_TOKEN = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"|\b(?:permit|forbid)\b|;', re.DOTALL)


def bodies(text: str) -> list[str]:
    """The text of each policy from `permit` or `forbid` to its `;`, in order, annotations left out.

    Only for text that Cedar has accepted: outside of strings and comments a `;` then ends a policy, and the first
    `permit` or `forbid` after it begins the next.
    """
    found: list[str] = []
    start = -1
    for match in _TOKEN.finditer(text):
        if match[0] == ";" and start >= 0:
            found.append(text[start : match.end()])
            start = -1
        elif match[0] in ("permit", "forbid") and start < 0:
            start = match.start()
    return found
