"""What `echo` and `printf` write, when their words are known. Source: bash 5.2 manual, 4.2."""

from __future__ import annotations

import re

from interlock.effects.shell.escapes import ansi_c, echo_escapes

_FORMAT = re.compile(r"%(?:%|(\([^)]*\)T)|([-+ #0]*)([0-9]*|\*)(?:\.([0-9]*|\*))?([diouxXsbqcfeEgGaA]))")
MAX_OUTPUT = 262_144


def echo(words: list[str]) -> str:
    """The output of `echo words…` without options of shopt."""
    newline, escapes = True, False
    at = 0
    while at < len(words) and re.fullmatch(r"-[neE]+", words[at]):
        for flag in words[at][1:]:
            if flag == "n":
                newline = False
            else:
                escapes = flag == "e"
        at += 1
    text = " ".join(words[at:])
    if escapes:
        text, stopped = echo_escapes(text)
        if stopped:
            return text
    return text + "\n" if newline else text


def printf(words: list[str]) -> str | None:
    """The output of `printf format arguments…`; None when it cannot be told."""
    if not words or words[0].startswith("-"):
        if words[:1] == ["--"] and len(words) > 1:
            words = words[1:]
        else:
            return None
    form, arguments = words[0], list(words[1:])
    out: list[str] = []
    size = 0
    while True:
        before = len(arguments)
        piece, stopped = _once(form, arguments)
        if piece is None:
            return None
        out.append(piece)
        size += len(piece)
        if size > MAX_OUTPUT:
            return None
        if stopped or not arguments or len(arguments) == before:
            return "".join(out)


def _once(form: str, arguments: list[str]) -> tuple[str | None, bool]:
    out: list[str] = []
    at = 0
    for match in _FORMAT.finditer(form):
        literal = form[at : match.start()]
        if "%" in literal:
            return None, False
        text, stopped = _literal(literal)
        out.append(text)
        if stopped:
            return "".join(out), True
        at = match.end()
        piece, stopped = _conversion(match, arguments)
        if piece is None:
            return None, False
        out.append(piece)
        if stopped:
            return "".join(out), True
    if "%" in form[at:]:
        return None, False
    text, stopped = _literal(form[at:])
    out.append(text)
    return "".join(out), stopped


def _literal(text: str) -> tuple[str, bool]:
    if "\\" not in text:
        return text, False
    if "\\c" in text:
        return ansi_c(text.split("\\c", 1)[0]), True
    return ansi_c(text), False


def _conversion(match: re.Match[str], arguments: list[str]) -> tuple[str | None, bool]:
    time, flags, width, precision, kind = match.groups()
    if match.group() == "%%":
        return "%", False
    if time or width == "*" or precision == "*" or kind in "qfeEgGaA":
        return None, False
    value = arguments.pop(0) if arguments else ""
    stopped = False
    if kind in "sbc":
        if kind == "b":
            value, stopped = echo_escapes(value)
        elif kind == "c":
            value = value[:1]
        if precision is not None:
            value = value[: int(precision or 0)]
        if width:
            value = value.ljust(min(int(width), 4096)) if "-" in flags else value.rjust(min(int(width), 4096))
        return value, stopped
    if (
        not re.fullmatch(r"-?[0-9]{0,15}", value)
        or flags
        or precision is not None
        or (len(value) > 1 and value[0] == "0")
    ):
        return None, False
    number = int(value or 0)
    if number < 0 and kind not in "di":
        return None, False
    form = {"d": "d", "i": "d", "u": "d", "o": "o", "x": "x", "X": "X"}[kind]
    return format(number, form).rjust(min(int(width or 0), 4096)), False
