"""Glob patterns against text, without backtracking bombs: `*`, `?`, `[…]`, and quoted characters.

A pattern is a list of tokens, so that a quoted `*` stays an ordinary character.
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_WORK = 200_000  # comparisons; beyond, the answer is "not known"

MAX_BRACKET = 512  # characters of one `[…]`; a longer one is taken literally

Token = str | tuple[bool, frozenset[str], tuple[tuple[str, str], ...]]  # one character, "*"/"?" marked, or a set

ANY_RUN = "\x00*"
ANY_ONE = "\x00?"

_CLASSES = {
    "digit": "0123456789",
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "alpha": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "alnum": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "space": " \t\n\r\v\f",
    "blank": " \t",
    "xdigit": "0123456789abcdefABCDEF",
    "punct": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}


def compile_pattern(pieces: Iterable[tuple[str, bool]]) -> list[Token]:
    """Tokens of a pattern given as (text, quoted) pieces; an unquoted backslash quotes the next character."""
    characters: list[tuple[str, bool]] = []
    for text, quoted in pieces:
        at = 0
        while at < len(text):
            char = text[at]
            if char == "\\" and not quoted and at + 1 < len(text):
                characters.append((text[at + 1], True))
                at += 2
                continue
            characters.append((char, quoted))
            at += 1
    tokens: list[Token] = []
    closing = max((index for index, one in enumerate(characters) if one == ("]", False)), default=-1)
    at = 0
    while at < len(characters):
        char, quoted = characters[at]
        at += 1
        if quoted:
            tokens.append(char)
        elif char == "*":
            if not tokens or tokens[-1] != ANY_RUN:
                tokens.append(ANY_RUN)
        elif char == "?":
            tokens.append(ANY_ONE)
        elif char == "[" and at < closing and (bracket := _bracket(characters, at)) is not None:
            token, at = bracket
            tokens.append(token)
        else:
            tokens.append(char)
    return tokens


def _bracket(characters: list[tuple[str, bool]], at: int) -> tuple[Token, int] | None:
    negated = at < len(characters) and characters[at] in (("!", False), ("^", False))
    at += negated
    members: set[str] = set()
    ranges: list[tuple[str, str]] = []
    first = True
    end = min(len(characters), at + MAX_BRACKET)
    while at < end:
        char, quoted = characters[at]
        if char == "]" and not quoted and not first:
            return (negated, frozenset(members), tuple(ranges)), at + 1
        first = False
        if char == "[" and not quoted and at + 1 < len(characters) and characters[at + 1][0] in ":.=":
            text = "".join(c for c, _ in characters[at + 2 : at + 12])
            name = text.split(":]", 1)[0] if ":]" in text else ""
            if characters[at + 1][0] == ":" and name in _CLASSES:
                members.update(_CLASSES[name])
                at += len(name) + 4
                continue
        if at + 2 < len(characters) and characters[at + 1] == ("-", False) and characters[at + 2] != ("]", False):
            ranges.append((char, characters[at + 2][0]))
            at += 3
            continue
        members.add(char)
        at += 1
    return None


def _one(token: Token, char: str) -> bool:
    if isinstance(token, str):
        return token in (char, ANY_ONE)
    negated, members, ranges = token
    inside = char in members or any(low <= char <= high for low, high in ranges)
    return inside != negated


def matches(tokens: list[Token], text: str) -> bool | None:
    """Whether the whole text matches; None when that would take too long to find out."""
    if len(tokens) * max(len(text), 1) > MAX_WORK:
        return None
    at = token = 0
    star = -1
    mark = 0
    while at < len(text):
        if token < len(tokens) and tokens[token] == ANY_RUN:
            star, mark = token, at
            token += 1
        elif token < len(tokens) and _one(tokens[token], text[at]):
            token += 1
            at += 1
        elif star >= 0:
            token = star + 1
            mark += 1
            at = mark
        else:
            return False
    while token < len(tokens) and tokens[token] == ANY_RUN:
        token += 1
    return token == len(tokens)


def literal(tokens: list[Token]) -> str | None:
    """The text that the pattern stands for when nothing in it is a wildcard."""
    if all(isinstance(token, str) and len(token) == 1 for token in tokens):
        return "".join(token for token in tokens if isinstance(token, str))
    return None


def strip_prefix(text: str, tokens: list[Token], *, longest: bool) -> str | None:
    """`${text#pattern}`; None when not found out."""
    plain = literal(tokens)
    if plain is not None:
        return text.removeprefix(plain)
    sizes = range(len(text), -1, -1) if longest else range(len(text) + 1)
    return _strip(text, tokens, sizes, front=True)


def strip_suffix(text: str, tokens: list[Token], *, longest: bool) -> str | None:
    """`${text%pattern}`; None when not found out."""
    plain = literal(tokens)
    if plain is not None:
        return text.removesuffix(plain)
    sizes = range(len(text), -1, -1) if longest else range(len(text) + 1)
    return _strip(text, tokens, sizes, front=False)


def _strip(text: str, tokens: list[Token], sizes: range, *, front: bool) -> str | None:
    if len(text) * len(text) * len(tokens) > MAX_WORK:
        return None
    for size in sizes:
        piece = text[:size] if front else text[len(text) - size :]
        if matches(tokens, piece):
            return text[size:] if front else text[: len(text) - size]
    return text


def replace(text: str, tokens: list[Token], by: str, *, every: bool, anchor: str) -> str | None:
    """`${text/pattern/by}`: the longest match at each place. `anchor` is "#", "%" or "". None when not found out."""
    if len(text) > 400 or len(text) * len(text) * max(len(tokens), 1) > MAX_WORK * 4:
        plain = literal(tokens)
        if plain and not anchor:
            return text.replace(plain, by, -1 if every else 1)
        return None
    if not tokens:
        return by + text if anchor == "#" else text + by if anchor == "%" else text
    out: list[str] = []
    at = 0
    while at <= len(text):
        stop = _longest(text, tokens, at, anchor)
        if stop is not None and stop > at:
            out.append(by)
            at = stop
            if not every:
                break
        else:
            if anchor == "#" or at == len(text):
                break
            out.append(text[at])
            at += 1
        if anchor == "#":
            break
    return "".join(out) + text[at:]


def _longest(text: str, tokens: list[Token], at: int, anchor: str) -> int | None:
    if anchor == "%":
        return len(text) if matches(tokens, text[at:]) else None
    for stop in range(len(text), at, -1):
        if matches(tokens, text[at:stop]):
            return stop
    return None
