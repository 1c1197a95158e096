"""The judgements on every case, made once for all tests of this room."""

from __future__ import annotations

import pytest

from corpus.scoring import Answer, judge_both, load

Both = list[tuple[Answer, Answer]]  # without containment, and with it

FAMILIES = load()


@pytest.fixture(scope="session")
def judged() -> Both:
    return list(judge_both(FAMILIES))
