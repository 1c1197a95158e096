"""The letters of PowerShell: blanks and comments, quotes, variables, numbers. What they mean depends on the parser."""

from __future__ import annotations

import re

# PowerShell takes typographic quotes and dashes for plain ones; each is one character, so places stay true.
_PLAIN = str.maketrans(
    {
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{SINGLE LOW-9 QUOTATION MARK}": "'",
        "\N{SINGLE HIGH-REVERSED-9 QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{DOUBLE LOW-9 QUOTATION MARK}": '"',
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{HORIZONTAL BAR}": "-",
        "\N{NO-BREAK SPACE}": " ",
        "\r": "\n",
    }
)
_ESCAPES = {"0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SCOPE = re.compile(r"(?:global|local|script|private|using|variable):", re.IGNORECASE)
VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|((?:\w+:)?\w+|[?$^]))")
NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]+|\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?[lLdDuU]*(?:[kKmMgGtTpP][bB])?")
NAME = re.compile(r"[A-Za-z_]\w*")
BARE_END = frozenset(" \t\n;|&(){},\"'`$<>")


def plain(text: str) -> str:
    """The text with plain quotes and dashes."""
    return text.translate(_PLAIN)


def escaped(text: str, at: int) -> tuple[str, int]:
    """What a backtick at `at` stands for, and where the text goes on."""
    if at + 1 >= len(text):
        return "", at + 1
    char = text[at + 1]
    if char == "\n":
        return "", at + 2
    if char == "u" and text[at + 2 : at + 3] == "{":
        end = text.find("}", at)
        digits = text[at + 3 : end] if end > 0 else ""
        if re.fullmatch(r"[0-9a-fA-F]{1,6}", digits) and int(digits, 16) < 0x110000:
            return chr(int(digits, 16)), end + 1
    return _ESCAPES.get(char, char), at + 2


def blank(text: str, at: int, *, lines: bool) -> int:
    """The place of the next character that is no blank, comment or joined line; `lines`: newlines are blanks too."""
    while at < len(text):
        char = text[at]
        if char in " \t\f\v" or (lines and char == "\n"):
            at += 1
        elif char == "`" and text[at + 1 : at + 2] == "\n":
            at += 2
        elif text.startswith("<#", at):
            end = text.find("#>", at + 2)
            at = len(text) if end < 0 else end + 2
        elif char == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        else:
            return at
    return at


def single(text: str, at: int) -> tuple[str, int] | None:
    """The text in single quotes that begins at `at`, and the place behind it; None when it does not end."""
    out: list[str] = []
    at += 1
    while True:
        end = text.find("'", at)
        if end < 0:
            return None
        out.append(text[at:end])
        if text[end + 1 : end + 2] != "'":
            return "".join(out), end + 1
        out.append("'")
        at = end + 2


def here(text: str, at: int) -> tuple[str, int] | None:
    """The body of a here-string (`@'` or `@"`) at `at`, and the place behind it; None when it is none."""
    quote = text[at + 1]
    start = blank_line = at + 2
    while blank_line < len(text) and text[blank_line] in " \t":
        blank_line += 1
    if text[blank_line : blank_line + 1] != "\n":
        return None
    start = blank_line + 1
    end = text.find("\n" + quote + "@", start - 1)
    if end < 0:
        return None
    return text[start : max(start, end)], end + 3


def variable_name(matched: re.Match[str]) -> str:
    """The name that a variable is known by: in lower case, without its scope."""
    return _SCOPE.sub("", matched.group(1) or matched.group(2) or "", count=1).lower()
