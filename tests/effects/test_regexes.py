"""No regular expression of the readers can be made to run for ever: whoever writes the text writes it for us."""

from __future__ import annotations

import ast
import random
import re
import time
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_
from pathlib import Path
from re import _compiler as compiler
from re import _constants as sre
from re import _parser as parser
from typing import Any

import pytest

import interlock
from interlock.effects.catalogue.readers import awk

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


def pumped(regex: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """For each repetition without an end in a pattern: a text that leads to it, and one of what it repeats."""
    tree = parser.parse(regex.pattern, regex.flags & ~re.DEBUG)
    return _Pumping(tree).repeats(tree, "")


class _Pumping:
    """Makes texts that a pattern matches so far, by its tree."""

    def __init__(self, tree: parser.SubPattern) -> None:
        self._tree = tree
        self._groups: dict[int, str] = {}

    def repeats(self, part: parser.SubPattern, before: str) -> Iterator[tuple[str, str]]:
        for op, said in part:
            if op in _REPEATING:
                if said[1] == sre.MAXREPEAT:
                    yield from ((before, piece) for piece in self._pieces(said[2]) if piece)
                yield from self.repeats(said[2], before)
            for inner in _inside(op, said):
                yield from self.repeats(inner, before)
            before += self._shortest([(op, said)])

    def _pieces(self, body: parser.SubPattern) -> set[str]:
        """The shortest that is repeated; of alternatives the shortest of each, in its place."""
        found = {self._shortest(body)}
        for number, (op, said) in enumerate(body):
            around = [self._shortest(some) for some in (body[:number], body[number + 1 :])]
            found |= {around[0] + self._shortest(inner) + around[1] for inner in _inside(op, said)}
        return found

    def _shortest(self, part: Iterable[tuple[object, Any]]) -> str:
        text = ""
        for op, said in part:
            if op in _REPEATING:
                text += self._shortest(said[2]) * min(said[0], 50)
            elif op is sre.GROUPREF:
                text += self._groups.get(said, "")
            elif op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
                one = _alone(self._tree, (op, said), self._tree.state.flags)
                text += chr(said) if op is sre.LITERAL else next((c for c in _ALPHABET if one.match(c)), "")
            elif inner := [] if op in (sre.ASSERT, sre.ASSERT_NOT) else _inside(op, said):
                made = self._shortest(inner[0])
                if op is sre.SUBPATTERN and said[0]:
                    self._groups[said[0]] = made
                text += made
        return text


_REPEATING = frozenset({sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT})


def _inside(op: object, said: Any) -> list[parser.SubPattern]:
    """What stands in a part that is no repetition: of alternatives all of them."""
    if op is sre.BRANCH:
        return list(said[1])
    if op in (sre.SUBPATTERN, sre.ASSERT, sre.ASSERT_NOT):
        return [said[-1]]
    return []


def pumping(patterns: dict[tuple[str, int], str]) -> list[str]:
    """The patterns that take long for few pieces of what they repeat, behind what leads to it."""
    found = []
    for (text, flags), where in patterns.items():
        regex = re.compile(text, flags)
        for before, piece in sorted(set(pumped(regex))):
            bait = before + piece * SHORT + "\x00"
            begun = time.process_time()
            regex.search(bait)
            regex.fullmatch(bait)
            if (spent := time.process_time() - begun) > 0.02:
                found.append(f"{where}: {text!r} takes {spent:.2f} s for {bait!r}")
    return found


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
def test_no_pattern_explodes_behind_what_leads_to_it(patterns: dict[tuple[str, int], str]) -> None:
    assert not pumping(patterns)


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_no_pattern_is_slow_on_long_texts(patterns: dict[tuple[str, int], str], share: int) -> None:
    mine = dict(list(patterns.items())[share::SHARES])
    assert len(mine) > 400 // SHARES
    assert not exploding(mine, LONG, 0.5)


def test_a_pattern_that_explodes_is_noticed() -> None:
    """The story: the fuzzer found `(?:%|\\d+|,)*!` in the reader of editor commands."""
    assert slowest(re.compile(r"(?:%|\d+|,)*!"), SHORT, 0.02)[0] > 0.02


def test_a_pattern_that_explodes_behind_a_word_is_noticed() -> None:
    """The story: the guards asked for `dict(…)` with braces inside, and no text without that word took long.

    Four older ones were found with it: what stands in an awk program, in the script of an environment, in a migration.
    """
    bad = r"dict\(([^()]*(?:\{[^{}]*\}[^()]*)*)\)"
    assert not exploding({(bad, 0): "here"}, SHORT, 0.02)
    assert pumping({(bad, 0): "here"})


def test_brackets_that_never_end_keep_no_reader_of_awk_busy() -> None:
    """A bracket right after the opening one belongs to the list (POSIX, 9.3.5): there is one way to read it."""
    assert awk._awk_tokens("/" + "[]" * 60)
    assert ("regex", "/[]/] x/") in awk._awk_tokens("/[]/] x/ { print }")


@pytest.mark.slow
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
