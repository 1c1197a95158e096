"""Random pairs of conditions, and the truth about them by trying every value."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

TYPES = {"n": "int", "m": "int", "s": "str", "on": "bool"}
NUMBERS = range(-7, 9)
TEXTS = ["".join(letters) for size in range(5) for letters in itertools.product("abc", repeat=size)]
SOME = {
    "n": NUMBERS,
    "m": NUMBERS,
    "s": TEXTS,
    "on": (False, True),
    "v": (None, 0, 1, 2, "", "a", "b", "ab", "ba", "?"),
    "o": (False, True),
}


def atom(chance: random.Random) -> str:
    """One comparison or truth value."""
    number, text = chance.randint(0, 3), chance.choice(["", "a", "b", "ab", "ba"])
    sign = chance.choice(["<", "<=", ">", ">=", "==", "!="])
    return chance.choice(
        [
            f"n {sign} {number}",
            f"m {sign} {number}",
            f"n {sign} m + {number}",
            f"{number} {sign} n",
            f"0 <= n {chance.choice(['<', '<='])} {number}",
            f"n in ({number}, {chance.randint(0, 3)})",
            "n",
            "on",
            f"on == {chance.choice([True, False])}",
            f"s == {text!r}",
            f"s != {text!r}",
            f"s not in ({text!r}, 'a')",
            f"s.startswith({text!r})",
            f"s.endswith({text!r})",
            f"{text!r} in s",
            f"len(s) {sign} {chance.randint(0, 2)}",
            "s",
            f"v == {chance.choice(['None', '1', repr('a'), 'True'])}",
            f"v in (0, {text!r})",
            "v is None",
            "v",
            "o",
        ]
    )


def condition(chance: random.Random, depth: int = 2) -> str:
    """A condition of a few atoms."""
    kind = chance.random()
    if depth == 0 or kind < 0.3:
        return atom(chance)
    if kind < 0.45:
        return f"not ({condition(chance, depth - 1)})"
    word = chance.choice(["and", "or"])
    return f"({condition(chance, depth - 1)}) {word} ({condition(chance, depth - 1)})"


def pair(chance: random.Random) -> tuple[str, str]:
    """An old and a new condition: unrelated, or the one made of the other."""
    old = condition(chance)
    kind = chance.random()
    if kind < 0.3:
        return old, condition(chance)
    if kind < 0.5:
        return old, f"({old}) or ({condition(chance, 1)})"
    if kind < 0.7:
        return old, f"({old}) and ({condition(chance, 1)})"
    if kind < 0.85:
        return f"({old}) and ({condition(chance, 1)})", old
    return f"not ({old})", f"not (({old}) and ({condition(chance, 1)}))"


def used(text: str) -> list[str]:
    """The names in a condition."""
    import ast

    return sorted({n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)} & set(SOME))


def worlds(old: str, new: str) -> Iterator[dict[str, object]]:
    """Every assignment of the names in the two."""
    names = used(f"({old}, {new})")
    for values in itertools.product(*(SOME[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def let_through(old: str, new: str) -> dict[str, object] | None:
    """What the old one rejects and the new one does not; None where there is nothing among all the values."""
    one, other = compile(old, "old", "eval"), compile(new, "new", "eval")
    for world in worlds(old, new):
        if eval(one, {"len": len}, world) and not eval(other, {"len": len}, world):
            return world
    return None
