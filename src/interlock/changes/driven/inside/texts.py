"""Texts and numbers to try: a stranger's, those that the code itself names, and those that its patterns match."""

from __future__ import annotations

import ast
import random
import re
from re import _parser  # type: ignore[attr-defined]  # the only reader of patterns that agrees with `re`
from typing import Any

NAMES = ("ann", "bob", "eve", "k1")
PLAIN = (
    *NAMES,
    "a",
    "",
    "hello",
    "12",
    "a b",
    "Ann",
    "x" * 40,
    "note.txt",
    "ann@home.example",
    "https://shop.example/a",
)
# What a stranger tries. Each is seen again, raw, where it went through as it came.
HOSTILE = (
    "<script>alert(1)</script>", "\"><img src=x>", "' OR '1'='1", "a'; DROP TABLE t; --", "a\r\nX-Evil: 1", "a\nb: 1",
    "../../etc/passwd", "/etc/passwd", "..\\..\\x", "//evil.example/x", "https://evil.example/x", "/\\evil.example",
    "https://shop.example.evil.example/", "http://127.0.0.1/x", "http://169.254.169.254/", "javascript:alert(1)",
    "=1+1", "+1", "-oProxyCommand=x", "--upload-pack=x", "$(id)", "; id", "`id`", "{0.__class__}", "%s%n", "a\0b",
    "*)(uid=*", "%", "_", "A" * 5000, "\uff19", "\ufb00", "a\u202eb",
    "data:text/html,x", "file:///etc/passwd", "x.php", "x.html",
    "..", ".", "~", "*", "null", "__proto__", "__class__",
    "admin", "root", "0", "-1", "1e9", "nan", "inf", "[1,2]", "{}",
)  # fmt: skip
# Those that do harm where they stand as they came; the others are words that some code trusts.
HARMFUL = tuple(text for text in HOSTILE if len(text) > 3 and re.search(r"[<>'\"\r\n\0;$`{}|*:]|\.\./|^[=+/-]", text))
NUMBERS = (0, 1, -1, 2, 3, 5, 10, 50, 100, -7, 255, 256, 1000, 65535, 65536, 10**6, 10**9, 1 << 31, 1 << 63)
REALS = (0.0, 0.5, -1.0, 1.5, 0.004, 1e9, float("inf"), float("nan"))
_LONGEST = 120


def constants(*sources: str) -> dict[str, list[Any]]:
    """Constants of programs by kind (`text`, `number`, `real`, `bytes`), without docstrings."""
    found: dict[str, dict[Any, None]] = {"text": {}, "number": {}, "real": {}, "bytes": {}}
    for source in sources:
        tree = ast.parse(source)
        idle = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in idle:
                kind = {str: "text", int: "number", float: "real", bytes: "bytes"}.get(type(node.value))
                if kind and len(str(node.value)) <= _LONGEST:
                    found[kind][node.value] = None
    for text in list(found["text"]):
        found["text"].update(dict.fromkeys(matching(text)))
    return {kind: list(values) for kind, values in found.items()}


def matching(text: str, chance: random.Random | None = None) -> list[str]:
    """Some texts that a pattern matches; none where a text is none, or matches nothing but itself."""
    if not re.search(r"[\\\[(^$+*?]", text):
        return []
    chance = chance or random.Random(3)  # noqa: S311 - the same ones every time
    try:
        tree = _parser.parse(text)
    except (re.error, OverflowError, RecursionError):
        return []
    found = []
    for _ in range(4):
        try:
            one = _matched(tree, chance)
        except (KeyError, ValueError, IndexError, TypeError):
            return []
        if one and one != text:
            found.append(one)
    return found


def _matched(tree: Any, chance: random.Random) -> str:
    out = []
    for op, given in tree:
        name = str(op)
        if name == "LITERAL":
            out.append(chr(given))
        elif name == "NOT_LITERAL":
            out.append("b" if chr(given) == "a" else "a")
        elif name == "ANY":
            out.append("a")
        elif name == "IN":
            out.append(_of_class(given, chance))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, part = given
            times = chance.choice((least, min(int(most), least + 2)))
            out.append("".join(_matched(part, chance) for _ in range(min(times, 64))))
        elif name == "SUBPATTERN":
            out.append(_matched(given[3], chance))
        elif name == "BRANCH":
            out.append(_matched(chance.choice(given[1]), chance))
        elif name == "ATOMIC_GROUP":
            out.append(_matched(given, chance))
    return "".join(out)


