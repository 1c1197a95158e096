r"""Backslash escapes: `$'…'`, `echo -e`, `printf '%b'` and printf formats. Source: bash 5.2 manual, 3.1.2.4 and 4.2."""

from __future__ import annotations

import re

_SIMPLE = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:([abeEfnrtv\\'\"?])|([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|c(.))",
    re.DOTALL,
)
_ECHO = re.compile(
    r"\\(?:([abeEfnrtv\\])|(?:0([0-7]{0,3}))|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(c))"
)


def _character(code: int) -> str:
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _byte(digits: str, base: int) -> str:
    """One byte; above 0x7f as a surrogate, so that `_joined` can put the bytes of one character together."""
    code = int(digits, base) & 0xFF
    return chr(code) if 0 < code < 0x80 else chr(0xDC00 + code) if code else ""


def _joined(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def ansi_c(text: str) -> str:
    """The value of `$'text'`. A NUL ends the string, as in bash; bytes that are not UTF-8 become U+FFFD."""

    def one(match: re.Match[str]) -> str:
        simple, octal, hexa, short, long, control = match.groups()
        if simple:
            return _SIMPLE[simple]
        if control:
            return _character(ord(control.upper()) & 0x1F if control != "?" else 0x7F) or "\0"
        if octal:
            return _byte(octal, 8) or "\0"
        if hexa:
            return _byte(hexa, 16) or "\0"
        return _character(int(short or long, 16)) or "\0"

    return _joined(_ESCAPE.sub(one, text).split("\0", 1)[0])


def echo_escapes(text: str) -> tuple[str, bool]:
    r"""The value of `text` under `echo -e` or `%b`, and whether `\c` ended the output there."""
    out: list[str] = []
    at = 0
    for match in _ECHO.finditer(text):
        out.append(text[at : match.start()])
        simple, octal, hexa, short, long, stop = match.groups()
        if stop:
            return _joined("".join(out)), True
        if simple:
            out.append(_SIMPLE[simple])
        elif octal is not None:
            out.append(_byte(octal or "0", 8))
        elif hexa:
            out.append(_byte(hexa, 16))
        else:
            out.append(_character(int(short or long, 16)))
        at = match.end()
    out.append(text[at:])
    return _joined("".join(out)), False
