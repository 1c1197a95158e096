"""What the text of a function lost with nothing in its place: a call around a value, a bound of a call. Pure.

Both texts are cut into tokens and laid beside each other, so no word has to be known: `page(escape(x))` that became
`page(x)` has lost `escape`, whatever that does, and `read(LIMIT)` that became `read()` has lost its bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from interlock.changes.guards import verbs

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|'
    r"'''(?:[^\\]|\\.)*?'''|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|"
    r"//[^\n]*|/\*.*?\*/|\#[^\n]*|[A-Za-z_$][\w$]*|\d[\w.]*|[=!]==?|[<>]=|&&|\|\||=>|:=|\*\*|->|[^\s\w]|\n",
    re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_MOST = 600  # tokens of one place that are laid beside each other
_MOST_LINES = 800  # of a function


class Dropped(NamedTuple):
    """`name`: of the call; `line`: in the old text, from 0; `text`: how it stood; `bound`: it is a bound that went."""

    name: str
    line: int
    text: str
    bound: bool


class _Token(NamedTuple):
    text: str
    line: int


def dropped(before: str, after: str, *, python: bool) -> list[Dropped]:
    """What went from the first text to the second; `python`: `#` begins a comment, else `//` does."""
    old, new = _lines(before, python=python), _lines(after, python=python)
    if max(len(old), len(new)) > _MOST_LINES:
        return []
    sides = [[tuple(token.text for token in line) for line in one] for one in (old, new)]
    found: list[Dropped] = []
    for kind, i, j, k, m in SequenceMatcher(None, sides[0], sides[1], autojunk=False).get_opcodes():
        if kind == "replace":
            left = [token for line in old[i:j] for token in line]
            right = [token.text for line in new[k:m] for token in line]
            if max(len(left), len(right)) <= _MOST:
                found += _within(left, right)
    return found


def _lines(text: str, *, python: bool) -> list[list[_Token]]:
    """The tokens of each line that has any; comments and texts that stand alone are left out."""
    lines: list[list[_Token]] = [[]]
    number = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "\n":  # noqa: S105 - a token of a program
            number += 1
            lines.append([])
            continue
        note = token.startswith("#") if python else token.startswith(("//", "/*"))
        alone = token.startswith(('"""', "'''")) and not lines[-1]
        if not note and not alone:
            lines[-1].append(_Token(token, number))
        number += token.count("\n")
    return [line for line in lines if line]


def _within(left: Sequence[_Token], right: Sequence[str]) -> Iterator[Dropped]:
    gone: set[int] = set()
    for kind, i, j, _, _ in SequenceMatcher(None, [token.text for token in left], right, autojunk=False).get_opcodes():
        if kind == "delete":
            gone.update(range(i, j))
    closing = _closing(left)
    for opening, close in closing.items():
        name = left[opening - 1].text if opening else ""
        if not _NAME.fullmatch(name) or left[opening].text != "(":
            continue
        inside = range(opening + 1, close)
        text = " ".join(token.text for token in left[opening - 1 : close + 1])
        line = left[opening - 1].line
        kept = [n for n in inside if left[n].text != "," or n != inside[-1]]
        shut = _shut(left, close, gone)
        if {opening - 1, opening} <= gone and shut and kept and not gone & set(kept):
            if verbs.wrapping(name) and not _defined(left, opening - 1):
                yield Dropped(name, line, text, bound=False)
        elif not gone & {opening - 1, opening} and not shut and verbs.bounded(name) and _last(left, inside, gone):
            if "split" in name and inside[0] in gone:
                continue  # what it is split at went: that is no bound
            yield Dropped(name, line, text, bound=True)


def _closing(tokens: Sequence[_Token]) -> dict[int, int]:
    """Where each opening bracket is closed."""
    stack: list[int] = []
    found: dict[int, int] = {}
    for number, token in enumerate(tokens):
        if token.text in "([{":
            stack.append(number)
        elif token.text in ")]}" and stack:
            found[stack.pop()] = number
    return found


def _shut(tokens: Sequence[_Token], close: int, gone: set[int]) -> bool:
    """Whether the bracket at `close` went: of several in a row any may be the one."""
    while tokens[close].text == ")" and close not in gone and close + 1 < len(tokens):
        close += 1
    return close in gone and tokens[close].text == ")"


def _defined(tokens: Sequence[_Token], at: int) -> bool:
    return at > 0 and tokens[at - 1].text in ("def", "function", "func", "class", "new")


def _last(tokens: Sequence[_Token], inside: range, gone: set[int]) -> bool:
    """Whether a call's last argument is what went, and is no text: a separator is no bound."""
    lost = [n for n in inside if n in gone]
    if not lost or lost[-1] != inside[-1] or lost != list(range(lost[0], lost[-1] + 1)):
        return False
    words = [tokens[n].text for n in lost if tokens[n].text != ","]
    return bool(words) and not words[0].startswith(("'", '"', "`"))