_OF_CATEGORY = {"CATEGORY_DIGIT": "7", "CATEGORY_WORD": "w", "CATEGORY_SPACE": " ", "CATEGORY_NOT_DIGIT": "d",
                "CATEGORY_NOT_WORD": "-", "CATEGORY_NOT_SPACE": "s"}  # fmt: skip


def _of_class(parts: Any, chance: random.Random) -> str:
    negated = str(parts[0][0]) == "NEGATE"
    if negated:
        return chance.choice("xk5")
    op, given = chance.choice(parts)
    if str(op) == "RANGE":
        return chr(chance.randint(*given))
    return chr(given) if str(op) == "LITERAL" else _OF_CATEGORY[str(given)]


class Words:
    """What arguments are drawn from."""

    def __init__(self, known: dict[str, list[Any]]) -> None:
        self.known = known  # constants of the code, by kind

    def text(self, chance: random.Random, beside: list[Any], name: str) -> str:
        """A text. `beside`: what the code compares it with; `name`: of the parameter."""
        near = [one for one in beside if isinstance(one, str)]
        draw = chance.random()
        if near and draw < 0.3:
            return str(chance.choice(near))
        if draw < 0.55:
            return chance.choice((*NAMES, *_hinted(name)))
        if draw < 0.68 and self.known["text"]:
            word = str(chance.choice(self.known["text"]))
            return chance.choice((word, word, word + "x", "x" + word, word.upper(), word[:-1]))
        if draw < 0.9:
            return self._mixed(chance, chance.choice(HOSTILE), name)
        return chance.choice(PLAIN)

    def _mixed(self, chance: random.Random, hostile: str, name: str) -> str:
        """A stranger's text alone, or in what the code takes."""
        around = chance.choice((*PLAIN[:10], *_hinted(name), *map(str, self.known["text"][:30])))
        return chance.choice((hostile, hostile, around + hostile, hostile + around))

    def number(self, chance: random.Random, beside: list[Any]) -> int:
        """A whole number, often near one that the code names."""
        near = [one for one in beside if isinstance(one, int)]
        of_code = [n for n in self.known["number"] if abs(n) < 1 << 40]
        draw = chance.random()
        if near and draw < 0.35:
            return int(chance.choice(near)) + chance.choice((-1, 0, 1))
        if of_code and draw < 0.65:
            return int(chance.choice(of_code) + chance.choice((-1, 0, 0, 1)))
        return chance.choice((1, 2, 3, 5, 10)) if draw < 0.85 else chance.choice(NUMBERS)

    def real(self, chance: random.Random) -> float:
        """A real number."""
        return float(chance.choice((*REALS, *self.known["real"], 2.0, 10.0)))

    def bytes(self, chance: random.Random, name: str) -> bytes:
        """Bytes."""
        if self.known["bytes"] and chance.random() < 0.3:
            return bytes(chance.choice(self.known["bytes"]))
        return chance.choice((b"", b"secret", b"0123456789abcdef", bytes(32), self.text(chance, [], name).encode()))


_HINTS = (
    (
        re.compile(r"url|uri|link|next|redirect|href|target|origin|hook"),
        ("https://shop.example/a", "/home", "/a/b?c=1"),
    ),
    (re.compile(r"mail|sender|recipient"), ("ann@home.example", "bob@shop.example")),
    (re.compile(r"path|file|name|folder|dir"), ("note.txt", "a/b.txt", "report.pdf")),
    (re.compile(r"host|domain|server"), ("shop.example", "api.shop.example", "10.0.0.1")),
    (re.compile(r"date|day|when"), ("2025-06-15", "2025-06-16")),
    (re.compile(r"amount|price|sum|count|number|size"), ("10", "0.49", "100.00")),
    (re.compile(r"token|code|key|secret|sign|mac|digest"), ("0123456789abcdef", "ab" * 32)),
    (re.compile(r"role|status|kind|type|method"), ("admin", "user", "GET", "text/plain")),
)


def _hinted(name: str) -> tuple[str, ...]:
    """Texts that a parameter of this name is likely to take."""
    return tuple(text for pattern, texts in _HINTS if pattern.search(name.lower()) for text in texts)
