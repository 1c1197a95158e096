"""No regular expression of the readers can be made to run for ever: whoever writes the text writes it for us."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from functools import reduce
from operator import or_
from pathlib import Path

import pytest

import interlock

ROOT = Path(interlock.__file__).parent
_FUNCTIONS = frozenset({"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"})
_ALPHABET = "".join(map(chr, range(33, 127))) + " \n\t"
SHARES = 8  # of the patterns, which are tried side by side
SHORT, LONG = 22, 2_000  # an exponential one takes seconds at 22 characters, a cubic one at 2,000


def literals() -> Iterator[tuple[str, str, int]]:
    """Every regular expression that stands as a literal in the code: where, the pattern, its flags."""
    re_flag = re.compile(r"\bre\.([A-Z]+)\b")
    called = re.compile(rf"\bre\.(?:{'|'.join(_FUNCTIONS)})\b")
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if called.search(text) else ():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.func.attr in _FUNCTIONS
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str)
            ):
                named = set(re_flag.findall(ast.unparse(node)))
                flags = reduce(or_, (int(getattr(re, name)) for name in named), 0)
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0].value, flags


@pytest.fixture(scope="module")
def patterns() -> dict[tuple[str, int], str]:
    """By pattern and flags, where it stands."""
    return {(pattern, flags): where for where, pattern, flags in literals()}


def slowest(regex: re.Pattern[str], length: int, limit: float) -> tuple[float, str]:
    """The most processor time that a text of one repeated character, or of two in turn, takes; and the character.

    The first that takes more than `limit` is enough.
    """
    said = [c for c in dict.fromkeys(regex.pattern) if c in _ALPHABET][:12] + list("a0 /-")
    worst = (0.0, "")
    for piece in [*_ALPHABET, *(a + b for a in said for b in said if a != b)]:
        text = piece * (length // len(piece)) + "\x00"
        begun = time.process_time()
        regex.search(text)
        regex.fullmatch(text)
        worst = max(worst, (time.process_time() - begun, piece))
        if worst[0] > limit:
            break
    return worst


def exploding(patterns: dict[tuple[str, int], str], length: int, limit: float) -> list[str]:
    found = []
    for (text, flags), where in patterns.items():
        spent, piece = slowest(re.compile(text, flags), length, limit)
        if spent >= limit:
            found.append(f"{where}: {text!r} takes {spent:.2f} s for {length} characters of {piece!r}")
    return found


def test_no_pattern_explodes(patterns: dict[tuple[str, int], str]) -> None:
    assert len(patterns) > 400
    assert not exploding(patterns, SHORT, 0.02)


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_no_pattern_is_slow_on_long_texts(patterns: dict[tuple[str, int], str], share: int) -> None:
    mine = dict(list(patterns.items())[share::SHARES])
    assert len(mine) > 400 // SHARES
    assert not exploding(mine, LONG, 0.5)


def test_a_pattern_that_explodes_is_noticed() -> None:
    """The story: the fuzzer found `(?:%|\\d+|,)*!` in the reader of editor commands."""
    assert slowest(re.compile(r"(?:%|\d+|,)*!"), SHORT, 0.02)[0] > 0.02
