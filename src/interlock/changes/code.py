"""Text of a program told apart into code, strings and comments, without a parser: what does not parse too. Pure.

One regular expression a family of languages, linear in the text. Where a language is more than it knows (regular
expressions of JavaScript, here-documents) it is wrong within a line, not beyond.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_DOUBLE = r'"(?:\\.|[^"\\\n])*"'
_SINGLE = r"'(?:\\.|[^'\\\n])*'"
_BACK = r"`(?:\\.|[^`\\])*`"
_TRIPLE = r'"""(?:\\.|[^\\])*?"""' + r"|'''(?:\\.|[^\\])*?'''"
_SLASHES = r"//[^\n]*|/\*.*?\*/"
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
    "sql": (r"--[^\n]*|/\*.*?\*/", _SINGLE, "sql"),
    "markup": (r"<!--.*?-->", r"\Z(?!\Z)", "html htm xml md"),
}
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
    for match in pattern.finditer(text):
        between, found = text[at : match.start()], match[0]
        nothing = _blank(found)
        if match.lastgroup == "c":
            pieces = (nothing, nothing, found)
        else:
            pieces = (found, found[0] + nothing[1:-1] + found[-1] if len(found) > 1 else found, nothing)
        code += (between, pieces[0])
        bare += (between, pieces[1])
        comment += (_blank(between), pieces[2])
        at = match.end()
    rest = text[at:]
    return Parts("".join(code) + rest, "".join(bare) + rest, "".join(comment) + _blank(rest))


@lru_cache
def _compiled(name: str) -> re.Pattern[str] | None:
    if not name:
        return None
    comment, string, _ = _FAMILIES[name]
    return re.compile(f"(?P<s>{string})|(?P<c>{comment})", re.DOTALL | re.MULTILINE)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
