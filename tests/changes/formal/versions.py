"""Pairs of versions of small functions, with what is true of them: for the test of the solver and its benchmark."""

from __future__ import annotations

from typing import NamedTuple


class Versions(NamedTuple):
    """Two programs that define `f`, its parameters' kinds, and whether any arguments tell them apart."""

    name: str
    before: str
    after: str
    kinds: dict[str, str]
    differ: bool


def _same(name: str, kinds: str, before: str, after: str) -> Versions:
    return _versions(name, kinds, before, after, False)


def _other(name: str, kinds: str, before: str, after: str) -> Versions:
    return _versions(name, kinds, before, after, True)


def _versions(name: str, kinds: str, before: str, after: str, differ: bool) -> Versions:
    words = dict(one.split(": ") for one in kinds.split(", "))
    head = f"def f({', '.join(words)}):\n"
    sides = [head + "".join(f"    {line}\n" for line in body.strip("\n").split("\n")) for body in (before, after)]
    return Versions(name, sides[0], sides[1], words, differ)


PAIRS = (
    _same("a sum turned round", "a: int, b: int", "return a + b * 2", "return b + b + a"),
    _other("a rare amount", "n: int", "return n * 3", "if n == 7919:\n    return 0\nreturn n * 3"),
    _other("a limit moved by one", "n: int", "return n if n < 65537 else 65537", "return n if n < 65536 else 65537"),
    _same(
        "a chain in place of ifs",
        "n: int",
        "if n < 0:\n    return 0\nif n > 9:\n    return 9\nreturn n",
        "return max(0, min(9, n))",
    ),
    _other("a division that rounds", "a: int, b: int", "return a // b", "return -(-a // b)"),
    _same("the rest, computed", "a: int, b: int", "return a % b", "return a - a // b * b"),
    _other("an error less", "a: int, b: int", "return a // b", "return a // b if b else 0"),
    _other(
        "a sum that meets",
        "a: int, b: int, c: int",
        "return a + b == c",
        "return a + b == c or (a * 3 == 222 and b == c)",
    ),
    _same("demorgan", "a: bool, b: bool, c: bool", "return not (a and b) or c", "return not a or not b or c"),
    _other("an operator for another", "a: bool, b: bool, c: bool", "return a and (b or c)", "return a and b or c"),
    _same("a name in a list", "s: str", "return s == 'get' or s == 'head'", "return s in ('get', 'head')"),
    _other("a name more", "s: str", "return s in ('get', 'head')", "return s in ('get', 'head', 'trace')"),
    _other(
        "a beginning for the whole",
        "s: str",
        "if s != '/admin':\n    return 1\nraise PermissionError",
        "if not s.startswith('/admin'):\n    return 1\nraise PermissionError",
    ),
    _same(
        "a beginning cut off", "s: str", "return s[4:] if s.startswith('http') else s", "return s.removeprefix('http')"
    ),
    _other(
        "a length",
        "s: str",
        "if len(s) > 20:\n    raise ValueError\nreturn s",
        "if len(s) >= 20:\n    raise ValueError\nreturn s",
    ),
    _same(
        "trimmed once",
        "s: str",
        "t = s.strip()\nif t.lower() == 'yes':\n    return True\nreturn t.lower() == 'y'",
        "return s.strip().lower() in ('yes', 'y')",
    ),
    _other(
        "an order changed",
        "s: str",
        "return s.replace('a', 'b').replace('b', 'c')",
        "return s.replace('b', 'c').replace('a', 'b')",
    ),
    _other("nothing or empty", "s: str | None", "if s is None:\n    return 'x'\nreturn s", "return s or 'x'"),
    _same(
        "a sum in a loop",
        "n: int",
        "t = 0\nfor i in range(n):\n    t += i\nreturn t",
        "return n * (n - 1) // 2 if n > 0 else 0",
    ),
    _other(
        "a loop that ends early",
        "n: int",
        "t = 0\nwhile n > 0:\n    t += n\n    n -= 1\nreturn t",
        "t = 0\nwhile n > 1:\n    t += n\n    n -= 1\nreturn t",
    ),
    _same("any for in", "s: str", "return any(c == 'x' for c in s)", "return 'x' in s"),
    _other("the last in place of the first", "v: list[int]", "return v[0]", "return v[-1]"),
    _same(
        "the largest",
        "v: list[int]",
        "if not v:\n    return 0\nreturn max(v)",
        "best = v[0] if v else 0\nfor one in v:\n    if one > best:\n        best = one\nreturn best",
    ),
    _other("an error caught", "s: str", "return int(s)", "try:\n    return int(s)\nexcept ValueError:\n    return 0"),
)
