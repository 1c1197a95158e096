"""No regular expression of the readers can be made to run for ever: whoever writes the text writes it for us."""

from __future__ import annotations

import ast
import random
import re
import time
from collections.abc import Iterator
from functools import reduce
from operator import or_
from pathlib import Path
from re import _compiler as compiler
from re import _constants as sre
from re import _parser as parser

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


def representatives(regex: re.Pattern[str]) -> dict[str, str]:
    """For each character of the alphabet the first that no part of the pattern tells from it.

    What is repeated of either, the pattern goes through in the same steps: trying one is enough. Trying all took five
    times as long. A pattern that compares what it found with itself tells all characters apart.
    """
    tree = parser.parse(regex.pattern, regex.flags & ~re.DEBUG)
    atoms = list({repr(atom): atom for atom in _atoms(tree)}.values())
    if any(op in _BACKWARDS for op, _ in atoms):
        return {c: c for c in _ALPHABET}
    # A group may look at cases otherwise than the whole does; the ends of words and lines are told by these three.
    tests = [re.compile(text) for text in (r"\w", r"\s", r"\n")]
    for flags in (tree.state.flags, tree.state.flags ^ re.IGNORECASE):
        tests += [_alone(tree, atom, flags) for atom in atoms]
    first: dict[tuple[bool, ...], str] = {}
    return {c: first.setdefault(tuple(test.match(c) is not None for test in tests), c) for c in _ALPHABET}


_BACKWARDS = frozenset({sre.GROUPREF, sre.GROUPREF_EXISTS})


def _atoms(part: object) -> Iterator[tuple[object, object]]:
    """What the pattern asks of single characters."""
    if isinstance(part, parser.SubPattern):
        for op, said in part:
            if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN, *_BACKWARDS):
                yield op, said
            else:
                yield from _atoms(said)
    elif isinstance(part, list | tuple):
        for one in part:
            yield from _atoms(one)


def _alone(tree: parser.SubPattern, atom: tuple[object, object], flags: int) -> re.Pattern[str]:
    state = parser.State()
    state.flags, state.str = flags, tree.state.str
    return compiler.compile(parser.SubPattern(state, [atom]), flags)


def slowest(regex: re.Pattern[str], length: int, limit: float) -> tuple[float, str]:
    """The most processor time that a text of one repeated character, or of two in turn, takes; and the character.

    The first that takes more than `limit` is enough.
    """
    alike = representatives(regex)
    said = [c for c in dict.fromkeys(regex.pattern) if c in _ALPHABET][:12] + list("a0 /-")
    few = list(dict.fromkeys(map(alike.__getitem__, said)))
    worst = (0.0, "")
    for piece in [*dict.fromkeys(alike.values()), *(a + b for a in few for b in few if a != b)]:
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


def test_characters_taken_for_alike_are_alike(patterns: dict[tuple[str, int], str]) -> None:
    """Each pattern finds the same in a text and in one where its characters are exchanged for those taken for alike."""
    chance = random.Random(20)
    fewer = 0
    for text, flags in patterns:
        regex = re.compile(text, flags)
        alike = representatives(regex)
        fewer += len(set(alike.values())) < len(_ALPHABET) // 2
        said = [c for c in text if c in _ALPHABET]
        for _ in range(4):
            one = "".join(chance.choice([*said, *_ALPHABET]) for _ in range(60))
            other = "".join(map(alike.__getitem__, one))
            assert [m.span() for m in regex.finditer(one)] == [m.span() for m in regex.finditer(other)], (text, one)
    assert fewer > len(patterns) // 2
