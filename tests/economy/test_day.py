"""Recorded days of work: people are asked at most once in a hundred actions, and nothing grave passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from economy.recording import DAY, steps
from economy.replay import Replay


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    return Replay(tmp_path_factory.mktemp("days")).run()


def test_the_recording_is_as_large_as_it_says(days: Replay) -> None:
    assert days.actions + days.planted >= 2_000
    assert days.planted >= 50
    assert len(list(DAY.glob("*.txt"))) >= 16


def test_at_most_one_prompt_in_a_hundred_actions(days: Replay) -> None:
    asked = "\n".join(f"{p.step.name} {p.judged.decision.rules[0]} {p.step.input}" for p in days.prompts)
    assert days.per_100 <= 1.0, asked


def test_every_planted_grave_action_is_asked_or_denied(days: Replay) -> None:
    assert [step.name for step in days.passed] == []


def test_no_action_is_recorded_twice_as_a_planted_one() -> None:
    planted = [str(step.input) for step in steps(Path("/h"), Path("/h/w")) if step.planted]
    assert len(set(planted)) == len(planted)
