"""Integer arithmetic as bash computes it: 64 bits, C operators, variables by name.

`compute` returns the number, or raises `NotConstant`; it never guesses. Source: bash 5.2 manual, 6.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|[0-9]+#[0-9A-Za-z@_]+|[0-9]+)|([A-Za-z_][A-Za-z0-9_]*)"
    r"|(\*\*|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|[-+*/%&^|]=|[-+*/%<>!~&^|?:=(),\[\]]))"
)
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", ">", "<=", ">="), ("<<", ">>"), ("+", "-"),
    ("*", "/", "%"),
)  # fmt: skip
_ASSIGNS = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "^=", "|="))
_STEPS = {"++": 1, "--": -1}
MAX_TOKENS = 500

Look = Callable[[str], str | None]
Store = Callable[[str, int], None]


class NotConstant(Exception):
    """The value cannot be known."""


def wrap(number: int) -> int:
    """Into 64 bits, two's complement."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def names_assigned(text: str) -> tuple[str, ...]:
    """Every name in the expression, when it holds any operator that assigns: what may have changed."""
    if not any(op in text for op in ("=", "++", "--")):
        return ()
    return tuple(sorted(set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text[:10_000]))))


def compute(text: str, look: Look, store: Store) -> int:
    """The value of `text`. `look` gives a variable's exact text ("" when unset) or None; `store` assigns one.

    Raises `NotConstant` for anything unknown, too long, or refused by bash.
    """
    tokens: list[str] = []
    at = 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(tokens) > MAX_TOKENS:
            raise NotConstant
        tokens.append(match.group().strip())
        at = match.end()
    if not tokens:
        return 0
    return _Expression(tokens, look, store).whole()


class _Expression:
    def __init__(self, tokens: list[str], look: Look, store: Store) -> None:
        self.tokens = tokens
        self.at = 0
        self.look = look
        self.store = store
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def whole(self) -> int:
        value = self.comma()
        if self.at != len(self.tokens):
            raise NotConstant
        return value

    def comma(self) -> int:
        value = self.assign()
        while self.peek() == ",":
            self.take()
            value = self.assign()
        return value

    def assign(self) -> int:
        name = self.peek()
        op = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        if name.isidentifier() and op in _ASSIGNS:
            self.at += 2
            value = self.assign()
            if op != "=":
                value = _apply(op[:-1], self.value(name), value)
            self.store(name, value)
            return value
        return self.ternary()

    def ternary(self) -> int:
        condition = self.binary(0)
        if self.peek() == "?":
            self.take()
            if any(token in _ASSIGNS or token in ("++", "--") for token in self.tokens[self.at :]):
                raise NotConstant
            yes = self.assign()
            if self.take() != ":":
                raise NotConstant
            no = self.assign()
            return yes if condition else no
        return condition

    def binary(self, level: int) -> int:
        if level == len(_LEVELS):
            return self.power()
        value = self.binary(level + 1)
        while self.peek() in _LEVELS[level]:
            op = self.take()
            if op in ("&&", "||") and any(t in _ASSIGNS or t in ("++", "--") for t in self.tokens[self.at :]):
                raise NotConstant
            value = _apply(op, value, self.binary(level + 1))
        return value

    def power(self) -> int:
        base = self.unary()
        if self.peek() == "**":
            self.take()
            exponent = self.power()
            if not 0 <= exponent <= 64:
                raise NotConstant
            return wrap(base**exponent)
        return base

    def unary(self) -> int:
        self.depth += 1
        if self.depth > 60:
            raise NotConstant
        try:
            token = self.take()
            if token in ("+", "-", "!", "~"):
                value = self.unary()
                return wrap({"+": value, "-": -value, "!": int(value == 0), "~": ~value}[token])
            if token in ("++", "--"):
                name = self.take()
                step = _STEPS[token]
                value = wrap(self.value(name) + step)
                self.store(name, value)
                return value
            return self.primary(token)
        finally:
            self.depth -= 1

    def primary(self, token: str) -> int:
        if token[:1] == "(":
            value = self.comma()
            if self.take() != ")":
                raise NotConstant
            return value
        if token[:1].isdigit():
            return number(token)
        value = self.value(token)
        if self.peek() in ("++", "--"):
            self.store(token, wrap(value + (1 if self.take() == "++" else -1)))
        return value

    def value(self, name: str) -> int:
        if not name.isidentifier() or not name.isascii() or self.peek() == "[":
            raise NotConstant
        text = self.look(name)
        if text is None:
            raise NotConstant
        text = text.strip()
        if not text:
            return 0
        sign = -1 if text.startswith("-") else 1
        digits = text.lstrip("+-")
        if not digits[:1].isdigit():
            raise NotConstant
        return sign * number(digits)


def number(token: str) -> int:
    """A literal: decimal, 0octal, 0xhex, base#digits. Raises `NotConstant` when malformed or enormous."""
    if len(token) > 24 or not token.isascii():
        raise NotConstant
    try:
        if "#" in token:
            base, digits = token.split("#", 1)
            if int(base) > 36:
                raise NotConstant
            return wrap(int(digits, int(base)))
        if token[:2] in ("0x", "0X"):
            return wrap(int(token, 16))
        if token.startswith("0") and len(token) > 1:
            return wrap(int(token, 8))
        return wrap(int(token))
    except ValueError:
        raise NotConstant from None


def _apply(op: str, a: int, b: int) -> int:
    if op in ("/", "%"):
        if b == 0:
            raise NotConstant
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return wrap(quotient if op == "/" else a - b * quotient)
    if op in ("<<", ">>"):
        return wrap(a << (b & 63)) if op == "<<" else a >> (b & 63)
    simple: dict[str, Callable[[], int]] = {
        "+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "|": lambda: a | b, "^": lambda: a ^ b,
        "&": lambda: a & b, "||": lambda: int(bool(a) or bool(b)), "&&": lambda: int(bool(a) and bool(b)),
        "==": lambda: int(a == b), "!=": lambda: int(a != b), "<": lambda: int(a < b), ">": lambda: int(a > b),
        "<=": lambda: int(a <= b), ">=": lambda: int(a >= b),
    }  # fmt: skip
    return wrap(simple[op]())
