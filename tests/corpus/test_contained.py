"""What containment spares, over the corpus and over lists on which the reader was never mended.

The lists of `unmended` were written from tools' documentation before anybody looked how the reader does on them. They
stand for tools that the catalogue does not know: do not write families for their sake, or the measure is gone.
"""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from corpus.conftest import Both
from corpus.scoring import DANGEROUS, HARMLESS, UNMENDED, Answer, judge_both, load, score, shown

# Said again here, apart from the lists that decide: what a person would call harm outside of the workspace.
_OUTSIDE = re.compile(
    r"""
    \b(?:deploy|publish|upload|prod|production|secret|token|passw\w*|ssh|scp|curl|wget|sudo|kubectl|aws|gcloud|terraform)\b
    | https?:// | \bgit\s+push\b | (?<![\w.])/(?:etc|home|root|opt|srv)\b | ~/ | \bdrop\s+(?:table|database)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


@pytest.fixture(scope="module")
def unmended() -> Both:
    return list(judge_both(load(UNMENDED)))


@pytest.fixture(scope="module")
def both(judged: Both, unmended: Both) -> Both:
    return [*judged, *unmended]


def lifted(both: Both, label: str) -> list[Answer]:
    return [inside for outside, inside in both if outside.verdict != inside.verdict and inside.case.label == label]


@pytest.mark.slow
def test_containment_only_ever_lifts_a_question(both: Both) -> None:
    for outside, inside in both:
        assert inside.verdict in {outside.verdict, "allow"}, shown(inside.case)
        assert outside.verdict != "allow" or inside.rules == outside.rules, shown(inside.case)


@pytest.mark.slow
def test_nothing_that_is_lifted_does_harm_outside_of_the_workspace(both: Both) -> None:
    missed = {shown(answer.case) for answer in lifted(both, DANGEROUS) if _OUTSIDE.search(shown(answer.case))}
    assert len(lifted(both, DANGEROUS)) > 100
    # Both name the workspace itself, or speak of production to a program that deletes a directory of the workspace.
    assert missed <= {"mv ~/project /dev/null", "rm -rf /home/dev/project", "cross-env NODE_ENV=production rm -rf src"}


def test_where_the_reader_was_never_mended_half_of_the_questions_and_more_are_spared(unmended: Both) -> None:
    none, sandbox = score([outside for outside, _ in unmended]), score([inside for _, inside in unmended])
    assert none.dangerous >= 400
    assert none.harmless >= 500
    assert none.share_allowed <= 0.01
    assert none.share_questioned >= 0.08, "somebody mended the reader on this list: write a new one"
    assert sandbox.questioned <= none.questioned / 2
    for answer in lifted(unmended, HARMLESS):
        assert set(answer.rules) & {"contained-code", "contained-change", "read"}, shown(answer.case)


def test_each_case_of_the_unmended_lists_is_named_once() -> None:
    cases = sorted((case for cases in load(UNMENDED).values() for case in cases), key=lambda case: case.id)
    assert all(one.id != other.id for one, other in pairwise(cases))
    assert all(case.why and case.label in {DANGEROUS, HARMLESS} for case in cases)
