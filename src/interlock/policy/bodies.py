"""The text of policy files before Cedar sees it: its shape is bounded, and each policy is found as it was written."""

from __future__ import annotations

import re

# Cedar's parser recurses: with 8 MiB of stack, cedarpy 4.12 dies of a segmentation fault at about 700 nested brackets
# or 1,400 operators in a row. A project's policy comes with its repository, so this is refused before it is parsed.
# The syntax tree refuses more than 100 levels anyway; hand-written policies have about 5 levels and 40 operators.
MAX_NESTING = 40  # brackets within brackets
MAX_OPERATORS = 300  # in one policy

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


_SHAPE = re.compile(
    r'//[^\n]*|"(?:[^"\\]|\\.)*"|&&|\|\||[=!<>]=|[(\[{}\])]|[.!<>+*;-]|\b(?:if|then|else|in|has|like|is)\b', re.DOTALL
)


def excess(text: str) -> str:
    """What is too deep or too long in `text` for Cedar's parser; "" when nothing is. Takes any text."""
    depth = operators = 0
    for match in _SHAPE.finditer(text):
        word = match[0]
        if word in ("(", "[", "{"):
            depth += 1
        elif word in (")", "]", "}"):
            depth = max(0, depth - 1)
        elif word == ";":
            operators = 0
        elif not word.startswith(("//", '"')):
            operators += 1
        if depth > MAX_NESTING:
            return f"brackets are nested deeper than {MAX_NESTING}"
        if operators > MAX_OPERATORS:
            return f"one policy holds more than {MAX_OPERATORS} operators"
    return ""
