"""Patterns decided by automata, against every text of a small alphabet."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.prover import globs, texts
from interlock.prover.globs import Pieces
from interlock.prover.texts import Like, Question, Same

ALPHABET = "abxy"  # patterns hold a and b; the search takes x and y for what stands in none of them
pieces = st.lists(st.text("ab", max_size=3), min_size=1, max_size=4).map(globs.normal)
short = st.lists(st.text("ab", max_size=1), min_size=1, max_size=3).map(globs.normal)


def every(longest: int, alphabet: str = "abx") -> list[str]:
    return ["".join(text) for size in range(longest + 1) for text in itertools.product(alphabet, repeat=size)]


SOME = every(6)
FEW = every(3, ALPHABET)


def matches(pattern: Pieces, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern)), text, re.DOTALL) is not None


@settings(max_examples=150, deadline=None)
@given(pieces, st.text("abx", max_size=12))
def test_an_automaton_matches_what_the_pattern_says(pattern: Pieces, text: str) -> None:
    assert globs.automaton(pattern).matches(text) is matches(pattern, text)


@pytest.mark.parametrize("pattern", [("",), ("", ""), ("a", ""), ("", "aab"), ("", "abab", "aba"), ("ab", "a", "ba")])
def test_an_automaton_matches_every_short_text_as_it_should(pattern: Pieces) -> None:
    assert [t for t in SOME if globs.automaton(pattern).matches(t)] == [t for t in SOME if matches(pattern, t)]


@settings(max_examples=60, deadline=None)
@given(st.lists(pieces, max_size=3), st.lists(pieces, max_size=3))
def test_texts_are_found_if_there_are_any(held: list[Pieces], shunned: list[Pieces]) -> None:
    found = globs.texts(held, shunned, 3).texts
    assert len(set(found)) == len(found)
    assert all(right(text, held, shunned) for text in found)
    there = [text for text in SOME if right(text, held, shunned)]
    assert len(found) >= min(3, len(there))
    assert bool(globs.texts(held, shunned).texts) is bool(found)


def right(text: str, held: Sequence[Pieces], shunned: Sequence[Pieces]) -> bool:
    return all(matches(one, text) for one in held) and not any(matches(one, text) for one in shunned)


@settings(max_examples=100, deadline=None)
@given(short, short)
def test_two_patterns_are_apart_or_one_within_the_other_as_their_texts_say(one: Pieces, other: Pieces) -> None:
    mine, theirs = ({text for text in SOME if matches(pattern, text)} for pattern in (one, other))
    assert globs.apart(one, other) is mine.isdisjoint(theirs)
    assert globs.within(one, other) is (mine <= theirs)


questions = st.one_of(
    st.builds(Like, st.sampled_from(["one", "two"]), short.filter(lambda p: p != ("", ""))), st.just(Same("one", "two"))
)


def answered(question: Question, one: str, two: str) -> bool:
    if isinstance(question, Same):
        return one == two
    return matches(question.pieces, one if question.path == "one" else two)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(questions, st.booleans(), min_size=1, max_size=6))
def test_answers_about_texts_are_possible_or_clash(answers: dict[Question, bool]) -> None:
    found = texts.solved(answers)
    if isinstance(found, dict):
        one, two = found.get("one", ""), found.get("two", "")
        assert all(answered(question, one, two) is yes for question, yes in answers.items())
        return
    assert found
    for clash in found:
        for one, two in itertools.product(FEW, FEW):
            assert any(answered(question, one, two) is not answers[question] for question in clash)


def test_three_patterns_that_only_clash_together_are_found() -> None:
    """Each two have texts in common; all three have none."""
    answers: dict[Question, bool] = {
        Like("name", ("ab", "")): True,
        Like("name", ("", "b")): True,
        Like("name", ("ab",)): False,
        Like("name", ("ab", "b")): False,
    }
    (clash,) = texts.solved(answers)
    assert set(clash) == set(answers)


def test_a_search_that_would_take_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(globs, "STATES", 5)
    with pytest.raises(globs.GaveUp):
        globs.texts([("", "aabb", ""), ("", "bbaa", "")], [("", "aabbaa", "")])


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        (Like("resource.name", ("shop.", "")), 'resource.name like "shop.*"'),
        (Like("resource.name", ("a*b",)), 'resource.name == "a*b"'),
        (Like("resource.name", ("a*", 'b"\\\n')), 'resource.name like "a\\**b\\"\\\\\\n"'),
        (Same("context.via", "resource.name"), "context.via == resource.name"),
    ],
)
def test_a_question_is_shown_as_a_policy_writes_it(question: Question, shown: str) -> None:
    assert str(question) == shown
