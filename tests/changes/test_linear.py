"""What reads whole lines takes time in proportion to them: a line of 2 MB is judged, and does not end its stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from re import _parser as parser  # type: ignore[attr-defined]  # the law is about the shape of a pattern
from typing import Any

import pytest

from interlock.changes import code, shapes
from interlock.changes.change import Kind, Version
from interlock.changes.stages import checks, secrets
from interlock.effects.redact import packaged

PATTERNS = {
    **{f"{n} {rule.id}": rule.regex for n, rule in enumerate(shapes.load("checks"))},
    **{f"{n} {known.id}": known.regex for n, known in enumerate(checks._known())},
    **{shape.id: shape.regex for shape in packaged() if shape.id != "private-key"},  # of which the stage has its own
    "quoted": secrets._QUOTED, "long": secrets._LONG, "names": checks._DEFINED, "steps": checks._pipelines()[1],
}  # fmt: skip


def unbounded(sequence: Any, first: bool = True) -> Iterator[str]:
    """Repetitions without a bound that are not possessive ones of blanks with something before them."""
    for op, argument in sequence:
        name = str(op)
        if name.endswith("REPEAT") and argument[1] == parser.MAXREPEAT:
            blank = str(argument[2]) in _spaces() or str(argument[2]) == str(parser.parse(r"\w"))
            if name != "POSSESSIVE_REPEAT" or not blank or first:
                yield f"{name} of {argument[2]}"
        for part in argument if isinstance(argument, tuple | list) else ():
            inner = part if isinstance(part, parser.SubPattern) else None
            for one in [inner] if inner is not None else part if isinstance(part, list) else []:
                if isinstance(one, parser.SubPattern):
                    yield from unbounded(one, first)
        first = first and name not in ("LITERAL", "IN", "BRANCH", "SUBPATTERN", "AT")


def _spaces() -> set[str]:
    return {str(parser.parse(text)) for text in (r"\s", r"[ \t]")}


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_repeats_without_a_bound(name: str) -> None:
    assert list(unbounded(parser.parse(PATTERNS[name].pattern, PATTERNS[name].flags))) == []


@pytest.mark.parametrize("text", [r"a\s*b", r"\s*+b", r"a[\w-]*b", r"(?:x|y.*)z", r"(?:\s*+|a)b"])
def test_the_law_finds_what_it_is_about(text: str) -> None:
    assert list(unbounded(parser.parse(text)))


# A text that, repeated, was looked through again from each of its beginnings.
BAITS = ["a", "\n", '\\"', "/*", "<!--", "token=", 'key = "', '"password": "Aa1!bb2?x", ', "eslint-disable",
         "--ignore=", "# noqa: ", "[", "eval", " ", "x = ", "ghp_", "://a:", "`\\`"]  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize(
    "bait", [pytest.param(b, marks=pytest.mark.slow if n % 3 else ()) for n, b in enumerate(BAITS)]
)
def test_a_long_line_costs_what_its_length_does(bait: str) -> None:
    """It may cost ten times as much on a busy machine; of the quadratic ones each took longer than all may here."""
    text = bait * (100_000 // len(bait))
    for path in ("a.js", "a.py", ".eslintrc", "pyproject.toml", "a.md", "a.sql", "a.yml"):
        side = Version(path, "100644", "0" * 40, Kind.TEXT, len(text), text.encode())
        assert seconds(lambda: list(shapes.look(side, shapes.load("checks")))) < 2.5  # noqa: B023
        assert seconds(lambda: [checks._numbers(known, side) for known in checks._known()]) < 2.5  # noqa: B023
    assert seconds(lambda: list(secrets.hits(text, "a.env"))) < 2.5


@pytest.mark.slow
@pytest.mark.parametrize("bait", BAITS)
def test_two_megabytes_are_judged_within_the_budget(bait: str) -> None:
    text = bait * (2_000_000 // len(bait))
    assert seconds(lambda: list(secrets.hits(text, "a.env"))) < secrets.STAGE.budget
    for path in ("a.js", "a.py", "a.yml"):
        side = Version(path, "100644", "0" * 40, Kind.TEXT, len(text), text.encode())
        assert seconds(lambda: list(shapes.look(side, shapes.load("checks")))) < checks.STAGE.budget  # noqa: B023


def test_a_credential_is_found_wherever_a_window_ends() -> None:
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0dF2hJ4"
    for at in (0, 3_990, 3_999, 4_000, 4_001, 9_990):
        line = "x" * at + " " + token + " " + "y" * 5_000
        assert [(hit.value, hit.at) for hit in secrets.hits(line, "a.txt")] == [(token, at + 1)]
        assert token[:12] not in secrets._shown(line, next(iter(secrets.hits(line, "a.txt"))))


def test_comments_and_strings_are_told_apart_as_before() -> None:
    told = code.parts("a /* b */ 'c // d' // e\n/* f", "a.js")
    assert told.code == "a         'c // d'     \n/* f"
    assert told.bare == "a         '      '     \n/* f"
    assert told.comment == "  /* b */          // e\n    "
    assert code.parts("x <!-- y\nz --> w <!-- v", "a.md").comment == "  <!-- y\nz -->         "
