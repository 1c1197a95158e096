"""Patterns in two notations: what is called the same matches the same texts, and all short texts say so too."""

from __future__ import annotations

import itertools
import random
import re

import pytest

from interlock.changes.guards import patterns
from interlock.changes.guards.files import functions
from interlock.changes.guards.guard import Function
from interlock.changes.guards.losing import losses

SAME = {
    "alternatives and a class": (r"(<|>)", r"([<>])"),
    "needless strokes": (r"(\$|\;|\&|\|)", r"[$&;|]"),
    "an order of alternatives": (r"^(?:b|a)$", r"^(?:a|b)$"),
    "a bound and what it stands for": (r"\d{1,3}", r"\d\d?\d?"),
    "a number of a character": (r"\u0000", r"\0"),
    "a class turned round": (r"[^\n]", r"."),
    "what is looked for ahead, in another place": (r"(?!x)a|b", r"b|(?!x)a"),
}
OTHER = {
    "an anchor less": (r"^[a-z]+$", r"^[a-z]+"),
    "one character more": (r"[a-y]+", r"[a-z]+"),
    "nothing at all, too": (r"a+", r"a*"),
    "as little as there is": (r"a.*b", r"a.*?b"),
    "letters of both sizes": (r"(?i)a", r"a"),
    "one more": (r"x{2,3}", r"x{2,4}"),
    "kinds of characters that notations count otherwise": (r"\s", r"[ \t\r\n\f\v]"),
    "one that may take much longer": (r"(?:a|b)+c", r"(?:a+|b)+c"),
}


@pytest.mark.parametrize("name", SAME)
def test_another_notation_is_no_other_pattern(name: str) -> None:
    one, other = SAME[name]
    assert patterns.same(one, other)
    assert patterns.same(other, one)


@pytest.mark.parametrize("name", OTHER)
def test_another_pattern_is_not_the_same(name: str) -> None:
    assert not patterns.same(*OTHER[name])


def _made(chance: random.Random, depth: int) -> str:
    if depth == 0:
        return chance.choice(["a", "b", "[ab]", "[^a]", ".", "(?:)"])
    kind = chance.randrange(4)
    inner = _made(chance, depth - 1)
    if kind == 0:
        return f"(?:{inner}|{_made(chance, depth - 1)})"
    if kind == 1:
        return f"(?:{inner}){chance.choice(['?', '*', '+', '{1,2}', '{2}'])}"
    return inner + _made(chance, depth - 1)


def test_what_is_the_same_matches_the_same_of_all_short_texts() -> None:
    chance = random.Random(11)
    texts = ["".join(letters) for n in range(5) for letters in itertools.product("abc", repeat=n)]
    told = 0
    for _ in range(1500):
        one, other = (re.compile(_made(chance, chance.choice([1, 1, 2]))) for _ in range(2))
        equal = [bool(one.fullmatch(t)) for t in texts] == [bool(other.fullmatch(t)) for t in texts]
        if patterns.same(one.pattern, other.pattern):
            told += 1
            assert equal, (one.pattern, other.pattern)
    assert told > 5


def test_a_pattern_written_otherwise_is_no_loss_and_one_that_finds_less_is() -> None:
    before = "import re\n\ndef f(x):\n    return re.sub(r'(\\$|;|&)', '', x)\n"
    assert not losses(*_read(before, before.replace("(\\$|;|&)", "([$;&])")))
    assert losses(*_read(before, before.replace("(\\$|;|&)", "([$;])")))


def _read(*texts: str) -> list[list[Function]]:
    return [functions("a.py", text) for text in texts]
