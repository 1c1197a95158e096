"""Text of a program told apart into code, strings and comments, without a parser: what does not parse too. Pure.

One regular expression a family of languages, linear in the text. Where a language is more than it knows (regular
expressions of JavaScript, here-documents) it is wrong within a line, not beyond.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_DOUBLE = r'"(?:\\.|[^"\\\n])*"'
_SINGLE = r"'(?:\\.|[^'\\\n])*'"
_BACK = r"`(?:\\.|[^`\\])*`"
_TRIPLE = r'"""(?:\\.|[^\\])*?"""' + r"|'''(?:\\.|[^\\])*?'''"
_SLASHES = r"//[^\n]*"
_NEVER = r"(?!)"
_HASH = r"\#[^\n]*"
_FAMILIES = {
    "python": (_HASH, f"{_TRIPLE}|{_DOUBLE}|{_SINGLE}", "py pyi"),
    "script": (
        _SLASHES,
        f"{_DOUBLE}|{_SINGLE}|{_BACK}",
        "js mjs cjs jsx ts mts cts tsx vue svelte go java kt scala swift",
    ),
    "c": (_SLASHES, f"{_DOUBLE}|{_SINGLE}", "c h cc cpp hpp cs rs dart proto"),
    "php": (f"{_SLASHES}|{_HASH}", f"{_DOUBLE}|{_SINGLE}", "php"),
    "hcl": (f"{_SLASHES}|{_HASH}", _DOUBLE, "tf tfvars hcl"),
    "hash": (rf"(?:(?<=\s)|^){_HASH}", f"{_DOUBLE}|{_SINGLE}", "sh bash zsh rb yaml yml toml cfg ini pl dockerfile mk"),
    "sql": (r"--[^\n]*", _SINGLE, "sql"),
    "markup": (_NEVER, _NEVER, "html htm xml md"),
}
# Comments of several lines. Where one has no end it is none, and that is looked for once: not from each beginning.
_BLOCKS = {"script": ("/*", "*/"), "c": ("/*", "*/"), "php": ("/*", "*/"), "hcl": ("/*", "*/"), "sql": ("/*", "*/"),
           "markup": ("<!--", "-->")}  # fmt: skip
_BY_ENDING = {ending: family for family, (_, _, endings) in _FAMILIES.items() for ending in endings.split()}
_BY_NAME = {"dockerfile": "hash", "makefile": "hash", "gemfile": "hash", "rakefile": "hash", "jenkinsfile": "script"}


class Parts(NamedTuple):
    """Three texts of the length of the first, each with blanks where the others have something; lines stay lines."""

    code: str  # without comments
    bare: str  # without comments and what stands in strings
    comment: str  # comments only


def family(path: str) -> str:
    """Which family of languages a file is of, or ""."""
    name = path.rpartition("/")[2].lower()
    return _BY_NAME.get(name) or _BY_ENDING.get(name.rpartition(".")[2], "")


@lru_cache(maxsize=256)
def parts(text: str, path: str) -> Parts:
    """The text told apart; where the language is not known all of it is code, and none of it comment."""
    pattern = _compiled(family(path))
    if pattern is None:
        return Parts(text, text, _blank(text))
    code: list[str] = []
    bare: list[str] = []
    comment: list[str] = []
    at = 0
    for start, end, is_comment in _tokens(pattern, text, _BLOCKS.get(family(path), ("", ""))[1]):
        between, found = text[at:start], text[start:end]
        nothing = _blank(found)
        if is_comment:
            pieces = (nothing, nothing, found)
        else:
            pieces = (found, found[0] + nothing[1:-1] + found[-1] if len(found) > 1 else found, nothing)
        code += (between, pieces[0])
        bare += (between, pieces[1])
        comment += (_blank(between), pieces[2])
        at = end
    rest = text[at:]
    return Parts("".join(code) + rest, "".join(bare) + rest, "".join(comment) + _blank(rest))


def _tokens(pattern: re.Pattern[str], text: str, closing: str) -> Iterator[tuple[int, int, bool]]:
    """Beginning and end of each string and comment, and whether it is a comment."""
    at, closes = 0, bool(closing)
    while match := pattern.search(text, at):
        start, at = match.span()
        if match.lastgroup == "b":
            end = text.find(closing, at) if closes else -1
            if end < 0:
                closes = False
                continue
            at = end + len(closing)
        if match.lastgroup != "e":
            yield start, at, match.lastgroup != "s"


@lru_cache
def _compiled(name: str) -> re.Pattern[str] | None:
    if not name:
        return None
    comment, string, _ = _FAMILIES[name]
    block = re.escape(_BLOCKS[name][0]) if name in _BLOCKS else _NEVER
    # `e`: an escaped quote outside of a string opens none; without it a string of them is looked through from each.
    return re.compile(f"(?P<s>{string})|(?P<b>{block})|(?P<c>{comment})|(?P<e>\\\\.)", re.DOTALL | re.MULTILINE)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
